/* What the dead had in hand becomes a report: ring.md, 14. */
#define _GNU_SOURCE
#include "group.h"

/* Whether a dead one's row has its position in hand. Where the taker did not come to confirm it, the take
 * word tells; if that has gone on, either the position was another's, or somebody has confirmed the row
 * before he let the gate pass: so the row is looked at again after the word. */
static bool hand_full(const struct group *g, size_t i)
{
	uint64_t *position = &g->rows[i].position;
	for (int tries = 0; tries < GROUP_TRIES; tries++) {
		uint64_t hand = load_acquire(position), p = hand_position(hand); /* pairs(hand) */
		if (hand_state(hand) != RC_IN_HAND_STATE_UNCONFIRMED)
			return hand_state(hand) == RC_IN_HAND_STATE_CONFIRMED;
		uint64_t word = load_acquire(group_take(g, p)); /* pairs(take) */
		if (word == take_word(ring_lap(g->ring, p), i, RC_TAKE_STATE_STARTED))
			rci_group_confirm(g, word, p);
		else if (load_acquire(position) == hand) /* pairs(hand) */
			return false;
	}
	return false;
}

/* Takes back one row; true if it named the dead. */
static bool recover_row(const struct group *g, size_t i, uint32_t index, bool *dead)
{
	uint64_t *state = &g->rows[i].state;
	bool found = false;
	for (;;) {
		uint64_t word = load_acquire(state); /* pairs(row) */
		if (entry_state(word) == RC_ROW_STATE_FREE || entry_participant(word) != index)
			return found;
		found = true;
		if (entry_state(word) == RC_ROW_STATE_ABANDONED)
			return true;
		if (rci_alive(g->ring->domain, index)) {
			*dead = false;
			return true;
		}
		uint64_t next = entry_with(word, RC_ROW_STATE_ABANDONED);
		if (entry_state(word) == RC_ROW_STATE_HELD && !hand_full(g, i))
			next = entry_word(entry_generation(word), 0, RC_ROW_STATE_FREE);
		if (cas(state, word, next) && entry_state(next) == RC_ROW_STATE_ABANDONED) /* pairs(row) */
			add_relaxed(&g->ring->control->recovered, 1);
	}
}

bool rci_group_recover_rows(const struct group *g, uint32_t index)
{
	bool found = false, dead = true;
	for (size_t i = 0; dead && i < GROUP_ROWS; i++)
		found |= recover_row(g, i, index, &dead);
	if (found && dead) { /* also by who found all done: the first may have died before this */
		(void)add_seq(group_events(g), 1); /* pairs(report) */
		wake_readers(g->ring);
	}
	return dead;
}
