/* Taking back what a dead participant holds in a ring: ring.md, 13. */
#define _GNU_SOURCE
#include "ring.h"

bool rci_claim_recover(const struct ring *r, uint64_t position, uint64_t word)
{
	if (!cas(ring_claim(r, position), word, claim_word(claim_lap(word), 0, RC_CLAIM_STATE_HOLE)))
		return false;
	add_relaxed(&r->control->recovered, 1);
	wake_readers(r);
	return true;
}

/* The word is loaded, then the kernel is asked, then exactly that word is replaced. */
static bool recover_claim(const struct ring *r, uint64_t i, uint32_t index)
{
	for (;;) {
		uint64_t word = load_acquire(&r->claims[i]); /* pairs(claim) */
		unsigned state = claim_state(word);
		if (claim_owner(word) != index || (state != RC_CLAIM_STATE_WRITING && state != RC_CLAIM_STATE_QUARANTINED))
			return true;
		if (rci_alive(r->domain, index))
			return false;
		if (rci_claim_recover(r, i, word))
			return true;
	}
}

static bool recover_owner(const struct ring *r, uint32_t index)
{
	for (;;) {
		uint64_t word = load_acquire(&r->control->owner);
		if ((uint32_t)word != index + 1)
			return true;
		if (rci_alive(r->domain, index))
			return false;
		if (cas(&r->control->owner, word, word >> 32 << 32)) /* pairs(exclusive) */
			return true;
	}
}

static bool recover_entry(const struct ring *r, uint64_t i, uint32_t index)
{
	for (;;) {
		uint64_t word = load_acquire(&r->entries[i].state);
		if (entry_state(word) == RC_ENTRY_STATE_FREE || entry_participant(word) != index || index == NOBODY)
			return true;
		if (rci_alive(r->domain, index))
			return false;
		if (cas(&r->entries[i].state, word, entry_word(entry_generation(word), 0, RC_ENTRY_STATE_FREE))) {
			rci_wake_producers(r);
			return true;
		}
	}
}

/* How many slots are looked at where one was quarantined, besides that one. */
#define RECLAIM_MOST 64

/* Looks at one slot. A large message has many claims: its living owner is asked for once. */
static bool reclaim_one(const struct ring *r, uint64_t slot, uint32_t *living)
{
	uint64_t word = load_acquire(&r->claims[slot]); /* pairs(claim) */
	if (claim_state(word) != RC_CLAIM_STATE_QUARANTINED || claim_owner(word) == *living)
		return false;
	if (recover_claim(r, slot, claim_owner(word)))
		return true;
	*living = claim_owner(word);
	return false;
}

bool rci_reclaim(const struct ring *r, struct gate *g, uint64_t position)
{
	uint64_t now = rci_now(), most = r->slot_count < RECLAIM_MOST ? r->slot_count : RECLAIM_MOST;
	uint32_t living = UINT32_MAX;
	if (now - g->claim_checked < RCI_NEXT_INQUIRY)
		return false;
	g->claim_checked = now;
	bool taken = reclaim_one(r, position & r->mask, &living);
	for (uint64_t i = 0; i < most; i++)
		taken = reclaim_one(r, g->claim_next++ & r->mask, &living) || taken;
	return taken;
}

bool rci_ring_recover(const struct ring *r, uint32_t index)
{
	bool dead = recover_owner(r, index);
	for (uint64_t i = 0; dead && !r->exclusive && i < r->slot_count; i++)
		dead = recover_claim(r, i, index);
	for (uint64_t i = 0; dead && i < RC_ENTRY_COUNT; i++)
		dead = recover_entry(r, i, index);
	return dead;
}
