/* Why a participant is gone: the marks in its record (segment.md, 5, Endings). */
#include "domain.h"

/* The word of a generation, and of those RC_PARTICIPANT_ENDINGS before and after it. */
static uint64_t *word_of(const rc_domain *d, uint32_t index, uint32_t generation)
{
	uint8_t *record = (void *)rci_record(d, index);
	return (uint64_t *)(void *)(record + RC_PARTICIPANT_ENDINGS_OFFSET) + generation % RC_PARTICIPANT_ENDINGS;
}

void rci_mark_left(const rc_domain *d)
{
	store_release(word_of(d, d->index, d->generation), (uint64_t)d->generation << 32 | RC_ENDING_LEFT);
}

bool rci_mark_died(const rc_domain *d, uint32_t index, uint64_t live)
{
	uint64_t *word = word_of(d, index, (uint32_t)(live >> 32)), died = live >> 32 << 32 | RC_ENDING_DIED;
	uint64_t before = load_acquire(word); /* before the look: so it is no later life's */
	if (load_acquire(&rci_record(d, index)->state) != live)
		return false; /* it left before the kernel was asked, or another was faster */
	if (before != died)
		(void)cas(word, before, died); /* lost to who has found the same */
	return true;
}

uint32_t rci_ending(const rc_domain *d, uint32_t index, uint32_t generation)
{
	const struct rc_participant_record *r = rci_record(d, index);
	if (r == NULL || load_acquire(&r->state) == ((uint64_t)generation << 32 | RC_PARTICIPANT_STATE_LIVE)) /* pairs(ending) */
		return RC_ENDING_NONE;
	uint64_t mark = load_acquire(word_of(d, index, generation));
	if (mark >> 32 == generation && ((uint32_t)mark == RC_ENDING_LEFT || (uint32_t)mark == RC_ENDING_DIED))
		return (uint32_t)mark;
	return RC_ENDING_NONE;
}
