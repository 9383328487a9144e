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

/* Claims all positions before the first byte is written, so that two large writers cannot block each other half way. */
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

/* A message on its way. */
struct large {
	const struct outgoing *message;
	struct rc_slot_header header;
	uint16_t flags; /* but for the marks of begin and end */
	size_t piece;   /* bytes of a fragment */
	size_t count;   /* fragments */
};

static void write_one(rc_publisher *p, struct large *l, size_t i)
{
	size_t from = i * l->piece, rest = l->message->size - from;
	l->header.payload_length = (uint32_t)(rest < l->piece ? rest : l->piece);
	l->header.fragment = (uint16_t)i;
	l->header.flags = l->flags;
	if (i == 0)
		l->header.flags |= RC_MESSAGE_FLAG_BEGIN;
	if (i == l->count - 1)
		l->header.flags |= RC_MESSAGE_FLAG_END;
	rci_put_slot(p->producer.ring, p->positions[i], &l->header, NULL, l->message->data + from);
}

/* Commits those from one on to another. A claim that was taken spoils the message: all behind it become holes. */
static int commit_run(rc_publisher *p, size_t from, size_t to, size_t count)
{
	for (size_t i = from; i < to; i++) {
		if (rci_publisher_end(p, p->positions[i], true) == RC_ERROR_FENCED) {
			abort_from(p, i + 1, count);
			return RC_ERROR_FENCED;
		}
	}
	return RC_OK;
}

/*
 * Bytes of a message that are written before they are committed. The commit deadline counts for them and not for the
 * whole message: one that took its writer longer would be taken from it each time it tries.
 */
#define COMMITTED_TOGETHER ((size_t)64 << 10)

static int write_all(rc_publisher *p, struct large *l)
{
	size_t run = l->piece < COMMITTED_TOGETHER ? COMMITTED_TOGETHER / l->piece : 1;
	int result = RC_OK;
	for (size_t from = 0, to; from < l->count && result == RC_OK; from = to) {
		to = l->count - from < run ? l->count : from + run;
		for (size_t i = from; i < to; i++)
			write_one(p, l, i);
		result = commit_run(p, from, to, l->count);
	}
	return result;
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
	struct large l = {.message = m, .piece = piece, .count = count};
	rci_put_header(p, m->marks, m->size, &l.header);
	l.flags = l.header.flags & (uint16_t)~(RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END);
	for (;;) {
		if (p->producer.ring->gated && !rci_room_for(&p->producer, count))
			return RC_NOTHING;
		int result = claim_all(p, count);
		if (result != RC_OK)
			return result;
		if (write_all(p, &l) == RC_OK)
			break;
	}
	p->fast.sequence++;
	return RC_OK;
}
