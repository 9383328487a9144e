/* What a member tells besides messages: that the group was put out, and what the dead had in hand. */
#define _GNU_SOURCE
#include "member.h"

#include <string.h>

#define DEAD_CHECK UINT64_C(100000000)
/* Of so many takes, one looks for the dead. */
#define LOOK_ROUND 1024

void rci_member_note_missed(struct member *m, struct missed missed)
{
	if (missed.count == 0)
		return;
	if (m->lost.count == 0)
		m->lost.first = missed.first;
	m->lost.count += missed.count;
}

int rci_member_tell_missed(struct member *m, struct view *view)
{
	view->position = m->lost.first;
	view->missed = m->lost.count;
	m->lost.count = 0;
	add_relaxed(&group_entry(m->group)->missed, view->missed);
	return READ_LAGGED;
}

void rci_member_look_round(struct member *m)
{
	uint64_t now = rci_now();
	if (now - m->looked < DEAD_CHECK)
		return;
	const struct group *g = m->group;
	uint32_t me = m->eyes.ring->me, asked = UINT32_MAX;
	m->looked = now;
	for (size_t i = 0; i < GROUP_ROWS; i++) {
		uint64_t word = load_acquire(&g->rows[i].state); /* pairs(row) */
		unsigned state = entry_state(word);
		uint32_t owner = entry_participant(word);
		if (state == RC_ROW_STATE_ABANDONED)
			m->events = load_acquire(group_events(g)) - 1; /* nobody announced it */
		if ((state != RC_ROW_STATE_HELD && state != RC_ROW_STATE_REPORTED) || owner == me || owner == asked)
			continue;
		asked = owner;
		if (!rci_alive(g->ring->domain, owner))
			(void)rci_group_recover_rows(g, owner);
	}
}

/* What the row says of its message. */
static void read_row(const struct rc_in_hand_row *row, struct report *report)
{
	uint64_t taker[2] = {load_relaxed((const uint64_t *)(const void *)&row->reserved0), load_relaxed((const uint64_t *)(const void *)&row->reserved1)};
	uint64_t source[2];
	for (int i = 0; i < 2; i++)
		source[i] = load_relaxed((const uint64_t *)(const void *)&row->caller + i);
	memcpy(&report->taker, taker, sizeof taker);
	memcpy(&report->source, source, sizeof source);
	report->sequence = load_relaxed(&row->correlation);
}

/* Takes over a message of a dead taker, if there is one. It is ours to tell until the next call; if we
 * die before that another tells it. */
static int find_report(struct member *m, struct report *report)
{
	for (uint32_t i = 0; i < GROUP_ROWS; i++) {
		struct rc_in_hand_row *row = &m->group->rows[i];
		uint64_t word = load_acquire(&row->state); /* pairs(row) */
		if (entry_state(word) != RC_ROW_STATE_ABANDONED || !cas(&row->state, word, member_row_word(m, RC_ROW_STATE_REPORTED))) /* pairs(row) */
			continue;
		m->reporting = i;
		m->reported = load_acquire(&row->position); /* pairs(hand) */
		if (hand_state(m->reported) != RC_IN_HAND_STATE_CONFIRMED) {
			rci_member_acknowledge(m); /* told by somebody who died before he freed the row */
			continue;
		}
		read_row(row, report);
		report->position = hand_position(m->reported);
		return READ_ABANDONED;
	}
	return READ_NOTHING;
}

void rci_member_acknowledge(struct member *m)
{
	if (m->reporting == GROUP_ROWS)
		return;
	struct rc_in_hand_row *row = &m->group->rows[m->reporting];
	m->reporting = GROUP_ROWS;
	if (hand_state(m->reported) == RC_IN_HAND_STATE_CONFIRMED) /* the word that says that it was told first */
		(void)cas(&row->position, m->reported, hand_with(m->reported, RC_IN_HAND_STATE_FREE)); /* pairs(hand) */
	(void)cas(&row->state, member_row_word(m, RC_ROW_STATE_REPORTED), entry_word(m->self.generation, 0, RC_ROW_STATE_FREE)); /* pairs(row) */
}

int rci_member_news(struct member *m, struct view *view, struct report *report)
{
	const struct group *g = m->group;
	if (entry_state(group_state(g)) != RC_ENTRY_STATE_ACTIVE) {
		rci_member_note_missed(m, rci_group_come_back(g));
		m->next = group_gate(g);
	}
	if (m->lost.count != 0)
		return rci_member_tell_missed(m, view);
	if (m->takes % LOOK_ROUND == 0) /* never idle, but it looks round */
		rci_member_look_round(m);
	uint64_t events = load_acquire(group_events(g)); /* pairs(report) */
	if (events == m->events)
		return READ_NOTHING;
	int result = find_report(m, report);
	if (result == READ_NOTHING)
		m->events = events;
	return result;
}
