/* Messages that outlive the next call: ring.md, 7 (a reader that lends, and is put out). */
#define _GNU_SOURCE
#include "keep.h"

#include <stdlib.h>

#include "subscription.h"

uint64_t rci_keep_floor(const struct reader *d)
{
	return d->holding != NULL && d->holding->first != NULL ? d->holding->first->position : d->cursor;
}

int rci_keep_in_place(struct reader *d, rc_kept *k)
{
	struct holding *h = d->holding;
	if (d->parted != NULL) /* or one reader could hold all slots, piece by piece */
		return rci_fail(RC_ERROR_BUSY, "keep a message: some are kept from before this reader was put out: drop them first");
	if (h == NULL)
		h = d->holding = calloc(1, sizeof *h);
	if (h == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "keep a message");
	k->holding = h;
	k->previous = h->last;
	*(h->last != NULL ? &h->last->next : &h->first) = k;
	h->last = k;
	return RC_OK;
}

/* Holds no more slots than it has to. */
static void shrink(const struct holding *h)
{
	struct rc_consumer_entry *e = &h->ring->entries[h->entry];
	if (load_relaxed(&h->ring->domain->forked) != 0)
		return;
	store_release(&e->cursor, h->first->position); /* pairs(cursor) */
	store_release(&e->lease_end, h->last->position + 1); /* pairs(lease) */
}

bool rci_keep_part(struct reader *d)
{
	struct holding *h = d->holding;
	if (h == NULL || h->first == NULL)
		return false;
	rc_domain *domain = d->ring->domain;
	h->ring = d->ring;
	h->reader = d;
	h->entry = d->entry;
	h->active = d->active;
	shrink(h);
	rci_ring_share(h->ring);
	(void)pthread_mutex_lock(&domain->mutex);
	domain->open_handles++; /* it stays open until the last is dropped */
	(void)pthread_mutex_unlock(&domain->mutex);
	d->holding = NULL;
	d->parted = h;
	return true;
}

void rci_keep_end(struct reader *d)
{
	if (!rci_keep_part(d))
		free(d->holding);
	if (d->parted != NULL)
		d->parted->reader = NULL;
	d->holding = d->parted = NULL;
}

static void drop_in_place(rc_kept *k)
{
	struct holding *h = k->holding;
	rc_domain *domain = k->domain;
	*(k->previous != NULL ? &k->previous->next : &h->first) = k->next;
	*(k->next != NULL ? &k->next->previous : &h->last) = k->previous;
	if (h->ring == NULL)
		return; /* the reader's next call gives the slot back */
	if (h->first != NULL) {
		shrink(h);
		return;
	}
	if (h->reader != NULL)
		h->reader->parted = NULL;
	if (load_relaxed(&domain->forked) == 0)
		rci_entry_leave(h->ring, h->entry, h->active);
	rci_ring_close(h->ring);
	(void)pthread_mutex_lock(&domain->mutex);
	domain->open_handles--;
	(void)pthread_mutex_unlock(&domain->mutex);
	free(h);
}

void rc_kept_drop(rc_kept *k)
{
	if (k == NULL)
		return;
	if (k->copy == NULL)
		drop_in_place(k);
	free(k->copy);
	free(k);
}

/* Takes over the memory of a copy, and gives the reader other memory. */
static int keep_copy(struct reader *d, rc_kept *k)
{
	uint8_t *other = malloc(d->ring->shape.payload);
	if (other == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "keep a message: another copy of a slot");
	k->copy = d->copy;
	d->copy = other;
	return RC_OK;
}

static bool lies_in(const struct reader *d, const rc_received *r)
{
	const uint8_t *slot = (const uint8_t *)ring_slot(d->ring, r->position), *data = r->data;
	return r->position + 1 == d->cursor && data >= slot && (size_t)(data - slot) <= d->ring->stride;
}

static int keep(struct stream *s, const rc_received *r, rc_kept *k)
{
	struct reader *d = s->member != NULL ? &s->member->eyes : &s->reader;
	k->position = r->position;
	if (r->data == d->copy)
		return keep_copy(d, k);
	if (r->data == s->assembler.whole) {
		k->copy = s->assembler.whole;
		s->assembler.whole = NULL;
		return RC_OK;
	}
	if (s->member == NULL && d->entered && lies_in(d, r))
		return rci_keep_in_place(d, k);
	return rci_fail(RC_ERROR_INVALID, "keep: this is not the message that the last call has lent");
}

int rc_subscription_keep(rc_subscription *s, const rc_received *received, rc_kept **kept)
{
	if (s == NULL || received == NULL || kept == NULL)
		return rci_fail(RC_ERROR_INVALID, "keep: NULL");
	*kept = NULL;
	int result = rci_usable(s->domain);
	if (result != RC_OK)
		return result;
	rci_subscription_slow(s); /* while something is kept there is no short way */
	struct stream *stream = s->pattern ? s->current : s->first;
	if (stream == NULL || s->kept_valid || received->type != RC_TYPE_MESSAGE)
		return rci_fail(RC_ERROR_INVALID, "keep: nothing is lent");
	rc_kept *k = calloc(1, sizeof *k);
	if (k == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "keep a message");
	k->domain = s->domain;
	result = keep(stream, received, k);
	if (result != RC_OK)
		free(k);
	else
		*kept = k;
	return result;
}
