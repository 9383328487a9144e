/* Taking messages as a member of a queue group: ring.md, 14. */
#define _GNU_SOURCE
#include "member.h"

#include <string.h>

/* Of so many takes, one looks from the gate up again. */
#define RESCAN 64
#define PASS_BATCH 16

/* There is nothing to hand out or to tell yet. */
#define GO_ON (-1)

/* How many a member starts beyond the gate before it moves that. */
static uint64_t pass_batch(const struct ring *r)
{
	uint64_t part = r->slot_count / 16;
	return part < 1 ? 1 : part < PASS_BATCH ? part : PASS_BATCH;
}

static int damaged(struct member *m)
{
	m->ended = true;
	rci_ring_damaged(m->group->ring);
	return READ_RETIRED;
}

/* Settles a position without a message; true if it was us. */
static bool step_over(const struct member *m, uint64_t p, uint64_t word)
{
	return cas(group_take(m->group, p), word, take_word(ring_lap(m->group->ring, p), 0, RC_TAKE_STATE_DONE)); /* pairs(take) */
}

static void miss(struct member *m, uint64_t p, uint64_t word)
{
	if (step_over(m, p, word))
		rci_member_note_missed(m, (struct missed){p, 1});
}

/* A position whose message cannot be handed out: its bounds lie outside the slot, or it is a fragment, of
 * before the group came. Of a message in fragments the first counts as missed. */
static int refuse(struct member *m, uint64_t p, uint64_t taken, struct view *view, bool fits)
{
	if (fits && (view->header.flags & RC_MESSAGE_FLAG_BEGIN) != 0) {
		miss(m, p, taken);
		return GO_ON;
	}
	if (!step_over(m, p, taken) || fits)
		return GO_ON;
	m->next = p + 1;
	add_relaxed(&m->group->ring->control->damaged, 1);
	view->position = p;
	return READ_BAD;
}

/* Writes down whose message the row is about to have in hand. */
static void describe(struct rc_in_hand_row *row, const struct view *view, uint64_t p)
{
	const struct rc_slot_header *h = &view->header;
	bool addressed = (h->flags & RC_MESSAGE_FLAG_ADDRESSED) != 0;
	uint64_t source[2];
	memcpy(source, addressed ? &view->block.source : &h->producer, sizeof source);
	store_relaxed((uint64_t *)(void *)&row->caller, source[0]);
	store_relaxed((uint64_t *)(void *)&row->caller + 1, source[1]);
	store_relaxed(&row->correlation, addressed ? view->block.correlation : h->sequence);
	store_release(row_control(row), control_word(p)); /* pairs(control) */
}

/* Takes position p, whose take word was `word`: free, or taken by somebody who has not started it. Only the
 * start decides: whoever swaps TAKEN for STARTED has it. */
static int own(struct member *m, struct view *view, uint64_t p, uint64_t word)
{
	const struct ring *r = m->group->ring;
	const uint16_t whole = RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END;
	uint64_t *take = group_take(m->group, p), lap = ring_lap(r, p), taken = take_word(lap, m->row, RC_TAKE_STATE_TAKEN);
	bool fits = false;
	if (!cas(take, word, taken)) /* pairs(take) */
		return GO_ON;
	enum look found = rci_reader_copy(&m->eyes, p, view, &fits);
	if (found == LOOK_DAMAGED)
		return damaged(m);
	if (found != LOOK_THERE) { /* the group was put out meanwhile */
		miss(m, p, taken);
		return GO_ON;
	}
	if (!fits || (view->header.flags & whole) != whole)
		return refuse(m, p, taken, view, fits);
	struct rc_in_hand_row *row = member_row(m);
	uint64_t hand = hand_word(p, RC_IN_HAND_STATE_UNCONFIRMED);
	describe(row, view, p);
	store_release(&row->position, hand); /* pairs(hand): before STARTED */
	if (!cas(take, taken, take_word(lap, m->row, RC_TAKE_STATE_STARTED))) /* pairs(take) */
		return GO_ON; /* stolen, or given up: the copy goes */
	m->hand = hand_with(hand, RC_IN_HAND_STATE_CONFIRMED);
	store_release(&row->position, m->hand); /* pairs(hand): before the gate passes */
	view->position = p;
	m->next = p + 1;
	m->eyes.idle = 0;
	if (p + 1 - group_gate(m->group) >= pass_batch(r))
		(void)rci_group_pass(m->group);
	return READ_MESSAGE;
}

