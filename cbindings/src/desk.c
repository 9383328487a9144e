/* The table of the requests that are open: desk.h. */
#define _GNU_SOURCE
#include "away.h"

#include <stdlib.h>
#include <string.h>

#define INBOX_SLOTS 128

/* How many shares a ring of so many slots has: messaging.md, 9. */
static uint32_t shares_of(uint32_t slots) { return slots - (slots / 4 < 128 ? slots / 4 : 128); }

static uint32_t slots_for(uint32_t shares)
{
	uint32_t slots = INBOX_SLOTS;
	while (shares_of(slots) < shares)
		slots *= 2;
	return slots;
}

int rci_desk_ring(struct desk *k)
{
	char path[RCI_PATH];
	const struct wish want = {.shape = rci_inbox_shape(k->domain, slots_for(k->domain->in_flight)), .memory = &k->domain->memory};
	rci_inbox_path(k->domain, &k->post->self, BOX_REPLIES, path);
	int result = rci_ring_open(k->domain, path, &want, true, &k->ring);
	if (result != RC_OK)
		return k->lost = result;
	result = rci_reader_open(&k->reader, k->ring, RC_ENTRY_MODE_RELIABLE, 0);
	if (result == RC_OK)
		return RC_OK;
	rci_reader_close(&k->reader);
	rci_ring_close(k->ring);
	k->ring = NULL;
	return k->lost = result;
}

static int make(struct post *p, struct desk **desk)
{
	struct desk *k = calloc(1, sizeof *k);
	if (k == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "inbox");
	k->post = p;
	k->domain = p->domain;
	k->source.fd = -1;
	k->source.hurry = &k->open;
	k->queue_end = &k->queue;
	(void)pthread_mutex_init(&k->mutex, NULL);
	int result = rci_desk_ring(k);
	if (result != RC_OK) {
		free(k);
		return result;
	}
	k->limit = k->shares = shares_of(k->ring->shape.slots);
	rci_inbox_exists(k->domain);
	*desk = k;
	return RC_OK;
}

int rci_desk(struct post *p, struct desk **desk)
{
	*desk = load_acquire(&p->desk);
	if (__builtin_expect(*desk != NULL, 1))
		return RC_OK;
	int result = RC_OK;
	(void)pthread_mutex_lock(&p->desk_mutex);
	if (p->desk == NULL) {
		struct desk *made = NULL;
		result = make(p, &made);
		if (result == RC_OK)
			store_release(&p->desk, made);
	}
	*desk = p->desk;
	(void)pthread_mutex_unlock(&p->desk_mutex);
	return result;
}

void rci_desk_close(struct post *p)
{
	struct desk *k = p->desk;
	if (k == NULL)
		return;
	rci_events_forget(k->domain, &k->source);
	if (k->ring != NULL) {
		(void)rci_reader_leave(&k->reader);
		rci_reader_close(&k->reader);
		rci_ring_close(k->ring);
	}
	(void)pthread_mutex_destroy(&k->mutex);
	free(k->calls);
	free(k->free_slots);
	free(k->dying);
	free(k);
	p->desk = NULL;
}

/* Makes room in the table for one more. */
static bool grow(struct desk *k)
{
	uint32_t room = k->call_count == 0 ? 64 : k->call_count * 2;
	if (room > MAX_CALLS)
		room = MAX_CALLS;
	if (room == k->call_count)
		return false;
	rc_future **calls = realloc(k->calls, room * sizeof(rc_future *));
	if (calls == NULL)
		return false;
	k->calls = calls;
	uint32_t *slots = realloc(k->free_slots, room * sizeof *slots);
	if (slots == NULL)
		return false;
	k->free_slots = slots;
	for (uint32_t i = room; i-- > k->call_count;) {
		k->calls[i] = NULL;
		k->free_slots[k->free_count++] = i;
	}
	k->call_count = room;
	return true;
}

int rci_desk_take(struct desk *k, rc_future *c, uint32_t shares)
{
	if (k->free_count == 0 && !grow(k))
		return rci_fail(RC_ERROR_OVERLOADED, "table of requests is full (%d)", MAX_CALLS);
	uint32_t slot = k->free_slots[--k->free_count];
	k->calls[slot] = c;
	c->correlation = ++k->serial << 16 | slot;
	c->shares = shares;
	k->shares -= shares;
	if (k->open == 0)
		store_relaxed(&k->reviewed, rci_now()); /* who asks seldom does not look round each time */
	store_relaxed(&k->open, k->open + 1);
	if (k->due == 0 || c->due < k->due)
		store_relaxed(&k->due, c->due);
	return RC_OK;
}

rc_future *rci_desk_find(const struct desk *k, uint64_t correlation)
{
	uint32_t slot = (uint32_t)(correlation % MAX_CALLS);
	rc_future *c = slot < k->call_count ? k->calls[slot] : NULL;
	return c != NULL && c->correlation == correlation ? c : NULL;
}

void rci_desk_stir(struct desk *k)
{
	if (load_relaxed(&k->news) != 0)
		return;
	store_seq(&k->news, 1);
	rci_ring_bell(k->domain, k->domain->index);
}

void rci_desk_wake(struct desk *k, struct party *p)
{
	if (p == k->leader)
		rci_desk_stir(k);
	else if (p->parked)
		(void)pthread_cond_signal(&p->told);
}

void rci_desk_tell(struct desk *k, rc_future *c)
{
	if (c->party != NULL)
		rci_desk_wake(k, c->party);
	if (c->ready == NULL || c->queued)
		return;
	c->queued = true;
	c->next_queued = NULL;
	*k->queue_end = c;
	k->queue_end = &c->next_queued;
	for (struct party *p = k->first; p != NULL; p = p->next)
		if (p->call == NULL && p->need == 0)
			rci_desk_wake(k, p);
	rci_events_show(&k->source);
}

/* Wakes one who waits for no more shares than there are. When he has his, he offers what is left. */
static void offer_shares(struct desk *k)
{
	for (struct party *p = k->first; p != NULL; p = p->next) {
		if (p->call == NULL && p->need != 0 && p->need <= k->shares) {
			rci_desk_wake(k, p);
			return;
		}
	}
	if (k->leader != NULL && k->leader->call == NULL)
		rci_desk_stir(k);
}

void rci_desk_settle(struct desk *k, rc_future *c, int code)
{
	if (c->settled)
		return;
	uint32_t slot = (uint32_t)(c->correlation % MAX_CALLS);
	k->calls[slot] = NULL;
	k->free_slots[k->free_count++] = slot;
	k->shares += c->shares;
	c->shares = 0;
	c->settled = true;
	c->code = code;
	store_relaxed(&k->open, k->open - 1);
	rci_desk_tell(k, c);
	offer_shares(k);
}

void rci_desk_give_up(struct desk *k, rc_future *c, int code)
{
	if (c->settled)
		return;
	if (c->sent && c->uplink.node != 0)
		(void)rci_control_away(k->post, c, AWAY_CANCEL, 0); /* no room: its time ends it there */
	else if (c->sent && c->callee != NULL && !rci_callee_withdraw(c->callee, c->position, c->serial))
		rci_callee_cancel(c->callee, c->correlation);
	rci_desk_settle(k, c, code);
}

void rci_desk_forget(struct desk *k, rc_future *c)
{
	rci_desk_give_up(k, c, RC_ERROR_CANCELED);
	for (rc_future **at = &k->queue; c->queued && *at != NULL; at = &(*at)->next_queued) {
		if (*at != c)
			continue;
		*at = c->next_queued;
		if (k->queue_end == &c->next_queued)
			k->queue_end = at;
		break;
	}
	c->queued = false;
}
