/* The entry of a queue group, whose cursor is its gate: ring.md, 14. */
#define _GNU_SOURCE
#include "group.h"

#include <string.h>

/* What a replacer leaves in `joined` of a group's entry that it has carried over: no file names it yet. */
#define ADOPTED UINT64_MAX

/* FNV-1a in 32 bits. */
uint32_t rci_group_hash(const char *name)
{
	uint32_t hash = UINT32_C(0x811c9dc5);
	for (; *name != 0; name++)
		hash = (hash ^ (uint8_t)*name) * UINT32_C(0x01000193);
	return hash;
}

/* Names an entry in a group's header. */
static uint64_t place_of(uint64_t i, uint64_t word) { return (uint64_t)entry_generation(word) << 32 | (i + 1); }

bool rci_group_find_entry(struct group *g, uint64_t named)
{
	uint64_t i = (uint32_t)named - UINT64_C(1);
	if ((uint32_t)named == 0 || i >= RC_ENTRY_COUNT)
		return false;
	uint64_t *state = &g->ring->entries[i].state;
	for (int tries = 0; tries < GROUP_TRIES; tries++) {
		uint64_t word = load_acquire(state); /* pairs(entry) */
		if (entry_generation(word) != named >> 32 || entry_state(word) == RC_ENTRY_STATE_FREE)
			return false;
		if (entry_state(word) != RC_ENTRY_STATE_JOINING) {
			g->entry = (uint32_t)i;
			return entry_participant(word) == NOBODY;
		}
		(void)cas(state, word, entry_word(entry_generation(word), NOBODY, RC_ENTRY_STATE_LEAVING)); /* pairs(entry): until a member brings it back */
	}
	return false;
}

/* The entry that a replacer carried over for a group of that name. */
static bool find_adopted(const struct ring *r, uint32_t hash, uint64_t *entry, uint64_t *word)
{
	for (uint64_t i = 0, used = ring_entries_used(r); i < used; i++) {
		const struct rc_consumer_entry *e = &r->entries[i];
		*entry = i;
		*word = load_acquire(&e->state); /* pairs(entry) */
		if (entry_state(*word) != RC_ENTRY_STATE_FREE && entry_participant(*word) == NOBODY && load_relaxed(&e->group) == hash && load_acquire(&e->joined) == ADOPTED)
			return true;
	}
	return false;
}

/* Makes a free entry the group's; until the last step it bears our name, so that recovery frees it if we die. */
static int make_entry(struct group *g, uint64_t named, uint32_t hash, bool from_start)
{
	const struct ring *r = g->ring;
	uint64_t i, joining;
	int result = rci_entry_reserve(r, &i, &joining);
	if (result != RC_OK)
		return result;
	struct rc_consumer_entry *e = &r->entries[i];
	store_relaxed(&e->mode, RC_ENTRY_MODE_GROUP);
	store_relaxed(&e->group, hash);
	store_relaxed(&e->missed, 0);
	store_relaxed(&e->blocked_ns, blocked_word(joining, 0));
	store_relaxed(&e->joined, 0);
	store_release(&e->lease_end, 0); /* lends nothing: what is put out pins nothing */
	store_release(&e->cursor, from_start ? 0 : load_acquire(&r->control->tail));
	if (!cas(&g->head->gate, named, place_of(i, joining))) /* another was faster */
		(void)cas(&e->state, joining, entry_word(entry_generation(joining), 0, RC_ENTRY_STATE_FREE)); /* pairs(entry) */
	return RC_OK; /* the next look finishes it */
}

int rci_group_settle(struct group *g, uint32_t hash, bool from_start)
{
	uint64_t i, word;
	for (int tries = 0; tries < GROUP_TRIES; tries++) {
		uint64_t named = load_acquire(&g->head->gate);
		if (rci_group_find_entry(g, named))
			return RC_OK;
		if (find_adopted(g->ring, hash, &i, &word)) {
			if (cas(&g->head->gate, named, place_of(i, word)))
				store_seq(&g->ring->entries[i].joined, 0);
			continue;
		}
		int result = make_entry(g, named, hash, from_start);
		if (result != RC_OK)
			return result;
	}
	rci_ring_damaged(g->ring);
	return rci_fail(RC_ERROR_DAMAGED, "%s: the group's entry changes without end", g->segment.path);
}

uint32_t rci_group_member_at(const struct group *g, uint64_t i)
{
	const struct rc_consumer_entry *e = &g->ring->entries[i];
	uint64_t word = load_acquire(&e->state); /* pairs(entry) */
	if (entry_state(word) != RC_ENTRY_STATE_FREE && load_relaxed(&e->mode) == RC_ENTRY_MODE_MEMBER && load_acquire(&e->group) == g->entry + 1)
		return entry_participant(word);
	return NOBODY;
}

bool rci_group_has_members(const struct group *g)
{
	for (uint64_t i = 0, used = ring_entries_used(g->ring); i < used; i++)
		if (rci_group_member_at(g, i) != NOBODY)
			return true;
	return false;
}

static bool has_rows(const struct group *g)
{
	for (size_t i = 0; i < GROUP_ROWS; i++)
		if (entry_state(load_acquire(&g->rows[i].state)) != RC_ROW_STATE_FREE) /* pairs(row) */
			return true;
	return false;
}

/* With reports that nobody has read it stays put out: its files are kept for the next member. */
bool rci_group_left(const struct group *g)
{
	uint64_t *state = &group_entry(g)->state;
	for (int tries = 0; tries < GROUP_TRIES; tries++) {
		if (rci_group_has_members(g))
			return false;
		uint64_t word = group_state(g), next = entry_with(word, has_rows(g) ? RC_ENTRY_STATE_EVICTED : RC_ENTRY_STATE_LEAVING);
		if (!cas(state, word, next)) /* pairs(entry) */
			continue;
		if (!rci_group_has_members(g)) {
			rci_wake_producers(g->ring);
			return true;
		}
		/* Who joined since we looked may have seen the group gate. He may have left again, too: so all of it again. */
		(void)cas(state, next, entry_with(word, RC_ENTRY_STATE_ACTIVE)); /* pairs(entry) */
	}
	return false;
}

void rci_group_left_successor(const struct group *g, const struct ring *successor)
{
	struct rc_consumer_entry *e = &successor->entries[g->entry];
	uint64_t word = entry_with(group_state(g), RC_ENTRY_STATE_ACTIVE);
	if (load_acquire(&e->joined) == ADOPTED && cas(&e->state, word, entry_with(word, RC_ENTRY_STATE_LEAVING))) /* pairs(entry) */
		rci_wake_producers(successor);
}
