/* One reader of one ring: ring.md, 5 and 7. */
#ifndef RCI_READER_H
#define RCI_READER_H

#include "flush.h"
#include "keep.h"

/* What a look at the next position has found. */
enum { READ_NOTHING, READ_MESSAGE, READ_LAGGED, READ_BAD, READ_RETIRED, READ_ERROR, READ_ABANDONED, READ_HELD };

/* What a look at one position finds. */
enum look { LOOK_NOTHING, LOOK_THERE, LOOK_STEP, LOOK_STUCK, LOOK_OVERRUN, LOOK_SEALED, LOOK_DAMAGED };

/* A message, or a fragment, where it lies or as a copy. */
struct view {
	struct rc_slot_header header; /* a copy, checked */
	struct rc_address_block block; /* a copy, where the header says ADDRESSED and its bounds fit */
	const uint8_t *payload;
	uint64_t position;
	uint64_t missed; /* READ_LAGGED: that many, from position on */
};

struct reader {
	struct ring *ring;
	uint32_t entry, mode;
	uint32_t wanted; /* the mode asked for; a latest ring is read as latest by all */
	bool entered;
	uint64_t active; /* our ACTIVE word */
	uint64_t cursor; /* the next position; everything before it is given back, but what is in hand */
	uint64_t stored; /* the cursor that the entry has */
	bool untold; /* it was stored without a look at who waits for room */
	uint64_t lease_end, history_end;
	uint64_t batch, idle;
	bool sparing; /* whoever spins here leaves tail and claim to those who write them, but for every CLAIM_LOOK-th look */
	uint32_t burst, single; /* messages between the last two looks that found nothing; waits since messages last came in a stream */
	uint64_t empty_at; /* where the last look that found nothing was */
	struct flushing flush;
	uint64_t origin; /* first position of the ring that it was entered at */

	/* The writers that stand in the way: their words, from stuck_from on. */
	bool stuck;
	uint64_t stuck_from, stuck_count, *stuck_words;
	struct stopwatch stuck_for;

	uint8_t *copy; /* of a slot's payload */
	struct holding *holding; /* messages kept where they lie; NULL: none so far */
	struct holding *parted;  /* those of the entry before, if some are left */
};

/* Enters a reader; history is how many positions before the tail to start at. */
int rci_reader_open(struct reader *reader, struct ring *ring, uint32_t mode, uint64_t history);
/* Frees what the reader has; rci_reader_leave comes before. The ring stays open. */
void rci_reader_close(struct reader *reader);
/* Gives the entry back for good: true if the ring is retired, and the name's ring may have it, too. */
bool rci_reader_leave(struct reader *reader);
/* Frees there the entry that a replacer has made for a reader that left. */
void rci_reader_leave_successor(const struct reader *reader, const struct ring *successor);
/* Adopts the entry into which a replacer has entered us, or joins: ring.md, 9. */
int rci_reader_follow(struct reader *reader, struct ring *ring);
/* The next message, or what happened. What the call before returned is given back. */
int rci_reader_next(struct reader *reader, struct view *view);
/* Before sleep: stores the cursor, sets the entry's bit; the next look is a full one. True: producers
 * may not see the bit before all sleepers have fenced (rci_sleep_fence). */
bool rci_reader_leave_word(struct reader *reader);
/* Gives back what is in hand. */
void rci_reader_release(struct reader *reader);
/* Whether `published` says that the message is there which lies so far behind the next: the cheapest look. */
static inline bool rci_reader_hint(const struct reader *d, uint64_t behind)
{
	uint64_t c = d->cursor + behind;
	return load_acquire(&ring_slot(d->ring, c)->published) == ring_lap(d->ring, c); /* pairs(publish) */
}
/* Asks for the lines of the next message, up to ASK_MOST bytes, if it is there: before, they would be taken from who writes them.
 * Its bounds have not been checked, but for those of the slot: this is a hint. */
#define ASK_LINE 64
#define ASK_MOST 4096
static inline void rci_reader_ask(const struct reader *d)
{
	const struct rc_slot_header *h = ring_slot(d->ring, d->cursor);
	if (!rci_reader_hint(d, 0))
		return;
	uint64_t end = (uint64_t)load_relaxed(&h->payload_start) + load_relaxed(&h->payload_length);
	for (uint64_t at = ASK_LINE; at < end && at < d->ring->stride && at < ASK_MOST; at += ASK_LINE)
		__builtin_prefetch((const uint8_t *)h + at);
}
/* Whether the message before the next one came from another node, and was no request or reply. Its slot may be another message's by
 * now: this is a hint. */
static inline bool rci_reader_afar(const struct reader *d)
{
	if (d->cursor == 0)
		return false;
	struct rc_slot_header *h = ring_slot(d->ring, d->cursor - 1);
	return (load_relaxed(&h->flags) & RC_MESSAGE_FLAG_REMOTE) != 0 && load_relaxed(&h->kind) == RC_MESSAGE_KIND_DATA;
}
/* So many messages that wait say that waking took longer than they did. */
#define BACKLOG 8
static inline bool rci_reader_backlog(const struct reader *d)
{
	return rci_reader_hint(d, BACKLOG - 1);
}
/* Positions below need no more than a look at `published` before they are read where they lie. */
uint64_t rci_reader_swift(const struct reader *reader);
/* The messages before the position were read so. */
void rci_reader_at(struct reader *reader, uint64_t position);

/* For members of groups, who look as latest readers do, without a cursor of their own. */
/* What is at a position; waits for writers as readers do, and never finds LOOK_STUCK. */
enum look rci_reader_look(struct reader *reader, uint64_t position);
/* Copies the message at a position into the reader's memory: LOOK_THERE, LOOK_OVERRUN, LOOK_DAMAGED. fits: its bounds lie in the slot. */
enum look rci_reader_copy(struct reader *reader, uint64_t position, struct view *view, bool *fits);

#endif
