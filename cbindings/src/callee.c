/* A service's ring as its callers see it: messaging.md, 9. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post.h"

#define TRIES 10
/* So many services are kept open, those that were called last, and besides them those that somebody uses: a
 * program may have a name for each order. */
#define MOST_CALLEES 256

int rci_no_service(const char *name) { return rci_fail(RC_ERROR_NO_SERVICE, "service \"%s\": no instance answers to it", name); }

static struct callee *make(struct post *p, const char *name)
{
	struct callee *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->post = p;
	c->hash = rci_fnv1a(RCI_FNV_BASIS, name, strlen(name));
	(void)snprintf(c->name, sizeof c->name, "%s", name);
	(void)snprintf(c->path, sizeof c->path, "%.*s/services/%s", RCI_PATH - 512, p->domain->directory, name);
	(void)pthread_mutex_init(&c->mutex, NULL);
	return c;
}

static void shut(struct callee *c)
{
	if (c->ring != NULL)
		rci_ring_close(c->ring);
	c->ring = NULL;
	c->group = NULL;
}

static void free_callees(struct callee *first)
{
	while (first != NULL) {
		struct callee *c = first;
		first = c->next;
		shut(c);
		(void)pthread_mutex_destroy(&c->mutex);
		free(c);
	}
}

static void put_first(struct post *p, struct callee *c)
{
	c->next = p->callees;
	p->callees = c;
}

/* Who has the name, first in the list from now on. */
static struct callee *find(struct post *p, const char *name)
{
	for (struct callee **at = &p->callees; *at != NULL; at = &(*at)->next) {
		struct callee *c = *at;
		if (strcmp(c->name, name) != 0)
			continue;
		*at = c->next;
		put_first(p, c);
		return c;
	}
	return NULL;
}

/* Takes out of the list who may be forgotten. */
static struct callee *take_idle(struct post *p)
{
	struct callee *idle = NULL, **at = &p->callees;
	for (unsigned i = 0; *at != NULL; i++) {
		struct callee *c = *at;
		if (i < MOST_CALLEES || load_acquire(&c->holds) != 0) { /* pairs(drop) */
			at = &c->next;
			continue;
		}
		*at = c->next;
		c->next = idle;
		idle = c;
	}
	return idle;
}

int rci_callee(struct post *p, const char *name, struct callee **callee)
{
	struct callee *idle = NULL;
	if (!rci_name_valid(name))
		return rci_fail(RC_ERROR_NAME, "service \"%.64s\": want letters, digits, _ and -, with dots between, at most %d bytes", name != NULL ? name : "", RC_MAX_NAME);
	(void)pthread_mutex_lock(&p->callees_mutex);
	struct callee *c = find(p, name);
	if (c == NULL && (c = make(p, name)) != NULL) {
		put_first(p, c);
		idle = take_idle(p);
	}
	if (c != NULL)
		add_relaxed(&c->holds, 1);
	(void)pthread_mutex_unlock(&p->callees_mutex);
	free_callees(idle); /* nobody else knows them; to close a ring takes system calls */
	*callee = c;
	return c != NULL ? RC_OK : rci_fail(RC_ERROR_NO_MEMORY, "service %s", name);
}

void rci_callee_drop(struct callee *c)
{
	if (c != NULL)
		sub_release(&c->holds, 1); /* pairs(drop) */
}

static int open_ring(struct callee *c)
{
	const struct wish there = {.existing = true};
	int result = rci_ring_open(c->post->domain, c->path, &there, true, &c->ring);
	if (result == RC_ERROR_NOT_FOUND)
		return rci_no_service(c->name);
	if (result != RC_OK)
		return result;
	c->group = rci_group_find(c->ring, INSTANCES);
	c->serial++;
	memset(&c->pen, 0, sizeof c->pen);
	c->pen.producer.ring = c->ring;
	if (c->group != NULL)
		return RC_OK;
	shut(c);
	return rci_no_service(c->name);
}

