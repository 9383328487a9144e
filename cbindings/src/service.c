/* Serving a name: messaging.md, 8. */
#define _GNU_SOURCE
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "desk.h"

#define DEFAULT_QUEUE 256
#define MAX_CONCURRENCY 1024
#define PATIENT_BUDGET UINT64_C(3600000000000)
#define TRIES 100

static int check_config(const char *name, const rc_service_config *config)
{
	for (size_t i = 0; i < sizeof config->reserved / sizeof *config->reserved; i++)
		if (config->reserved[i] != 0)
			return rci_fail(RC_ERROR_INVALID, "serve: reserved field %zu is not zero", i);
	if (config->concurrency > MAX_CONCURRENCY)
		return rci_fail(RC_ERROR_INVALID, "serve: concurrency %u: want at most %d", (unsigned)config->concurrency, MAX_CONCURRENCY);
	if (config->slot_size > RC_MAX_SLOT_PAYLOAD - RC_ADDRESS_BLOCK_SIZE)
		return rci_fail(RC_ERROR_INVALID, "serve: slot size %u: want at most %d", (unsigned)config->slot_size, (int)(RC_MAX_SLOT_PAYLOAD - RC_ADDRESS_BLOCK_SIZE));
	if (!rci_name_valid(name))
		return rci_fail(RC_ERROR_NAME, "service \"%.64s\": want letters, digits, _ and -, with dots between, at most %d bytes", name != NULL ? name : "", RC_MAX_NAME);
	return RC_OK;
}

/* Takes the ring as it is, as far as nothing else is asked for, or makes it. */
static int open_ring(rc_service *s)
{
	int result = RC_ERROR_NOT_FOUND;
	for (int i = 0; i < TRIES && (result == RC_ERROR_NOT_FOUND || result == RC_ERROR_SHAPE); i++) {
		struct wish there = s->want, made = s->want;
		there.existing = true;
		made.memory = &s->domain->memory;
		result = rci_ring_open(s->domain, s->path, &there, true, &s->ring);
		if (result != RC_ERROR_NOT_FOUND)
			return result;
		if (made.shape.slots == 0)
			made.shape.slots = DEFAULT_QUEUE;
		if (made.shape.payload == 0)
			made.shape.payload = RC_DEFAULT_SLOT_PAYLOAD + RC_ADDRESS_BLOCK_SIZE;
		result = rci_ring_open(s->domain, s->path, &made, true, &s->ring);
	}
	return result;
}

/* Gives each hand a row and room for a message. */
static int equip(rc_service *s)
{
	uint32_t *rows = malloc(s->limit * sizeof *rows), have = 0;
	if (rows == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "service %s", s->name);
	s->member.lends_rows = true;
	int result = rci_member_hold_rows(&s->member, rows, s->limit, &have);
	for (uint32_t i = 0; i < s->limit; i++) {
		struct task *t = &s->tasks[i];
		t->row = i < have ? rows[i] : GROUP_ROWS;
		if (t->busy)
			continue; /* of a ring that was retired: it keeps what it has */
		free(t->copy);
		t->copy = malloc(s->ring->shape.payload);
		if (t->copy == NULL && result == RC_OK)
			result = rci_fail(RC_ERROR_NO_MEMORY, "service %s", s->name);
	}
	free(rows);
	return result;
}

static void free_rows(rc_service *s)
{
	for (uint32_t i = 0; i < s->limit; i++) {
		s->member.row = s->tasks[i].row;
		rci_member_free_row(&s->member); /* GROUP_ROWS: nothing */
		s->tasks[i].row = GROUP_ROWS;
	}
}

static int join_once(rc_service *s)
{
	int result = open_ring(s);
	if (result != RC_OK)
		return result;
	result = rci_name_kind(s->domain, s->name, "topics");
	if (result == RC_OK)
		result = rci_member_open(&s->member, s->ring, INSTANCES, false);
	if (result == RC_OK) {
		result = equip(s);
		if (result == RC_OK)
			return RC_OK;
		(void)rci_service_leave(s);
		return result;
	}
	rci_ring_close(s->ring);
	s->ring = NULL;
	return result;
}

int rci_service_join(rc_service *s)
{
	int result = RCI_RETIRED;
	for (int i = 0; i < TRIES && result == RCI_RETIRED; i++)
		result = join_once(s);
	return result == RCI_RETIRED ? rci_fail(RC_ERROR_IN_USE, "service %s: its queue is being replaced again and again", s->name) : result;
}

bool rci_service_leave(rc_service *s)
{
	bool left = false;
	if (s->ring == NULL)
		return false;
	if (load_relaxed(&s->domain->forked) == 0) {
		free_rows(s);
		(void)rci_member_leave(&s->member);
		fence_full(); /* behind the leaving */
		left = !rci_group_has_members(s->member.group) && rci_group_unstarted(s->member.group);
	}
	rci_member_close(&s->member);
	rci_ring_close(s->ring);
	s->ring = NULL;
	s->next = NULL;
	return left;
}

