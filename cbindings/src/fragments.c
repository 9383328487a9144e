/* Writing a message of several slots: ring.md, 11. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "publisher.h"

/* Ends claims from the one numbered first on as holes. */
static void abort_from(rc_publisher *p, size_t first, size_t count)
{
	for (size_t i = first; i < count; i++)
		(void)rci_publisher_end(p, p->positions[i], false);
}

/* Claims all positions before the first byte is written, so that a message is whole, or holes. */
static int claim_all(rc_publisher *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = rci_publisher_claim_once(p, &p->positions[i]);
		if (result != RC_OK) {
			abort_from(p, 0, i);
			return result;
		}
	}
	return RC_OK;
}

static void write_all(rc_publisher *p, const struct outgoing *m, size_t count)
{
	struct rc_slot_header header;
	size_t piece = p->producer.ring->shape.payload;
	rci_put_header(p, m->marks, m->size, &header);
	uint16_t flags = header.flags & (uint16_t)~(RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END);
	for (size_t i = 0; i < count; i++) {
		size_t from = i * piece, rest = m->size - from;
		header.payload_length = (uint32_t)(rest < piece ? rest : piece);
		header.fragment = (uint16_t)i;
		header.flags = flags;
		if (i == 0)
			header.flags |= RC_MESSAGE_FLAG_BEGIN;
		if (i == count - 1)
			header.flags |= RC_MESSAGE_FLAG_END;
		rci_put_slot(p->producer.ring, p->positions[i], &header, NULL, m->data + from);
	}
}

static int commit_all(rc_publisher *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rci_publisher_end(p, p->positions[i], true) == RC_ERROR_FENCED) {
			abort_from(p, i + 1, count);
			return RC_ERROR_FENCED;
		}
	}
	return RC_OK;
}

int rci_publish_fragments(rc_publisher *p, const struct outgoing *m)
{
	size_t piece = p->producer.ring->shape.payload, count = (m->size + piece - 1) / piece;
	if (count > p->producer.ring->slot_count / 2) /* another ring has come under the name meanwhile */
		return rci_fail(RC_ERROR_TOO_LARGE, "publish %s: %zu bytes do not fit into half of its ring", p->topic, m->size);
	if (rci_entry_grouped(p->producer.ring))
		return rci_fail(RC_ERROR_TOO_LARGE, "publish %s: %zu bytes: while a queue group reads it, a message has at most the %zu bytes of a slot", p->topic, m->size, piece);
	if (p->positions == NULL) {
		p->positions = calloc(p->producer.ring->slot_count / 2, sizeof *p->positions);
		if (p->positions == NULL)
			return rci_fail(RC_ERROR_NO_MEMORY, "publish %s: %zu fragments", p->topic, count);
	}
	for (;;) {
		if (p->producer.ring->gated && !rci_room_for(&p->producer, count))
			return RC_NOTHING;
		int result = claim_all(p, count);
		if (result != RC_OK)
			return result;
		write_all(p, m, count);
		if (commit_all(p, count) == RC_OK)
			break;
	}
	p->fast.sequence++;
	return RC_OK;
}
