/* Opening and closing a domain. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "survey.h"

#define MAX_PARTICIPANT_NAME 64
#define MAX_IN_FLIGHT (3 << 14)

/* Programs that were built with an earlier header say nothing of memory: there its place was reserved. */
_Static_assert(sizeof(void *) != 8 || (sizeof(rc_config) == 88 && offsetof(rc_config, inbox_slot_size) == 56 && offsetof(rc_config, memory) == 64), "rc_config has its form");

static int check_config(const rc_config *config)
{
	if (config->name != NULL && strlen(config->name) > MAX_PARTICIPANT_NAME)
		return rci_fail(RC_ERROR_INVALID, "config: name of %zu bytes: want at most %d", strlen(config->name), MAX_PARTICIPANT_NAME);
	if (config->wait > RC_WAIT_YIELD)
		return rci_fail(RC_ERROR_INVALID, "config: unknown way of waiting %u", (unsigned)config->wait);
	if (config->domain != NULL && *config->domain != 0 && (!rci_name_valid(config->domain) || config->domain[0] == '$'))
		return rci_fail(RC_ERROR_NAME, "domain \"%.64s\": want letters, digits, _ and -, with dots between", config->domain);
	if (config->in_flight > MAX_IN_FLIGHT)
		return rci_fail(RC_ERROR_INVALID, "config: in flight %u: want at most %d", (unsigned)config->in_flight, MAX_IN_FLIGHT);
	if (config->inbox_slot_size > RC_MAX_SLOT_PAYLOAD - RC_ADDRESS_BLOCK_SIZE)
		return rci_fail(RC_ERROR_INVALID, "config: inbox slot size %u: want at most %d", (unsigned)config->inbox_slot_size, (int)(RC_MAX_SLOT_PAYLOAD - RC_ADDRESS_BLOCK_SIZE));
	if (config->reserved0 != 0)
		return rci_fail(RC_ERROR_INVALID, "config: the reserved field before memory is not zero");
	for (size_t i = 0; i < sizeof config->reserved / sizeof *config->reserved; i++)
		if (config->reserved[i] != 0)
			return rci_fail(RC_ERROR_INVALID, "config: reserved field %zu is not zero", i);
	return RC_OK;
}

static int open_domain(rc_domain *d, const rc_config *config)
{
	const char *domain = config->domain != NULL && *config->domain != 0 ? config->domain : "default";
	const char *name = config->name != NULL && *config->name != 0 ? config->name : program_invocation_short_name;
	int result = check_config(config);
	if (result == RC_OK)
		result = rci_memory_asked(config->memory, &d->memory);
	if (result == RC_OK)
		result = rci_place(config, &d->place);
	if (result != RC_OK)
		return result;
	d->wait = config->wait;
	d->in_flight = config->in_flight;
	d->inbox_slot_size = config->inbox_slot_size;
	(void)snprintf(d->name, sizeof d->name, "%s", name);
	(void)snprintf(d->directory, sizeof d->directory, "%.*s/%s", RCI_PATH - 256, d->place.base, domain);
	result = rci_make_domain(&d->place, d->directory);
	if (result == RC_OK)
		result = rci_domain_segments(d, config->node);
	if (result != RC_OK)
		return result;
	rci_sweep(d);
	return rci_join(d);
}

static void free_domain(rc_domain *d)
{
	rci_leave(d);
	rci_counters_close(d);
	rci_segment_close(&d->directory_segment);
	rci_segment_close(&d->participants);
	rci_segment_close(&d->node);
	rci_fork_remove(d);
	while (d->interests != NULL) {
		struct interest *next = d->interests->next;
		free(d->interests);
		d->interests = next;
	}
	while (d->offers != NULL) {
		struct offer *next = d->offers->next;
		free(d->offers);
		d->offers = next;
	}
	while (d->handles != NULL) {
		struct handle *next = d->handles->next;
		free(d->handles);
		d->handles = next;
	}
	(void)pthread_mutex_destroy(&d->mutex);
	(void)pthread_mutex_destroy(&d->sleep_mutex);
	free(d);
}

int rc_domain_open(const rc_config *config, rc_domain **domain)
{
	rc_config zero;
	if (domain == NULL)
		return rci_fail(RC_ERROR_INVALID, "open a domain: no place for the handle");
	memset(&zero, 0, sizeof zero);
	*domain = NULL;
	rc_domain *d = calloc(1, sizeof *d);
	if (d == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "open a domain");
	d->lock.fd = d->bell.fd = d->info_file.fd = -1;
	d->node.file.fd = d->participants.file.fd = d->directory_segment.file.fd = d->counters.file.fd = -1;
	(void)pthread_mutex_init(&d->mutex, NULL);
	(void)pthread_mutex_init(&d->sleep_mutex, NULL);
	rci_fork_add(d);
	int result = open_domain(d, config != NULL ? config : &zero);
	if (result != RC_OK)
		free_domain(d);
	else
		*domain = d;
	return result;
}

int rc_domain_close(rc_domain *d)
{
	if (d == NULL)
		return RC_OK;
	unsigned own = d->post != NULL ? rci_surveys_close(d->post, true) : 0;
	(void)pthread_mutex_lock(&d->mutex);
	unsigned open = d->open_handles - own;
	(void)pthread_mutex_unlock(&d->mutex);
	if (open != 0)
		return rci_fail(RC_ERROR_BUSY, "close the domain: %u publishers, subscriptions, or what else it has handed out are open", open);
	if (own != 0)
		(void)rci_surveys_close(d->post, false);
	rci_post_end(d);
	rci_events_stop(d);
	rci_topics_stop(d);
	free_domain(d);
	return RC_OK;
}

int rc_domain_address(const rc_domain *d, struct rc_address *address)
{
	if (d == NULL || address == NULL)
		return rci_fail(RC_ERROR_INVALID, "address: NULL");
	int result = rci_usable(d);
	if (result == RC_OK)
		*address = (struct rc_address){d->node_id, d->epoch, d->generation, (uint16_t)d->index, 0};
	return result;
}

const char *rc_domain_directory(const rc_domain *d) { return d != NULL ? d->directory : NULL; }