/* Does with position p what the look at it says. */
static int settle(struct member *m, struct view *view, uint64_t p, uint64_t word, enum look found)
{
	switch (found) {
	case LOOK_THERE:
		return own(m, view, p, word);
	case LOOK_STEP:
		(void)step_over(m, p, word);
		return GO_ON;
	case LOOK_OVERRUN: /* who brought the group back was stopped for long */
		rci_member_note_missed(m, rci_group_catch_up(m->group, m->group->ring->slot_count));
		miss(m, p, word);
		return GO_ON;
	case LOOK_SEALED:
		return READ_RETIRED;
	default:
		return damaged(m);
	}
}

/* Whether position p, at the gate, is taken by somebody who has had his time to start it, or is dead. The
 * time is counted from our first look. */
static bool may_take_from(struct member *m, uint64_t p, uint64_t word)
{
	const struct group *g = m->group;
	if (take_lap(word) != ring_lap(g->ring, p) || take_state(word) != RC_TAKE_STATE_TAKEN) {
		m->suspect = 0;
		return false;
	}
	if (take_row(word) >= GROUP_ROWS)
		return true; /* nobody's */
	uint64_t now = rci_now();
	if (m->suspect != word || m->suspect_at != p) {
		m->suspect = word;
		m->suspect_at = p;
		m->gone = false;
		rci_watch_start(&m->suspect_for, now);
		return false;
	}
	if (rci_watch_step(&m->suspect_for, now) >= g->ring->shape.commit_deadline)
		return true;
	if (!m->gone && rci_watch_inquire(&m->suspect_for)) {
		uint64_t owner = load_acquire(&g->rows[take_row(word)].state); /* pairs(row) */
		m->gone = entry_state(owner) != RC_ROW_STATE_HELD || !rci_alive(g->ring->domain, entry_participant(owner));
	}
	return m->gone;
}

/* Takes position p, at the gate, from a taker that has stood there for too long, or is dead. */
static int steal(struct member *m, struct view *view, uint64_t p)
{
	uint64_t word = load_acquire(group_take(m->group, p)); /* pairs(take) */
	if (!may_take_from(m, p, word))
		return GO_ON;
	m->suspect = 0;
	enum look found = rci_reader_look(&m->eyes, p);
	int result = settle(m, view, p, word, found == LOOK_THERE ? found : LOOK_OVERRUN); /* it was there once */
	(void)rci_group_pass(m->group);
	return result;
}

/* Whether nothing of a retired ring is left to the group. */
static bool finished(struct member *m)
{
	uint64_t p = group_gate(m->group), word = load_acquire(group_take(m->group, p)); /* pairs(take) */
	m->eyes.idle = 0;
	return take_lap(word) < ring_lap(m->group->ring, p) && rci_reader_look(&m->eyes, p) == LOOK_NOTHING;
}

/* Nothing is free: moves the gate, and steals from a taker that stands there. */
static int idle(struct member *m, struct view *view)
{
	bool retired = ring_retired(m->group->ring); /* before the looks */
	(void)rci_group_pass(m->group);
	if (m->lost.count != 0)
		return rci_member_tell_missed(m, view);
	int result = steal(m, view, group_gate(m->group));
	if (result != GO_ON)
		return result;
	m->eyes.idle++;
	return retired && finished(m) ? READ_RETIRED : READ_NOTHING;
}

/* Looks for a position that is free, from where it was up to a ring's length behind the gate. */
static int find(struct member *m, struct view *view)
{
	const struct group *g = m->group;
	const struct ring *r = g->ring;
	uint64_t gate = group_gate(g);
	if (m->next - gate > r->slot_count || ++m->takes % RESCAN == 0)
		m->next = gate; /* also where the gate has overtaken us */
	int result = steal(m, view, gate); /* also while there is enough to take: producers wait at the gate */
	if (result != GO_ON)
		return result;
	for (uint64_t p = m->next; p - gate < r->slot_count; p++) {
		uint64_t word = load_acquire(group_take(g, p)); /* pairs(take) */
		if (take_lap(word) >= ring_lap(r, p))
			continue;
		m->next = p;
		enum look found = rci_reader_look(&m->eyes, p);
		if (found == LOOK_NOTHING)
			return idle(m, view);
		result = settle(m, view, p, word, found);
		if (result != GO_ON)
			return result;
	}
	m->next = gate + r->slot_count; /* all that may be taken is */
	return idle(m, view);
}

int rci_member_next(struct member *m, struct view *view, struct report *report)
{
	rci_member_done(m);
	if (m->ended)
		return READ_RETIRED;
	rci_member_acknowledge(m);
	int result = rci_member_news(m, view, report);
	if (result != READ_NOTHING)
		return result;
	if (m->row == GROUP_ROWS && !m->lends_rows)
		rci_member_hold_row(m);
	return m->row != GROUP_ROWS ? find(m, view) : READ_NOTHING;
}
