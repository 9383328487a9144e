/* Answers find their calls: messaging.md, 9 and 11. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "away.h"

#define ALIGNED 8

/* Copies an answer into memory that is used again; false: there is none. */
static bool fill(rc_reply *r, const struct view *v)
{
	size_t size = v->header.payload_length;
	if (r->capacity <= size) { /* one byte more: a text gets its zero */
		size_t room = (size + 64) & ~(size_t)63;
		void *data = aligned_alloc(64, room);
		if (data == NULL)
			return false;
		free(r->data);
		r->data = data;
		r->capacity = room;
	}
	memcpy(r->data, v->payload, size);
	((uint8_t *)r->data)[size] = 0;
	r->size = size;
	r->source = v->block.source;
	r->schema = v->header.schema_hash;
	r->content = v->header.content;
	r->code = 0;
	return true;
}

void rc_reply_clear(rc_reply *r)
{
	if (r == NULL)
		return;
	free(r->data);
	memset(r, 0, sizeof *r);
}

/* Keeps an answer of several. */
static bool collect(struct desk *k, rc_future *c, const struct view *v)
{
	struct answer *a = calloc(1, sizeof *a);
	if (a == NULL || !fill(&a->reply, v)) {
		free(a);
		return false;
	}
	*c->last = a;
	c->last = &a->next;
	rci_desk_tell(k, c);
	return true;
}

/* What an answer of kind Error says. */
static int outcome_of(uint32_t code)
{
	static const int codes[] = {[ANSWER_NO_SERVICE] = RC_ERROR_NO_SERVICE, [ANSWER_OVERLOADED] = RC_ERROR_OVERLOADED,
		[ANSWER_INSTANCE_DIED] = RC_ERROR_INSTANCE_DIED, [ANSWER_NODE_DOWN] = RC_ERROR_NODE_DOWN, [ANSWER_DEADLINE] = RC_TIMED_OUT,
		[ANSWER_CANCELED] = RC_ERROR_CANCELED, [ANSWER_NO_REPLY] = RC_ERROR_NO_REPLY, [ANSWER_TOO_LARGE] = RC_ERROR_REPLY_TOO_LARGE,
		[ANSWER_GONE] = RC_ERROR_GONE};
	return code > 0 && code < sizeof codes / sizeof *codes ? codes[code] : RC_ERROR_REPLY;
}

static void failed(struct desk *k, rc_future *c, const struct view *v)
{
	int code = c->away ? rci_outcome_away(c, v->block.code) : RC_OK;
	if (code == RC_OK)
		code = outcome_of(v->block.code);
	if (code == RC_ERROR_REPLY) {
		c->has = fill(c->into, v);
		c->into->code = v->block.code >= ANSWER_APPLICATION ? v->block.code - ANSWER_APPLICATION : v->block.code;
	}
	rci_desk_settle(k, c, code);
}

void rci_survey_less(struct desk *k, rc_future *c)
{
	if (c->asked.count == 0 || (c->asked.quorum != 0 && c->asked.got >= c->asked.quorum))
		rci_desk_settle(k, c, RC_OK);
}

/* Each source counts once; an error is an answer, too, but nothing to hand out. */
static void surveyed(struct desk *k, rc_future *c, const struct view *v)
{
	if (v->header.kind == RC_MESSAGE_KIND_REPLY && collect(k, c, v))
		c->asked.got++;
	for (uint32_t i = 0; i < c->asked.count; i++) {
		if (!rci_same_address(&c->asked.addresses[i], &v->block.source))
			continue;
		c->asked.addresses[i] = c->asked.addresses[--c->asked.count];
		break;
	}
	rci_survey_less(k, c);
}

static void replied(struct desk *k, rc_future *c, const struct view *v)
{
	bool more = (v->header.flags & RC_MESSAGE_FLAG_MORE) != 0;
	if (c->many) {
		if (!collect(k, c, v))
			rci_desk_give_up(k, c, RC_ERROR_NO_MEMORY);
		else if (!more)
			rci_desk_settle(k, c, RC_OK);
		return;
	}
	c->has = fill(c->into, v);
	rci_desk_settle(k, c, c->has ? RC_OK : RC_ERROR_NO_MEMORY);
}

void rci_desk_deliver(struct desk *k, const struct view *v)
{
	const struct rc_address_block *b = &v->block;
	bool good = (v->header.flags & RC_MESSAGE_FLAG_ADDRESSED) != 0 && rci_same_address(&b->destination, &k->post->self) &&
		(v->header.kind == RC_MESSAGE_KIND_REPLY || v->header.kind == RC_MESSAGE_KIND_ERROR);
	rc_future *c = good ? rci_desk_find(k, b->correlation) : NULL;
	if (c == NULL)
		k->late++;
	else if (c->survey)
		surveyed(k, c, v);
	else if (v->header.kind == RC_MESSAGE_KIND_ERROR)
		failed(k, c, v);
	else
		replied(k, c, v);
}