/* One try; the mutex is held. RCI_RETIRED: open the name again. */
static int publish(struct callee *c, struct letter *letter, uint64_t *position)
{
	if (!rci_group_has_members(c->group))
		return rci_no_service(c->name);
	uint32_t room = c->ring->shape.payload - RC_ADDRESS_BLOCK_SIZE;
	if (letter->size > room)
		return rci_fail(RC_ERROR_TOO_LARGE, "service \"%s\": %zu bytes: its slots take %u: serve it with a slot size of %zu", c->name, letter->size,
			(unsigned)room, (letter->size + 63) & ~(size_t)63);
	letter->block.service_hash = c->hash;
	int result = rci_pen_put(&c->pen, &c->post->self, letter, position);
	if (result == RC_NOTHING)
		return rci_fail(RC_ERROR_OVERLOADED, "queue of service \"%s\" is full (%u)", c->name, (unsigned)c->ring->slot_count);
	if (result != RC_OK)
		return result;
	fence_full(); /* behind the commit */
	if (!rci_group_has_members(c->group) && rci_group_withdraw(c->group, *position))
		return rci_no_service(c->name);
	return RC_OK;
}

int rci_callee_put(struct callee *c, struct letter *letter, uint64_t *position, uint64_t *serial)
{
	int result = RCI_RETIRED;
	(void)pthread_mutex_lock(&c->mutex);
	for (int i = 0; i < TRIES && result == RCI_RETIRED; i++) {
		result = c->ring == NULL ? open_ring(c) : RC_OK;
		if (result == RC_OK)
			result = publish(c, letter, position);
		if (result == RCI_RETIRED)
			shut(c);
	}
	*serial = c->serial;
	(void)pthread_mutex_unlock(&c->mutex);
	return result == RCI_RETIRED ? rci_no_service(c->name) : result;
}

bool rci_callee_withdraw(struct callee *c, uint64_t position, uint64_t serial)
{
	(void)pthread_mutex_lock(&c->mutex);
	bool done = c->group != NULL && c->serial == serial && rci_group_withdraw(c->group, position);
	(void)pthread_mutex_unlock(&c->mutex);
	return done;
}

void rci_callee_cancel(struct callee *c, uint64_t correlation)
{
	(void)pthread_mutex_lock(&c->mutex);
	if (c->group != NULL)
		(void)rci_group_cancel(c->group, &c->post->self, correlation); /* in nobody's hand any more: no matter */
	(void)pthread_mutex_unlock(&c->mutex);
}

void rci_callee_grant(struct callee *c, uint64_t correlation, uint32_t n)
{
	(void)pthread_mutex_lock(&c->mutex);
	if (c->group != NULL)
		(void)rci_group_grant(c->group, &c->post->self, correlation, n);
	(void)pthread_mutex_unlock(&c->mutex);
}

/* Recovers the dead among those who are members. */
static void recover_members(const struct group *g)
{
	rc_domain *d = g->ring->domain;
	uint32_t asked = NOBODY;
	for (uint64_t i = 0, used = ring_entries_used(g->ring); i < used; i++) {
		uint32_t index = rci_group_member_at(g, i);
		if (index == NOBODY || index == asked || index == d->index)
			continue;
		const struct rc_participant_record *r = rci_record(d, index);
		uint64_t state = r != NULL ? load_acquire(&r->state) : 0; /* pairs(live): before the kernel is asked */
		struct rc_address a = {d->node_id, d->epoch, (uint32_t)(state >> 32), (uint16_t)index, 0};
		asked = index;
		if ((uint32_t)state == RC_PARTICIPANT_STATE_LIVE)
			(void)rci_recover(d, &a);
	}
}

bool rci_callee_review(struct callee *c, void (*visit)(void *argument, uint64_t correlation), void *argument)
{
	struct held held;
	bool left = false;
	(void)pthread_mutex_lock(&c->mutex);
	if (c->group != NULL) {
		recover_members(c->group);
		for (uint32_t i = 0; i < GROUP_ROWS; i++)
			if (rci_group_held(c->group, i, &held) && rci_same_address(&held.caller, &c->post->self) && rci_gone(c->post->domain, &held.taker))
				visit(argument, held.correlation);
		left = rci_group_has_members(c->group);
	}
	(void)pthread_mutex_unlock(&c->mutex);
	return left;
}

void rci_callees_close(struct post *p)
{
	free_callees(p->callees);
	p->callees = NULL;
}
