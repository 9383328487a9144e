/* Whether a reader flushes what it has read: why, and how it is told, stands in doc/decisions/309 and 374. */
#ifndef RCI_FLUSH_H
#define RCI_FLUSH_H

#include "ring.h"

/* What the lap that is timed is good for. */
enum flush_phase {
	FLUSH_SETTLED, /* it goes on as it is */
	FLUSH_TURNED, /* the first lap of a try: its lines were left as before */
	FLUSH_TRIED, /* the second one, which counts */
};

/* One reader's; it belongs to it. */
struct flushing {
	double slowest; /* ns a message; a stream that takes longer is not held up by lines */
	uint64_t lap; /* positions that are timed together */
	bool on;
	enum flush_phase phase;
	uint64_t from, end; /* where the lap began, and ends; UINT64_MAX: nothing is ever flushed */
	uint64_t began_ns;
	double last, usual; /* ns a message in the lap before this; the smaller one of the last two */
	int left; /* laps until the other way is tried */
	uint32_t rests, vain; /* leases before which no lead is waited for, since that was in vain; how many those were last */
};

/* A reader begins at a position. */
void rci_flush_begin(struct flushing *flushing, const struct ring *ring, uint64_t position);
/* The reader extends its lease at a position, where a lap may end; entry is its own. Then it reads the clock. */
void rci_flush_turn(struct flushing *flushing, const struct ring *ring, uint32_t entry, uint64_t position);
/* Waits, a few microseconds at most, until the publishers of a stream are ahead of the position: by a lease's messages and some bytes.
 * It is a stream if many messages were read since the last look that found nothing. Where that brings nothing it rests for some leases. A reader at their heels and they go at the pace of lines that pass between two cores: doc/decisions/405. */
void rci_give_lead(struct flushing *flushing, const struct ring *ring, uint64_t position, uint64_t since_empty, uint64_t lease);
/* Flushes slots that are about to be released, if the reader flushes, as far as nobody else has yet to read them. */
void rci_flush_slots(const struct flushing *flushing, const struct ring *ring, uint32_t entry, uint64_t from, uint64_t to);
/* The position, end at most, up to which all who have an entry besides that one have read. Who just joins may have an older
 * cursor in its entry, or stand behind it: it is a hint. */
uint64_t rci_flush_passed(const struct ring *ring, uint32_t entry, uint64_t end);
/* How long a message took in the lap that ended, in a stream. */
void rci_flush_judge(struct flushing *flushing, double pace);

#endif
