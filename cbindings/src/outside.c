/* A queue group as it looks to who publishes for it and does not belong to it: messaging.md, 9. */
#define _GNU_SOURCE
#include <string.h>

#include "post.h"

bool rci_group_withdraw(const struct group *g, uint64_t p)
{
	uint64_t lap = ring_lap(g->ring, p), *take = group_take(g, p);
	for (int tries = 0; tries < GROUP_TRIES; tries++) {
		uint64_t w = load_acquire(take); /* pairs(take) */
		if (take_lap(w) > lap || p >= group_gate(g) + g->ring->slot_count)
			return false;
		if (take_lap(w) == lap && take_state(w) == RC_TAKE_STATE_DONE)
			return true;
		if (take_lap(w) == lap && take_state(w) != RC_TAKE_STATE_TAKEN)
			return false;
		if (!cas(take, w, take_word(lap, 0, RC_TAKE_STATE_DONE))) /* pairs(take) */
			continue;
		(void)rci_group_pass(g);
		return true;
	}
	return false; /* words change without end */
}

bool rci_group_unstarted(const struct group *g)
{
	(void)rci_group_pass(g);
	uint64_t p = group_gate(g);
	fence_full(); /* behind the leaving */
	return load_acquire(&g->ring->control->tail) > p && !take_settled(load_acquire(group_take(g, p)), ring_lap(g->ring, p)); /* pairs(tail), pairs(take) */
}

/* Whether a row whose hand reads so has that position in hand. */
static bool holds(const struct group *g, uint32_t row, uint64_t hand)
{
	uint64_t p = hand_position(hand);
	if (hand_state(hand) == RC_IN_HAND_STATE_CONFIRMED)
		return true;
	return hand_state(hand) == RC_IN_HAND_STATE_UNCONFIRMED &&
		load_acquire(group_take(g, p)) == take_word(ring_lap(g->ring, p), row, RC_TAKE_STATE_STARTED); /* pairs(take) */
}

bool rci_group_held(const struct group *g, uint32_t i, struct held *held)
{
	const struct rc_in_hand_row *row = &g->rows[i];
	uint64_t words[4];
	for (int tries = 0; tries < GROUP_TRIES; tries++) {
		uint64_t state = load_acquire(&row->state), hand = load_acquire(&row->position); /* pairs(row), pairs(hand) */
		if (entry_state(state) == RC_ROW_STATE_FREE || !holds(g, i, hand))
			return false;
		words[0] = load_relaxed((const uint64_t *)(const void *)&row->caller);
		words[1] = load_relaxed((const uint64_t *)(const void *)&row->caller + 1);
		words[2] = load_relaxed((const uint64_t *)(const void *)&row->reserved0);
		words[3] = load_relaxed((const uint64_t *)(const void *)&row->reserved1);
		held->correlation = load_relaxed(&row->correlation);
		fence_acquire();
		if (load_relaxed(&row->state) != state || hand_position(load_relaxed(&row->position)) != hand_position(hand))
			continue;
		memcpy(&held->caller, words, sizeof held->caller);
		memcpy(&held->taker, words + 2, sizeof held->taker);
		held->position = hand_position(hand);
		return true;
	}
	return false;
}

/* A word with so much credit more. */
static uint64_t with_credit(uint64_t w, uint32_t n)
{
	uint32_t most = (UINT32_C(1) << 30) - 1 - control_credit(w);
	return w + (uint64_t)(n < most ? n : most) * CONTROL_ONE;
}

static bool control(const struct group *g, const struct rc_address *caller, uint64_t correlation, uint32_t credit, bool cancel)
{
	struct held held;
	for (uint32_t i = 0; i < GROUP_ROWS; i++) {
		if (!rci_group_held(g, i, &held) || held.correlation != correlation || !rci_same_address(&held.caller, caller))
			continue;
		uint64_t *word = row_control(&g->rows[i]);
		for (int tries = 0; tries < GROUP_TRIES; tries++) {
			uint64_t w = load_acquire(word); /* pairs(control) */
			if (control_tag(w) != (uint32_t)held.position)
				return false;
			if (!cas(word, w, cancel ? w | CONTROL_CANCEL : with_credit(w, credit) & ~CONTROL_WAITING)) /* pairs(control) */
				continue;
			if (cancel || (w & CONTROL_WAITING) != 0)
				rci_ring_bell(g->ring->domain, entry_participant(load_acquire(&g->rows[i].state))); /* pairs(row) */
			return true;
		}
	}
	return false;
}

bool rci_group_cancel(const struct group *g, const struct rc_address *caller, uint64_t correlation) { return control(g, caller, correlation, 0, true); }

bool rci_group_grant(const struct group *g, const struct rc_address *caller, uint64_t correlation, uint32_t n)
{
	return control(g, caller, correlation, n, false);
}
