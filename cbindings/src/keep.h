/* Messages that outlive the next call: what they lie in is held for them. */
#ifndef RCI_KEEP_H
#define RCI_KEEP_H

#include "ring.h"

struct reader;

/* Messages kept where they lie, of one entry of one ring, in order. When their reader goes on with
 * another entry, or closes, this one stays for them: slots of an entry that was put out are stepped over. */
struct holding {
	rc_kept *first, *last;
	/* When the reader has gone on: */
	struct ring *ring; /* NULL: it has not */
	struct reader *reader; /* NULL: it is closed */
	uint32_t entry;
	uint64_t active;
};

struct rc_kept {
	rc_domain *domain;
	void *copy; /* a copy's memory, which is the message's alone; NULL: in place */
	struct holding *holding;
	uint64_t position;
	rc_kept *next, *previous;
};

/* Keeps the message before the reader's cursor, which lies in its slot. */
int rci_keep_in_place(struct reader *reader, rc_kept *kept);
/* The reader lets go of its entry: true if it has to stay, since messages are kept in it. */
bool rci_keep_part(struct reader *reader);
/* The reader is closed. */
void rci_keep_end(struct reader *reader);
/* The lowest position that may not be given back; the cursor if nothing is kept. */
uint64_t rci_keep_floor(const struct reader *reader);

#endif
