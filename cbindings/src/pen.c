/* Putting a direct message into a ring: messaging.md, 7. */
#define _GNU_SOURCE
#include <string.h>

#include "post.h"

int rci_pen_put(struct pen *pen, const struct rc_address *self, struct letter *letter, uint64_t *position)
{
	struct rc_slot_header h;
	memset(&h, 0, sizeof h);
	h.payload_start = RC_SLOT_HEADER_SIZE + RC_ADDRESS_BLOCK_SIZE;
	h.payload_length = h.total_length = (uint32_t)letter->size;
	h.producer = *self;
	h.flags = RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END | RC_MESSAGE_FLAG_ADDRESSED | letter->flags;
	h.kind = letter->kind;
	h.content = letter->content;
	h.schema_hash = letter->schema;
	letter->block.source = *self;
	for (;;) {
		switch (rci_claim_shared(&pen->producer, position)) {
		case CLAIM_OK:
			break;
		case CLAIM_FULL:
		case CLAIM_STALLED:
			return RC_NOTHING;
		case CLAIM_DAMAGED:
			rci_ring_damaged(pen->producer.ring);
			return RCI_RETIRED;
		default:
			return RCI_RETIRED;
		}
		h.sequence = pen->sequence + 1;
		rci_put_slot(pen->producer.ring, *position, &h, &letter->block, letter->data);
		if (rci_end_shared(&pen->producer, *position, RC_CLAIM_STATE_READY) == RC_OK) {
			pen->sequence++;
			return RC_OK;
		} /* fenced: nothing was sent */
	}
}
