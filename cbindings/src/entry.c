/* Readers' entries: ring.md, 6. */
#define _GNU_SOURCE
#include "ring.h"

bool rci_entry_free_if_dead(const struct ring *r, uint64_t i, uint64_t word)
{
	if (entry_participant(word) == NOBODY || rci_alive(r->domain, entry_participant(word)))
		return false;
	if (cas(&r->entries[i].state, word, entry_word(entry_generation(word), 0, RC_ENTRY_STATE_FREE)))
		rci_wake_producers(r);
	return true;
}

void rci_entry_evict(const struct ring *r, uint64_t i, uint64_t word)
{
	uint64_t evicting = entry_with(word, RC_ENTRY_STATE_EVICTING);
	if (cas(&r->entries[i].state, word, evicting))
		rci_entry_finish_eviction(r, i, evicting);
}

/* Readers make a full fence between lease_end and the look at their state, so the evictor
 * needs none but its compare-and-swap. pairs(lease) */
void rci_entry_finish_eviction(const struct ring *r, uint64_t i, uint64_t word)
{
	if (!cas(&r->entries[i].state, word, entry_with(word, RC_ENTRY_STATE_EVICTED))) /* pairs(entry) */
		return;
	add_relaxed(&r->control->evicted, 1);
	rci_entry_rouse(r, i, word);
	rci_wake_producers(r);
}

void rci_entry_rouse(const struct ring *r, uint64_t i, uint64_t word)
{
	if (entry_participant(word) != NOBODY) {
		rci_ring_bell(r->domain, entry_participant(word));
		return;
	}
	for (uint64_t k = 0; k < ring_entries_used(r); k++) {
		uint64_t member = load_acquire(&r->entries[k].state);
		if (entry_state(member) != RC_ENTRY_STATE_FREE && load_relaxed(&r->entries[k].mode) == RC_ENTRY_MODE_MEMBER &&
			load_relaxed(&r->entries[k].group) == i + 1)
			rci_ring_bell(r->domain, entry_participant(member));
	}
}

bool rci_entry_grouped(const struct ring *r)
{
	for (uint64_t i = 0, used = ring_entries_used(r); i < used; i++) {
		uint64_t word = load_acquire(&r->entries[i].state);
		if (entry_participant(word) == NOBODY && (entry_state(word) == RC_ENTRY_STATE_ACTIVE || entry_state(word) == RC_ENTRY_STATE_EVICTING))
			return true;
	}
	return false;
}

static void raise_high(const struct ring *r, uint64_t above)
{
	for (;;) {
		uint64_t high = load_acquire(&r->control->entry_high);
		if (high > above || cas(&r->control->entry_high, high, above + 1))
			return;
	}
}

/* Takes a free entry as JOINING: its word, or 0 if another was faster. */
static uint64_t reserve_at(const struct ring *r, uint64_t i, uint64_t word)
{
	uint32_t generation = entry_generation(word) + 1;
	if (word == 0)
		generation = (uint32_t)rci_random64() | 1; /* names one reader, also in a successor */
	uint64_t joining = entry_word(generation, r->me, RC_ENTRY_STATE_JOINING);
	raise_high(r, i);
	return cas(&r->entries[i].state, word, joining) ? joining : 0; /* pairs(entry) */
}

static int join_at(const struct ring *r, uint64_t i, uint64_t word, uint32_t mode, uint64_t *active, uint64_t *cursor)
{
	struct rc_consumer_entry *e = &r->entries[i];
	uint64_t joining = reserve_at(r, i, word);
	if (joining == 0)
		return RCI_AGAIN;
	store_relaxed(&e->mode, mode);
	store_relaxed(&e->group, 0);
	store_relaxed(&e->missed, 0);
	store_relaxed(&e->blocked_ns, blocked_word(joining, 0));
	store_relaxed(&e->blocked_at_ns, rci_now());
	uint64_t tail = load_acquire(&r->control->tail);
	store_release(&e->cursor, tail);
	store_release(&e->lease_end, tail);
	*active = entry_with(joining, RC_ENTRY_STATE_ACTIVE);
	if (!cas(&e->state, joining, *active)) /* pairs(entry) */
		return RCI_AGAIN;
	fence_full();
	tail = load_acquire(&r->control->tail); /* pairs(tail) */
	store_release(&e->cursor, tail);
	store_release(&e->lease_end, tail);
	store_relaxed(&e->joined, tail);
	*cursor = tail;
	return RC_OK;
}

static void free_dead(const struct ring *r)
{
	for (uint64_t i = 0; i < RC_ENTRY_COUNT; i++) {
		uint64_t found = load_acquire(&r->entries[i].state);
		if (entry_state(found) != RC_ENTRY_STATE_FREE)
			(void)rci_entry_free_if_dead(r, i, found);
	}
}

static int full(const struct ring *r) { return rci_fail(RC_ERROR_READERS_FULL, "%s: all %d reader entries are taken", r->path, RC_ENTRY_COUNT); }

int rci_entry_join(const struct ring *r, uint32_t mode, uint32_t *entry, uint64_t *word, uint64_t *cursor)
{
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < RC_ENTRY_COUNT; i++) {
			uint64_t found = load_acquire(&r->entries[i].state);
			if (entry_state(found) != RC_ENTRY_STATE_FREE)
				continue;
			*entry = (uint32_t)i;
			if (join_at(r, i, found, mode, word, cursor) == RC_OK)
				return RC_OK;
		}
		free_dead(r);
	}
	return full(r);
}

int rci_entry_reserve(const struct ring *r, uint64_t *entry, uint64_t *joining)
{
	for (int round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < RC_ENTRY_COUNT; i++) {
			uint64_t found = load_acquire(&r->entries[i].state);
			*entry = i;
			if (entry_state(found) == RC_ENTRY_STATE_FREE && (*joining = reserve_at(r, i, found)) != 0)
				return RC_OK;
		}
		free_dead(r);
	}
	return full(r);
}

void rci_entry_leave(const struct ring *r, uint32_t entry, uint64_t word)
{
	uint64_t *state = &r->entries[entry].state;
	for (;;) {
		uint64_t now = load_acquire(state);
		if (entry_generation(now) != entry_generation(word) || entry_participant(now) != r->me || entry_state(now) == RC_ENTRY_STATE_FREE)
			break;
		if (cas(state, now, entry_word(entry_generation(now), 0, RC_ENTRY_STATE_FREE)))
			break;
	}
	fence_full();
	rci_wake_producers(r);
}