static rc_service *make(struct post *post, const char *name, const rc_service_config *config)
{
	pthread_condattr_t clock;
	rc_service *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->domain = post->domain;
	s->post = post;
	s->event.fd = -1;
	s->limit = config->concurrency != 0 ? config->concurrency : 1;
	s->hash = rci_fnv1a(RCI_FNV_BASIS, name, strlen(name));
	(void)snprintf(s->name, sizeof s->name, "%s", name);
	(void)snprintf(s->path, sizeof s->path, "%.*s/services/%s", RCI_PATH - 512, s->domain->directory, name);
	s->want.shape = (struct shape){.slots = config->queue, .payload = config->slot_size != 0 ? config->slot_size + RC_ADDRESS_BLOCK_SIZE : 0,
		.purpose = RC_RING_PURPOSE_SERVICE, .stall_budget = PATIENT_BUDGET};
	(void)pthread_mutex_init(&s->mutex, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->turn, &clock);
	(void)pthread_condattr_destroy(&clock);
	s->tasks = calloc(s->limit, sizeof *s->tasks);
	for (uint32_t i = 0; s->tasks != NULL && i < s->limit; i++) {
		s->tasks[i].service = s;
		s->tasks[i].row = GROUP_ROWS;
	}
	if (s->tasks != NULL)
		return s;
	free(s);
	return NULL;
}

static void free_service(rc_service *s)
{
	for (uint32_t i = 0; i < s->limit; i++)
		free(s->tasks[i].copy);
	for (uint32_t i = 0; i < s->old_count; i++)
		rci_ring_close(s->old[i]);
	(void)pthread_mutex_destroy(&s->mutex);
	(void)pthread_cond_destroy(&s->turn);
	free(s->old);
	free(s->tasks);
	free(s);
}

static void count_handle(rc_domain *d, int by)
{
	(void)pthread_mutex_lock(&d->mutex);
	d->open_handles += (unsigned)by;
	(void)pthread_mutex_unlock(&d->mutex);
}

static int begin(rc_service *s, const rc_service_config *config)
{
	int result = rci_grant_asked("serve", config->owner, config->group, config->file_mode, &s->rights);
	if (result != RC_OK)
		return result;
	if (s->rights.mode != 0 || s->rights.owner != KEEP || s->rights.group != KEEP)
		s->want.rights = &s->rights;
	result = rci_service_join(s);
	if (result != RC_OK)
		return result;
	result = rci_offer_add(s->domain, s->name, (int32_t)s->limit);
	s->told = result == RC_OK;
	if (result != RC_OK)
		(void)rci_service_leave(s);
	return result;
}

int rc_service_open(rc_domain *domain, const char *name, const rc_service_config *config, rc_service **service)
{
	static const rc_service_config usual;
	struct post *post;
	int result = service == NULL ? rci_fail(RC_ERROR_INVALID, "serve: NULL") : rci_post(domain, &post);
	if (config == NULL)
		config = &usual;
	if (result == RC_OK)
		result = check_config(name, config);
	if (result != RC_OK)
		return result;
	rc_service *s = make(post, name, config);
	if (s == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "service %s", name);
	result = begin(s, config);
	if (result != RC_OK) {
		free_service(s);
		return result;
	}
	count_handle(domain, 1);
	*service = s;
	return RC_OK;
}

int rc_service_stop(rc_service *s)
{
	int result = s == NULL ? rci_fail(RC_ERROR_INVALID, "stop: NULL") : rci_usable(s->domain);
	if (result != RC_OK)
		return result;
	(void)pthread_mutex_lock(&s->mutex);
	bool told = s->told;
	s->told = false;
	(void)pthread_mutex_unlock(&s->mutex);
	store_seq(&s->stopping, 1);
	if (told)
		result = rci_offer_add(s->domain, s->name, -(int32_t)s->limit);
	rci_ring_bell(s->domain, s->domain->index);
	rci_events_show(&s->event);
	return result;
}

void rc_service_close(rc_service *s)
{
	struct task *t;
	if (s == NULL)
		return;
	rc_domain *d = s->domain;
	if (load_relaxed(&d->forked) == 0) {
		(void)rc_service_stop(s);
		store_seq(&s->hurry, 1);
		for (uint32_t i = 0; i < s->limit; i++)
			if (s->tasks[i].busy)
				rc_task_drop(&s->tasks[i].shown);
		for (int result = RC_NOTHING; result == RC_NOTHING || result == RC_OK;) {
			result = rci_service_take(s, &t);
			if (result == RC_OK) /* nobody waits for it: a message without an answer */
				rci_task_done(t);
		}
	}
	(void)rci_service_leave(s); /* where that has failed */
	rci_events_forget(d, &s->event);
	free_service(s);
	count_handle(d, -1);
}
