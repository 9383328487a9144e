/* How far producers may go, and what they do to readers that hold them back: ring.md, 6. */
#define _GNU_SOURCE
#include "group.h"

#define REFILL_DIVISOR 10

static void scan_entry(const struct ring *r, struct gate *g, uint64_t i, uint64_t *lowest)
{
	struct rc_consumer_entry *e = &r->entries[i];
	uint64_t word = load_acquire(&e->state); /* pairs(entry): before the cursor and the lease */
	unsigned state = entry_state(word);
	if (state == RC_ENTRY_STATE_ACTIVE || state == RC_ENTRY_STATE_EVICTING) {
		uint32_t mode = load_relaxed(&e->mode);
		if (mode == RC_ENTRY_MODE_RELIABLE || mode == RC_ENTRY_MODE_GROUP) {
			uint64_t cursor = load_acquire(&e->cursor); /* pairs(cursor) */
			if (cursor < *lowest)
				*lowest = cursor;
		}
	} else if (state == RC_ENTRY_STATE_EVICTED) {
		struct span s = {load_acquire(&e->cursor), 0};
		s.to = load_acquire(&e->lease_end); /* pairs(lease) */
		if (s.to > s.from && s.to - s.from <= r->slot_count)
			g->pins[g->pin_count++] = s;
	}
}

/* The tail is loaded before the scan: a reader that joins behind the scan starts at a
 * tail that is at least this one, so no slot that it reads is given away. */
static void refresh(const struct ring *r, struct gate *g)
{
	uint64_t lowest = load_acquire(&r->control->tail); /* pairs(tail) */
	fence_full();
	g->pin_count = 0;
	for (uint64_t i = 0, used = ring_entries_used(r); i < used; i++)
		scan_entry(r, g, i, &lowest);
	g->limit = lowest > UINT64_MAX - r->slot_count ? UINT64_MAX : lowest + r->slot_count;
}

bool rci_gate_room(const struct ring *r, struct gate *g, uint64_t position)
{
	if (__builtin_expect(position < g->limit, 1)) {
		g->waiting = false; /* also where a look for more room than this found it */
		return true;
	}
	if (!r->gated) {
		g->limit = UINT64_MAX; /* nobody waits here, and nothing is lent */
		return true;
	}
	refresh(r, g);
	if (position >= g->limit)
		return false;
	g->waiting = false;
	return true;
}

/* Frees what readers that were put out and died have kept, at most every 5 ms. */
static void unpin_dead(const struct ring *r, struct gate *g)
{
	uint64_t now = rci_now();
	if (now - g->pin_checked < RCI_NEXT_INQUIRY)
		return;
	g->pin_checked = now;
	for (uint64_t i = 0, used = ring_entries_used(r); i < used; i++) {
		uint64_t word = load_acquire(&r->entries[i].state);
		if (entry_state(word) == RC_ENTRY_STATE_EVICTED)
			(void)rci_entry_free_if_dead(r, i, word);
	}
}

bool rci_gate_pinned(const struct ring *r, struct gate *g, uint64_t t)
{
	for (unsigned i = 0; i < g->pin_count; i++) {
		/* the only position in the span, if any, that lies in t's slot */
		const struct span *s = &g->pins[i];
		uint64_t p = s->from + ((t - s->from) & r->mask);
		if (t >= s->from && p < s->to && p != t) {
			unpin_dead(r, g);
			return true;
		}
	}
	return false;
}

/* Adds this producer's waiting time since its last look, once however many wait; returns
 * what the reader has used up. word is the reader's state: where another has the entry by
 * now, nothing is charged. */
static uint64_t charge(struct rc_consumer_entry *e, uint64_t word, uint64_t last, uint64_t now)
{
	uint64_t mark = load_relaxed(&e->blocked_at_ns), none = blocked_word(word, 0);
	bool mine = mark < now && cas(&e->blocked_at_ns, mark, now);
	for (;;) {
		uint64_t old = load_relaxed(&e->blocked_ns), spent = old & BLOCKED_MASK;
		if (old >> RC_BLOCKED_BITS != none >> RC_BLOCKED_BITS)
			return 0;
		if (!mine)
			return spent; /* another producer counts this step */
		uint64_t refill = last > mark ? (last - mark) / REFILL_DIVISOR : 0;
		spent = spent > refill ? spent - refill : 0;
		uint64_t step = now - (mark > last ? mark : last);
		spent += step < RCI_MAX_STEP ? step : RCI_MAX_STEP;
		if (cas(&e->blocked_ns, old, blocked_word(word, spent)))
			return spent;
	}
}

/* Whether the hindmost readers stand before a writer that is within its deadline: then it is
 * the writer that holds us back, and not they. Only the lowest cursor has an excuse. */
static bool excused(const struct ring *r, struct gate *g, uint64_t now)
{
	uint64_t c = g->limit - r->slot_count;
	if (r->exclusive)
		return false; /* we are the writer */
	uint64_t word = load_acquire(ring_claim(r, c)); /* pairs(claim) */
	if (claim_lap(word) != ring_lap(r, c) || claim_state(word) != RC_CLAIM_STATE_WRITING)
		return false;
	if (g->excuse_word != word || g->excuse_position != c) {
		g->excuse_word = word;
		g->excuse_position = c;
		rci_watch_start(&g->excuse, now);
	}
	return rci_watch_step(&g->excuse, now) < r->shape.commit_deadline;
}

/* Moves the gate of the group with that entry. */
static bool pass_group(struct ring *r, uint64_t entry)
{
	const struct group *g = rci_group_of_entry(r, entry);
	return g != NULL && rci_group_pass(g);
}

/* What to do with one entry that holds position t back. */
static void blame_entry(struct ring *r, struct gate *g, uint64_t i, uint64_t t, uint64_t last, bool ask, bool excuse)
{
	struct rc_consumer_entry *e = &r->entries[i];
	uint64_t word = load_acquire(&e->state); /* pairs(entry) */
	unsigned state = entry_state(word);
	bool group = entry_participant(word) == NOBODY;
	if ((state != RC_ENTRY_STATE_ACTIVE && state != RC_ENTRY_STATE_EVICTING) || (!group && load_relaxed(&e->mode) != RC_ENTRY_MODE_RELIABLE))
		return;
	uint64_t cursor = load_acquire(&e->cursor);
	if (cursor > t || t - cursor < r->slot_count)
		return;
	if (group && pass_group(r, i))
		return;
	if (ask && !group && rci_entry_free_if_dead(r, i, word))
		return;
	if (state == RC_ENTRY_STATE_EVICTING)
		rci_entry_finish_eviction(r, i, word);
	else if (!(excuse && cursor == g->excuse_position) && charge(e, word, last, g->blocked.last) > r->shape.stall_budget)
		rci_entry_evict(r, i, word);
	else if (ask) /* a waker that died between mask and bell must not cost it its budget */
		rci_entry_rouse(r, i, word);
}

void rci_gate_blame(struct ring *r, struct gate *g, uint64_t t)
{
	uint64_t now = rci_now(), last = g->blocked.last;
	if (!g->waiting) {
		g->waiting = true;
		rci_watch_start(&g->blocked, now);
		return;
	}
	(void)rci_watch_step(&g->blocked, now);
	bool ask = rci_watch_inquire(&g->blocked), excuse = excused(r, g, now);
	for (uint64_t i = 0, used = ring_entries_used(r); i < used; i++)
		blame_entry(r, g, i, t, last, ask, excuse);
}
