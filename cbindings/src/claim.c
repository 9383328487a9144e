/* Claiming a position of a shared ring, and ending the claim: ring.md, 4. */
#define _GNU_SOURCE
#include "ring.h"

/* Whether the WRITING word at t may be taken: its writer is dead, or slower than the deadline. */
static bool writer_is_late(struct producer *p, uint64_t t, uint64_t word)
{
	uint64_t now = rci_now();
	if (!p->stuck || p->stuck_word != word || p->stuck_position != t) {
		p->stuck = true;
		p->stuck_word = word;
		p->stuck_position = t;
		rci_watch_start(&p->stuck_for, now);
		return false;
	}
	if (rci_watch_step(&p->stuck_for, now) >= p->ring->shape.commit_deadline)
		return true;
	return rci_watch_inquire(&p->stuck_for) && !rci_alive(p->ring->domain, claim_owner(word));
}

static void quarantine(const struct ring *r, uint64_t t, uint64_t word)
{
	if (!cas(ring_claim(r, t), word, claim_word(claim_lap(word), claim_owner(word), RC_CLAIM_STATE_QUARANTINED)))
		return;
	add_relaxed(&r->control->quarantined, 1);
	wake_readers(r);
}

/* Steps over position t, whose word says so; a CAS that failed never moves the tail. */
static bool step_over(const struct ring *r, uint64_t t, uint64_t word, uint64_t next)
{
	if (!cas(ring_claim(r, t), word, next))
		return false;
	(void)cas(&r->control->tail, t, t + 1);
	wake_readers(r); /* who sleeps before a ring full of holes holds us back */
	return true;
}

/* What one call has done so far. */
struct steps {
	uint64_t over; /* positions stepped over */
	bool looked; /* behind a quarantined claim: the clock is read once a call */
};

/* What stands in the way of a claim at t; CLAIM_OK to look again. */
static int clear_way(struct producer *p, uint64_t t, uint64_t word, struct steps *steps)
{
	struct ring *r = p->ring;
	uint64_t lap = ring_lap(r, t);
	if (claim_state(word) == RC_CLAIM_STATE_WRITING) {
		if (r->gated && !writer_is_late(p, t, word))
			return CLAIM_FULL;
		quarantine(r, t, word);
		return CLAIM_OK;
	}
	if (claim_state(word) == RC_CLAIM_STATE_QUARANTINED && !steps->looked) {
		steps->looked = true;
		if (rci_reclaim(r, &p->gate, t))
			return CLAIM_OK;
	}
	if (!step_over(r, t, word, claim_state(word) == RC_CLAIM_STATE_QUARANTINED
			? claim_word(lap, claim_owner(word), RC_CLAIM_STATE_QUARANTINED) : claim_word(lap, 0, RC_CLAIM_STATE_HOLE)))
		return CLAIM_OK;
	return ++steps->over > r->slot_count ? CLAIM_STALLED : CLAIM_OK;
}

/* A word of lap L, or of an impossible lap: CLAIM_OK to look again. */
static int other_lap(const struct ring *r, uint64_t t, uint64_t word)
{
	if (claim_lap(word) == RC_LAP_LIMIT && (t & r->mask) == 0)
		return CLAIM_RETIRED; /* the seal; anywhere else it is damage, or its finder would open the same ring for ever */
	if (claim_lap(word) == ring_lap(r, t)) {
		(void)cas(&r->control->tail, t, t + 1); /* pairs(tail) */
		return CLAIM_OK;
	}
	return load_acquire(&r->control->tail) == t ? CLAIM_DAMAGED : CLAIM_OK;
}

int rci_claim_shared(struct producer *p, uint64_t *position)
{
	struct ring *r = p->ring;
	struct steps steps = {0, false};
	if (ring_retired(r))
		return CLAIM_RETIRED;
	/* Others may be faster at every step, but not so often unless somebody scribbles. */
	uint64_t most = 64 * (r->slot_count < 64 ? 64 : r->slot_count);
	for (uint64_t tries = 0; tries < most; tries++) {
		uint64_t t = load_acquire(&r->control->tail), lap = ring_lap(r, t); /* pairs(tail) */
		uint64_t word = load_acquire(ring_claim(r, t)); /* pairs(claim) */
		int result = CLAIM_OK;
		if (lap >= RC_LAP_LIMIT)
			return CLAIM_DAMAGED;
		if (__builtin_expect(claim_lap(word) != lap - 1, 0)) {
			result = other_lap(r, t, word);
		} else if (__builtin_expect(!rci_gate_room(r, &p->gate, t), 0)) {
			rci_gate_blame(r, &p->gate, t);
			result = CLAIM_FULL;
		} else if (__builtin_expect((claim_state(word) & 1) != 0, 0) || (p->gate.pin_count != 0 && rci_gate_pinned(r, &p->gate, t))) {
			result = clear_way(p, t, word, &steps); /* WRITING, QUARANTINED, or lent */
		} else if (__builtin_expect(cas(ring_claim(r, t), word, claim_word(lap, r->me, RC_CLAIM_STATE_WRITING)), 1)) {
			fence_release(); /* pairs(claim): no store to the payload before it */
			(void)cas(&r->control->tail, t, t + 1); /* pairs(tail) */
			p->stuck = false;
			*position = t;
			return CLAIM_OK;
		}
		if (result != CLAIM_OK)
			return result;
	}
	return CLAIM_STALLED;
}

/* The claim was taken: frees the slot for others once this writer is out of it. */
static int fenced(const struct ring *r, uint64_t t)
{
	for (;;) {
		uint64_t word = load_acquire(ring_claim(r, t));
		if (claim_owner(word) != r->me || claim_state(word) != RC_CLAIM_STATE_QUARANTINED)
			break;
		if (cas(ring_claim(r, t), word, claim_word(claim_lap(word), 0, RC_CLAIM_STATE_HOLE)))
			break;
	}
	wake_readers(r);
	return RC_ERROR_FENCED;
}

int rci_end_shared(struct producer *p, uint64_t t, unsigned state)
{
	const struct ring *r = p->ring;
	uint64_t lap = ring_lap(r, t);
	uint64_t owner = state == RC_CLAIM_STATE_READY ? r->me : 0;
	if (__builtin_expect(!cas(ring_claim(r, t), claim_word(lap, r->me, RC_CLAIM_STATE_WRITING), claim_word(lap, owner, state)), 0)) /* pairs(commit) */
		return fenced(r, t);
	if (state == RC_CLAIM_STATE_READY)
		store_release(&ring_slot(r, t)->published, lap); /* pairs(publish) */
	wake_readers(r);
	return RC_OK;
}
