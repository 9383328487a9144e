/* The gate of a queue group: ring.md, 14. Anyone may move it. */
#define _GNU_SOURCE
#include "group.h"

/* Later only the row tells of it, so nobody lets the gate pass a STARTED word before this. */
void rci_group_confirm(const struct group *g, uint64_t word, uint64_t p)
{
	if (take_row(word) >= GROUP_ROWS)
		return;
	uint64_t *hand = &g->rows[take_row(word)].position, open = hand_word(p, RC_IN_HAND_STATE_UNCONFIRMED);
	if (load_acquire(hand) == open) /* pairs(hand) */
		(void)cas(hand, open, hand_with(open, RC_IN_HAND_STATE_CONFIRMED)); /* pairs(hand) */
}

/* The stall budget begins anew: a group that is only slower than its producers holds them back,
 * which is what a queue is for; one that stands is put out. */
static void forgive(const struct group *g)
{
	struct rc_consumer_entry *e = group_entry(g);
	uint64_t now = load_relaxed(&e->blocked_ns), none = blocked_word(group_state(g), 0);
	if (now != none)
		(void)cas(&e->blocked_ns, now, none);
}

bool rci_group_pass(const struct group *g)
{
	const struct ring *r = g->ring;
	uint64_t from = group_gate(g), to = from;
	while (to - from < r->slot_count) {
		uint64_t word = load_acquire(group_take(g, to)), lap = ring_lap(r, to); /* pairs(take) */
		if (!take_settled(word, lap))
			break;
		if (take_lap(word) == lap && take_state(word) == RC_TAKE_STATE_STARTED)
			rci_group_confirm(g, word, to);
		to++;
	}
	if (to == from)
		return false;
	if (cas(&group_entry(g)->cursor, from, to)) { /* pairs(cursor) */
		forgive(g);
		if (load_acquire(&r->control->tail) <= to + r->slot_count / 2)
			rci_wake_producers(r);
	}
	return true;
}

/* Stamps one word: laps up to floor lie before the gate, those up to lap are given up. Each position
 * is counted by whoever stamped it, so that several who do this at once count it once. */
static uint64_t give_up_slot(const struct group *g, uint64_t slot, uint64_t floor, uint64_t lap)
{
	const struct ring *r = g->ring;
	for (int tries = 0; lap > floor && tries < GROUP_TRIES; tries++) {
		uint64_t word = load_acquire(&g->taken[slot]); /* pairs(take) */
		if (take_state(word) == RC_TAKE_STATE_STARTED && take_lap(word) > 0 && take_lap(word) <= lap)
			rci_group_confirm(g, word, (take_lap(word) - 1) << r->shift | slot);
		if (take_settled(word, lap))
			return 0;
		if (!cas(&g->taken[slot], word, take_word(lap, 0, RC_TAKE_STATE_DONE))) /* pairs(take) */
			continue;
		uint64_t started = take_lap(word);
		if (take_state(word) == RC_TAKE_STATE_TAKEN && started > 0)
			started--; /* it was not */
		if (started < floor)
			started = floor;
		return lap > started ? lap - started : 0;
	}
	return 0;
}

/* The lap of the last position of a slot that lies before x; 0: none does. */
static uint64_t lap_below(const struct ring *r, uint64_t slot, uint64_t x) { return (x + r->mask - slot) >> r->shift; }

struct missed rci_group_catch_up(const struct group *g, uint64_t keep)
{
	const struct ring *r = g->ring;
	uint64_t *cursor = &group_entry(g)->cursor;
	uint64_t gate = load_acquire(cursor), tail = load_acquire(&r->control->tail); /* pairs(cursor), pairs(tail) */
	uint64_t goal = tail > keep ? tail - keep : 0;
	struct missed missed = {gate, 0};
	if (goal <= gate)
		return missed;
	for (uint64_t slot = 0; slot < r->slot_count; slot++)
		missed.count += give_up_slot(g, slot, lap_below(r, slot, gate), lap_below(r, slot, goal));
	for (uint64_t c = gate; c < goal && !cas(cursor, c, goal);) /* pairs(cursor) */
		c = load_acquire(cursor); /* pairs(cursor): somebody has passed some; all before the goal is stamped */
	return missed;
}

struct missed rci_group_come_back(const struct group *g)
{
	const struct ring *r = g->ring;
	struct rc_consumer_entry *e = group_entry(g);
	struct missed none = {0, 0};
	uint64_t word = group_state(g);
	if (entry_state(word) == RC_ENTRY_STATE_EVICTING) {
		rci_entry_finish_eviction(r, g->entry, word);
		word = entry_with(word, RC_ENTRY_STATE_EVICTED);
	}
	if (entry_state(word) != RC_ENTRY_STATE_EVICTED && entry_state(word) != RC_ENTRY_STATE_LEAVING)
		return none;
	struct missed missed = rci_group_catch_up(g, r->slot_count / 2);
	store_relaxed(&e->blocked_ns, blocked_word(word, 0));
	store_relaxed(&e->blocked_at_ns, rci_now());
	(void)cas(&e->state, word, entry_with(word, RC_ENTRY_STATE_ACTIVE)); /* pairs(entry) */
	return missed;
}
