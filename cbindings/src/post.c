/* What a domain has for direct messages, and what is said of addresses. */
#define _GNU_SOURCE
#include "post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "desk.h"

/* Bounds of the time of a request: messaging.md, 7. */
#define MAX_TIME UINT64_C(1800000000000)
/* Nobody is put out of an inbox or a service for slowness before. */
#define PATIENT_BUDGET UINT64_C(3600000000000)

static struct post *make(rc_domain *d)
{
	struct post *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->domain = d;
	p->self = rci_self(d);
	(void)pthread_mutex_init(&p->mutex, NULL);
	(void)pthread_mutex_init(&p->callees_mutex, NULL);
	(void)pthread_mutex_init(&p->desk_mutex, NULL);
	(void)pthread_mutex_init(&p->surveys_mutex, NULL);
	return p;
}

int rci_post(rc_domain *d, struct post **post)
{
	if (d == NULL)
		return rci_fail(RC_ERROR_INVALID, "direct messages: no domain");
	int result = rci_usable(d);
	if (result != RC_OK)
		return result;
	*post = load_acquire(&d->post);
	if (__builtin_expect(*post != NULL, 1))
		return RC_OK;
	(void)pthread_mutex_lock(&d->mutex);
	if (d->post == NULL)
		store_release(&d->post, make(d));
	*post = d->post;
	(void)pthread_mutex_unlock(&d->mutex);
	return *post != NULL ? RC_OK : rci_fail(RC_ERROR_NO_MEMORY, "direct messages");
}

void rci_post_end(rc_domain *d)
{
	struct post *p = d->post;
	if (p == NULL)
		return;
	rci_desk_close(p);
	rci_outboxes_close(p);
	rci_callees_close(p);
	d->post = NULL;
	free(p);
}

int rci_route(const struct post *p, const struct rc_address *to)
{
	char text[RC_ADDRESS_TEXT] = "";
	(void)rc_address_format(to, text, sizeof text);
	if (to->node == 0 || to->generation == 0 || rci_gone(p->domain, to))
		return rci_fail(RC_ERROR_GONE, "%s: is gone, or never was", text);
	return RC_OK;
}

void rci_block_time(struct rc_address_block *block, uint64_t left, uint64_t now)
{
	block->time_left_ns = left;
	block->code = (uint32_t)(now / 1000);
}

int64_t rci_block_left(const struct rc_address_block *block)
{
	int32_t waited = (int32_t)((uint32_t)(rci_now() / 1000) - block->code); /* a mark may lie some us ahead */
	uint64_t left = block->time_left_ns < MAX_TIME ? block->time_left_ns : MAX_TIME;
	return (int64_t)left - (waited > 0 ? (int64_t)waited * 1000 : 0);
}

struct shape rci_inbox_shape(const rc_domain *d, uint32_t slots)
{
	uint32_t size = d->inbox_slot_size != 0 ? d->inbox_slot_size : RC_DEFAULT_SLOT_PAYLOAD;
	return (struct shape){.slots = slots, .payload = size + RC_ADDRESS_BLOCK_SIZE, .purpose = RC_RING_PURPOSE_INBOX, .stall_budget = PATIENT_BUDGET};
}

void rci_inbox_path(const rc_domain *d, const struct rc_address *a, int box, char *path)
{
	(void)snprintf(path, RCI_PATH, "%.*s/inbox/%u.%u.%s", RCI_PATH - 64, d->directory, (unsigned)a->index, (unsigned)a->generation,
		box == BOX_MAIL ? "mail" : box == BOX_REPLIES ? "replies" : "uplink");
}

void rci_inbox_exists(rc_domain *d) { store_relaxed(&rci_record(d, d->index)->inbox, 1); }

int rci_name_kind(rc_domain *d, const char *name, const char *folder)
{
	const struct wish there = {.existing = true};
	char path[RCI_PATH], control[RCI_PATH];
	struct stat st;
	struct ring *ring = NULL;
	(void)snprintf(path, sizeof path, "%.*s/%s/%s", RCI_PATH - 512, d->directory, folder, name);
	(void)snprintf(control, sizeof control, "%.*s.ctl", RCI_PATH - 16, path);
	for (int i = 0; i < 2; i++) { /* one that nobody uses is removed by the first close */
		if (lstat(control, &st) != 0)
			return RC_OK;
		int result = rci_ring_open(d, path, &there, true, &ring);
		if (result == RC_ERROR_NOT_FOUND)
			return RC_OK;
		if (result == RC_OK)
			rci_ring_close(ring);
	}
	return rci_fail(RC_ERROR_NAME_KIND, "\"%s\" is a %s here: choose another name, or end all who use it", name, folder[0] == 't' ? "topic" : "service");
}
