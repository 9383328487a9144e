/* Rings of one producer at a time: ring.md, 10. */
#define _GNU_SOURCE
#include "ring.h"

/* Ends the positions that a dead owner began and did not publish; none is used again. */
static void end_open_positions(const struct ring *r)
{
	uint64_t tail = load_acquire(&r->control->tail);
	uint64_t from = tail > r->slot_count ? tail - r->slot_count : 0;
	for (uint64_t t = from; t < tail; t++) {
		uint64_t *published = &ring_slot(r, t)->published;
		uint64_t lap = ring_lap(r, t), now = load_acquire(published);
		if (now != lap && now != (lap | PAD))
			store_release(published, lap | PAD); /* pairs(publish) */
	}
	fence_full();
	wake_readers(r);
}

int rci_exclusive_take(struct producer *p)
{
	const struct ring *r = p->ring;
	p->unfenced = rci_fence_register(); /* may take long, also if we are killed: not while others wait for the owner */
	for (;;) {
		uint64_t word = load_acquire(&r->control->owner); /* pairs(exclusive) */
		uint32_t owner = (uint32_t)word;
		if (owner == RC_OWNER_SEALED) /* pairs(seal) */
			return RCI_AGAIN;
		if (owner != 0 && rci_alive(r->domain, owner - 1))
			return rci_fail(RC_ERROR_NOT_EXCLUSIVE, "%s: exclusive, and owned by participant %u of this node", r->path, (unsigned)(owner - 1));
		p->owner = ((word >> 32) + 1) << 32 | ((uint32_t)r->me + 1);
		if (cas(&r->control->owner, word, p->owner)) /* pairs(exclusive) */
			break;
	}
	store_seq(&r->control->owner_flags, p->unfenced ? RCI_OWNER_UNFENCED : 0); /* pairs(reader-mask): before anything is published */
	end_open_positions(r);
	return RC_OK;
}

void rci_exclusive_give(struct producer *p)
{
	(void)cas(&p->ring->control->owner, p->owner, p->owner >> 32 << 32); /* pairs(exclusive) */
}

/* Publishes a mark to step over t. */
static void pad(const struct ring *r, uint64_t t)
{
	store_seq(&ring_slot(r, t)->published, ring_lap(r, t) | PAD); /* pairs(publish) */
	wake_readers(r);
}

int rci_claim_exclusive(struct producer *p, uint64_t *position)
{
	struct ring *r = p->ring;
	for (uint64_t stepped = 0; stepped <= r->slot_count; stepped++) {
		if (__builtin_expect(ring_retired(r), 0))
			return CLAIM_RETIRED;
		if (__builtin_expect(load_acquire(&r->control->owner) != p->owner, 0))
			return CLAIM_NOT_OWNER;
		uint64_t t = load_relaxed(&r->control->tail);
		if (__builtin_expect(ring_lap(r, t) >= RC_LAP_LIMIT, 0))
			return CLAIM_DAMAGED;
		if (__builtin_expect(!rci_gate_room(r, &p->gate, t), 0)) {
			rci_gate_blame(r, &p->gate, t);
			return CLAIM_FULL;
		}
		store_release(&r->control->tail, t + 1); /* pairs(tail) */
		fence_release(); /* no store to the slot before it */
		if (__builtin_expect(p->gate.pin_count == 0 || !rci_gate_pinned(r, &p->gate, t), 1)) {
			*position = t;
			return CLAIM_OK;
		}
		pad(r, t);
	}
	return CLAIM_STALLED;
}

int rci_end_exclusive(struct producer *p, uint64_t t, bool commit)
{
	const struct ring *r = p->ring;
	if (!commit) {
		pad(r, t);
		return RC_OK;
	}
	if (p->unfenced) /* who goes to sleep fences for us, and then looks again */
		store_release(&ring_slot(r, t)->published, ring_lap(r, t)); /* pairs(publish) */
	else
		store_seq(&ring_slot(r, t)->published, ring_lap(r, t)); /* pairs(publish): before the look at the mask */
	wake_readers(r);
	return RC_OK;
}

bool rci_room_for(struct producer *p, uint64_t count)
{
	struct ring *r = p->ring;
	uint64_t last = load_acquire(&r->control->tail) + count - 1;
	if (rci_gate_room(r, &p->gate, last))
		return true;
	rci_gate_blame(r, &p->gate, last);
	return false;
}
