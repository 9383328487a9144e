#define _GNU_SOURCE
#include "assemble.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct assembler *a, struct partial *p)
{
	if (p->bytes == NULL)
		return;
	a->bytes -= p->total;
	free(p->bytes);
	p->bytes = NULL;
}

void rci_assemble_drop(struct assembler *a)
{
	for (size_t i = 0; i < PARTIAL_LIMIT; i++)
		drop(a, &a->partials[i]);
}

void rci_assemble_free(struct assembler *a)
{
	rci_assemble_drop(a);
	free(a->whole);
	a->whole = NULL;
}

static struct partial *find(struct assembler *a, const struct rc_address *source)
{
	for (size_t i = 0; i < PARTIAL_LIMIT; i++)
		if (a->partials[i].bytes != NULL && memcmp(&a->partials[i].source, source, sizeof *source) == 0)
			return &a->partials[i];
	return NULL;
}

/* A free place; what began a ring before cannot end any more. */
static struct partial *place(struct assembler *a, uint64_t position, uint64_t capacity, uint32_t total)
{
	struct partial *found = NULL;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < PARTIAL_LIMIT; i++) {
			struct partial *p = &a->partials[i];
			if (round == 1 && p->bytes != NULL && position - p->begin >= capacity)
				drop(a, p);
			if (p->bytes == NULL)
				found = p;
		}
		if (found != NULL && a->bytes + total <= PARTIAL_BYTES)
			return found;
	}
	return NULL;
}

static enum assembled begin(struct assembler *a, const struct view *view, uint64_t capacity, uint32_t limit)
{
	const struct rc_slot_header *h = &view->header;
	struct partial *old = find(a, &h->producer);
	if (old != NULL)
		drop(a, old);
	if (h->total_length > limit || h->total_length <= h->payload_length || h->fragment != 0)
		return ASSEMBLED_NO_PLACE;
	struct partial *p = place(a, view->position, capacity, h->total_length);
	if (p == NULL || (p->bytes = malloc(h->total_length)) == NULL)
		return ASSEMBLED_NO_PLACE;
	a->bytes += h->total_length;
	p->source = h->producer;
	p->sequence = h->sequence;
	p->begin = view->position;
	p->total = h->total_length;
	p->have = h->payload_length;
	p->next = 1;
	p->head = *h;
	memcpy(p->bytes, view->payload, h->payload_length);
	return ASSEMBLED_MORE;
}

enum assembled rci_assemble(struct assembler *a, struct view *view, uint64_t capacity, uint32_t limit)
{
	const struct rc_slot_header *h = &view->header;
	if ((h->flags & RC_MESSAGE_FLAG_BEGIN) != 0)
		return begin(a, view, capacity, limit);
	struct partial *p = find(a, &h->producer);
	if (p == NULL)
		return ASSEMBLED_MORE; /* its beginning was not seen */
	bool last = (h->flags & RC_MESSAGE_FLAG_END) != 0;
	if (h->fragment != p->next || h->sequence != p->sequence || h->total_length != p->total || h->payload_length > p->total - p->have ||
		last != (h->payload_length == p->total - p->have)) {
		drop(a, p);
		return ASSEMBLED_MORE;
	}
	memcpy(p->bytes + p->have, view->payload, h->payload_length);
	p->have += h->payload_length;
	p->next++;
	if (!last)
		return ASSEMBLED_MORE;
	free(a->whole);
	a->whole = p->bytes;
	a->bytes -= p->total;
	p->bytes = NULL;
	view->header = p->head;
	view->header.flags |= RC_MESSAGE_FLAG_END;
	view->header.payload_length = p->total;
	view->payload = a->whole;
	return ASSEMBLED_WHOLE;
}
