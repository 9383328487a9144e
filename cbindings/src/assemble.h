/* Messages of several slots, put together again: ring.md, 11. */
#ifndef RCI_ASSEMBLE_H
#define RCI_ASSEMBLE_H

#include "reader.h"

#define PARTIAL_LIMIT 64
#define PARTIAL_BYTES (UINT64_C(64) << 20)

/* A message of which not all has come. */
struct partial {
	struct rc_address source;
	uint64_t sequence, begin; /* position of its beginning */
	uint32_t total, have;
	uint16_t next; /* number of the next fragment */
	uint8_t *bytes; /* NULL: the place is free */
	struct rc_slot_header head;
};

struct assembler {
	struct partial partials[PARTIAL_LIMIT];
	uint64_t bytes;
	uint8_t *whole; /* the message handed out last */
};

enum assembled { ASSEMBLED_MORE, ASSEMBLED_WHOLE, ASSEMBLED_NO_PLACE };

/* Takes a fragment: a whole message replaces view. capacity is the ring's slots. */
enum assembled rci_assemble(struct assembler *assembler, struct view *view, uint64_t capacity, uint32_t limit);
/* Drops what is begun: positions were missed. */
void rci_assemble_drop(struct assembler *assembler);
void rci_assemble_free(struct assembler *assembler);

#endif
