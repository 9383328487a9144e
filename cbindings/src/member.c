/* Joining and leaving a queue group: ring.md, 14. */
#define _GNU_SOURCE
#include "member.h"

#include <string.h>

#define DEAD_CHECK UINT64_C(100000000)

void rci_member_hold_row(struct member *m)
{
	uint64_t taker[2];
	memcpy(taker, &m->self, sizeof taker);
	for (uint32_t i = 0; i < GROUP_ROWS; i++) {
		struct rc_in_hand_row *row = &m->group->rows[i];
		uint64_t word = load_acquire(&row->state); /* pairs(row) */
		if (entry_state(word) != RC_ROW_STATE_FREE || !cas(&row->state, word, member_row_word(m, RC_ROW_STATE_HELD))) /* pairs(row) */
			continue;
		store_relaxed((uint64_t *)(void *)&row->reserved0, taker[0]);
		store_relaxed((uint64_t *)(void *)&row->reserved1, taker[1]);
		m->row = i;
		return;
	}
}

static bool has_reports(const struct group *g)
{
	for (size_t i = 0; i < GROUP_ROWS; i++) {
		unsigned state = entry_state(load_acquire(&g->rows[i].state)); /* pairs(row) */
		if (state == RC_ROW_STATE_ABANDONED || state == RC_ROW_STATE_REPORTED)
			return true;
	}
	return false;
}

void rci_member_free_row(struct member *m)
{
	if (m->row == GROUP_ROWS)
		return;
	uint64_t mine = member_row_word(m, RC_ROW_STATE_HELD), next = entry_word(m->self.generation, 0, RC_ROW_STATE_FREE);
	if (hand_state(load_acquire(&member_row(m)->position)) == RC_IN_HAND_STATE_CONFIRMED)
		next = entry_with(mine, RC_ROW_STATE_ABANDONED);
	(void)cas(&member_row(m)->state, mine, next); /* pairs(row) */
	if (entry_state(next) == RC_ROW_STATE_ABANDONED)
		(void)add_seq(group_events(m->group), 1); /* pairs(report) */
	m->row = GROUP_ROWS;
}

/* Holds a row; a table that is full of reports has one when those have been told. */
static int hold(struct member *m)
{
	rci_member_hold_row(m);
	if (m->row == GROUP_ROWS) { /* the dead may hold them */
		m->looked = rci_now() - DEAD_CHECK;
		rci_member_look_round(m);
		rci_member_hold_row(m);
	}
	if (m->row != GROUP_ROWS || has_reports(m->group))
		return RC_OK;
	return rci_fail(RC_ERROR_GROUP_FULL, "%s: group %s has all its %d messages in hand: end some members", m->eyes.ring->path, m->group->name, GROUP_ROWS);
}

int rci_member_hold_rows(struct member *m, uint32_t *rows, uint32_t want, uint32_t *have)
{
	int result = RC_OK;
	while (result == RC_OK && *have < want) {
		if (m->row == GROUP_ROWS)
			result = hold(m);
		if (m->row == GROUP_ROWS)
			return result;
		rows[(*have)++] = m->row;
		m->row = GROUP_ROWS;
	}
	return result;
}

/* Enters an entry of one's own, which gates nobody and says whom to wake. */
static int enter(struct member *m, struct ring *ring)
{
	int result = rci_reader_open(&m->eyes, ring, RC_ENTRY_MODE_MEMBER, 0);
	if (result != RC_OK)
		return result;
	store_seq(&ring->entries[m->eyes.entry].group, m->group->entry + 1); /* before the look at the group's state */
	rci_member_note_missed(m, rci_group_come_back(m->group));
	m->next = group_gate(m->group);
	m->events = load_acquire(group_events(m->group)) - 1; /* there may be reports of before */
	if (!ring_retired(ring)) /* after ACTIVE: the replacer saw the group, or we see this */
		return RC_OK;
	(void)rci_member_leave(m);
	return RCI_RETIRED;
}

int rci_member_open(struct member *m, struct ring *ring, const char *name, bool from_start)
{
	const rc_domain *d = ring->domain;
	memset(m, 0, sizeof *m);
	m->row = m->reporting = GROUP_ROWS;
	m->eyes.ring = ring;
	m->self = (struct rc_address){d->node_id, d->epoch, d->generation, (uint16_t)d->index, 0};
	if (!ring->gated)
		return rci_fail(RC_ERROR_MODE, "%s: of mode latest: group %s wants a reliable topic", ring->path, name);
	if (ring_retired(ring))
		return RCI_RETIRED;
	int result = rci_group_open(ring, name, from_start, &m->group);
	if (result == RC_OK)
		result = hold(m);
	if (result != RC_OK)
		return result;
	result = enter(m, ring);
	if (result != RC_OK)
		rci_member_free_row(m);
	if (result != RC_OK)
		rci_member_close(m);
	return result;
}

bool rci_member_leave(struct member *m)
{
	if (!m->eyes.entered || load_relaxed(&m->eyes.ring->domain->forked) != 0)
		return false;
	m->ended = true;
	rci_member_acknowledge(m);
	rci_member_free_row(m);
	bool retired = rci_reader_leave(&m->eyes);
	wake_readers(m->eyes.ring);
	return rci_group_left(m->group) && retired;
}

void rci_member_close(struct member *m) { rci_reader_close(&m->eyes); }

void rci_member_done(struct member *m)
{
	if (m->hand == 0)
		return;
	(void)cas(&member_row(m)->position, m->hand, hand_with(m->hand, RC_IN_HAND_STATE_FREE)); /* pairs(hand) */
	m->hand = 0;
}
