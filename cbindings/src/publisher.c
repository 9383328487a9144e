/* Publishers: messaging.md, 3. */
#define _GNU_SOURCE
#include "publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post.h"
#include "subscription.h"

/* A producer that waits for room looks again after so long. */
#define ROOM_SLEEP UINT64_C(10000000)
#define STUCK_SLEEP UINT64_C(1000000)

static int check_config(const char *topic, const rc_publisher_config *config)
{
	for (size_t i = 0; i < sizeof config->reserved / sizeof *config->reserved; i++)
		if (config->reserved[i] != 0)
			return rci_fail(RC_ERROR_INVALID, "publish: reserved field %zu is not zero", i);
	if (!rci_name_valid(topic))
		return rci_fail(RC_ERROR_NAME, "topic \"%.64s\": want letters, digits, _ and -, with dots between, at most %d bytes", topic != NULL ? topic : "", RC_MAX_NAME);
	return RC_OK;
}

/* Opens the ring, and takes it where it is exclusive. */
static int open_ring(rc_publisher *p)
{
	for (int try = 0; try < 100; try++) {
		struct ring *ring = NULL;
		int result = rci_ring_open(p->domain, p->path, &p->want, true, &ring);
		if (result != RC_OK)
			return result;
		memset(&p->producer, 0, sizeof p->producer);
		p->producer.ring = ring;
		result = ring->exclusive ? rci_exclusive_take(&p->producer) : RC_OK;
		if (result == RC_OK)
			return RC_OK;
		rci_ring_close(ring);
		p->producer.ring = NULL;
		if (result != RCI_AGAIN)
			return result;
	}
	return rci_fail(RC_ERROR_IN_USE, "%s: comes and goes", p->path);
}

static void close_ring(rc_publisher *p)
{
	struct ring *ring = p->producer.ring;
	p->fast.version = 0;
	if (ring == NULL)
		return;
	if (ring->exclusive && load_relaxed(&p->domain->forked) == 0)
		rci_exclusive_give(&p->producer);
	p->producer.ring = NULL;
	rci_ring_close(ring);
}

int rci_publisher_reopen(rc_publisher *p)
{
	close_ring(p);
	free(p->positions);
	p->positions = NULL;
	return open_ring(p);
}

/* Says how far the short ways may go now. */
static void hasten(rc_publisher *p)
{
	const struct ring *r = p->producer.ring;
	struct rc_inline_publisher *f = &p->fast;
	f->version = 0;
	if (r == NULL || p->timestamps || (r->exclusive && !p->producer.unfenced))
		return;
	f->exclusive = r->exclusive;
	f->forked = &p->domain->forked;
	/* While a wait is open the next claim goes the long way, which ends it: gate.c. */
	f->swift = p->producer.gate.pin_count == 0 && !p->producer.gate.waiting ? p->producer.gate.limit : 0;
	f->next = load_relaxed(&r->control->tail);
	f->owner = p->producer.owner;
	f->payload = r->shape.payload;
	f->stride = r->stride;
	f->shift = r->shift;
	f->mask = r->mask;
	f->slots = r->slots;
	f->claims = r->claims;
	f->state = &r->header->state;
	f->control = r->control;
	memcpy(f->source, &p->source, sizeof f->source);
	f->schema = p->schema;
	f->me = r->me;
	f->version = RC_INLINE_VERSION;
}

void rc_inline_wake(rc_publisher *p) { rci_wake_readers_slow(p->producer.ring); }

static int open_publisher(rc_publisher *p, const rc_publisher_config *config)
{
	int n = snprintf(p->path, sizeof p->path, "%.*s/topics/%s", RCI_PATH - 512, p->domain->directory, p->topic);
	p->want.memory = &p->domain->memory;
	p->want.shape = (struct shape){.slots = config->slots, .payload = config->slot_size, .mode = config->mode, .kind = config->kind, .history = config->history,
		.stall_budget = config->stall_budget_ms * UINT64_C(1000000)};
	int result = rci_grant_asked("publish", config->owner, config->group, config->file_mode, &p->rights);
	if (p->rights.mode != 0 || p->rights.owner != KEEP || p->rights.group != KEEP)
		p->want.rights = &p->rights;
	p->schema = config->schema;
	p->timestamps = config->timestamps;
	if (result == RC_OK)
		result = n > 0 ? open_ring(p) : RC_ERROR_INVALID;
	if (result == RC_OK)
		result = rci_name_kind(p->domain, p->topic, "services");
	if (result == RC_OK)
		result = rci_handle_take(p->domain, p->topic, &p->handle);
	if (result == RC_OK) {
		add_relaxed(&p->producer.ring->control->handles, 1);
		p->fast.sequence = p->handle->sequence;
		p->source = (struct rc_address){p->domain->node_id, p->domain->epoch, p->domain->generation, (uint16_t)p->domain->index, p->handle->number};
		result = rci_interest_add(p->domain, p->topic, true, false, false, 0);
		p->interested = result == RC_OK;
	}
	if (result == RC_OK) {
		rci_attend(p);
		hasten(p);
	}
	return result;
}

int rc_publisher_open(rc_domain *domain, const char *topic, const rc_publisher_config *config, rc_publisher **publisher)
{
	rc_publisher_config zero;
	memset(&zero, 0, sizeof zero);
	if (config == NULL)
		config = &zero;
	if (domain == NULL || publisher == NULL)
		return rci_fail(RC_ERROR_INVALID, "publish: NULL");
	*publisher = NULL;
	int result = rci_usable(domain);
	if (result == RC_OK)
		result = check_config(topic, config);
	if (result != RC_OK)
		return result;
	rc_publisher *p = calloc(1, sizeof *p);
	if (p == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "publish %s", topic);
	p->domain = domain;
	(void)snprintf(p->topic, sizeof p->topic, "%s", topic);
	(void)pthread_mutex_lock(&domain->mutex);
	domain->open_handles++;
	(void)pthread_mutex_unlock(&domain->mutex);
	result = open_publisher(p, config);
	if (result != RC_OK)
		rc_publisher_close(p);
	else
		*publisher = p;
	return result;
}

void rc_publisher_close(rc_publisher *p)
{
	if (p == NULL)
		return;
	rc_domain *domain = p->domain;
	bool forked = load_relaxed(&domain->forked) != 0;
	if (p->fast.claimed && !forked)
		(void)rci_publisher_end(p, p->fast.position, false);
	close_ring(p);
	if (p->handle != NULL && !forked) {
		p->handle->sequence = p->fast.sequence;
		rci_handle_give(domain, p->handle);
	}
	if (p->interested && !forked)
		rci_interest_remove(domain, p->topic, true, false, false, 0);
	(void)pthread_mutex_lock(&domain->mutex);
	domain->open_handles--;
	(void)pthread_mutex_unlock(&domain->mutex);
	free(p->positions);
	free(p);
}

int rci_publisher_claim_once(rc_publisher *p, uint64_t *position)
{
	const struct ring *r = p->producer.ring;
	int result = r->exclusive ? rci_claim_exclusive(&p->producer, position) : rci_claim_shared(&p->producer, position);
	switch (__builtin_expect(result, CLAIM_OK)) {
	case CLAIM_OK:
		return RC_OK;
	case CLAIM_FULL:
		return RC_NOTHING;
	case CLAIM_STALLED:
		return rci_fail(RC_ERROR_STALLED, "publish %s: all %u slots are held by writers or readers that do not move", p->topic, (unsigned)r->slot_count);
	case CLAIM_NOT_OWNER:
		return rci_fail(RC_ERROR_NOT_EXCLUSIVE, "publish %s: the exclusive topic was taken by another publisher", p->topic);
	case CLAIM_DAMAGED:
		rci_ring_damaged(r);
		return RCI_RETIRED;
	default:
		return RCI_RETIRED;
	}
}

int rci_publisher_end(rc_publisher *p, uint64_t position, bool commit)
{
	if (p->producer.ring->exclusive)
		return rci_end_exclusive(&p->producer, position, commit);
	return rci_end_shared(&p->producer, position, commit ? RC_CLAIM_STATE_READY : RC_CLAIM_STATE_HOLE);
}

void rci_put_header(const rc_publisher *p, const rc_marks *marks, size_t total, struct rc_slot_header *h)
{
	memset(h, 0, sizeof *h);
	h->payload_start = RC_SLOT_HEADER_SIZE;
	h->payload_length = (uint32_t)total;
	h->producer = p->source;
	h->sequence = p->fast.sequence + 1;
	h->total_length = (uint32_t)total;
	h->flags = RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END;
	h->schema_hash = p->schema;
	if (marks != NULL) {
		h->timestamp_ns = marks->timestamp_ns;
		h->content = marks->content;
		if (marks->schema != 0)
			h->schema_hash = marks->schema;
	}
	if (h->timestamp_ns == 0 && p->timestamps)
		h->timestamp_ns = rci_wall();
	if (h->timestamp_ns != 0)
		h->flags |= RC_MESSAGE_FLAG_TIMESTAMPED;
}

/* A call that waits for room. */
struct call {
	rc_publisher *publisher;
	const struct outgoing *message; /* NULL: only a claim */
	uint64_t position;
};

/* Makes it the header of a question. */
static void address(struct rc_slot_header *h)
{
	h->kind = RC_MESSAGE_KIND_REQUEST;
	h->flags |= RC_MESSAGE_FLAG_ADDRESSED;
	h->payload_start += RC_ADDRESS_BLOCK_SIZE;
}

static bool wants_fragments(const struct call *c)
{
	return c->message != NULL && c->message->block == NULL && c->message->size > c->publisher->producer.ring->shape.payload;
}

static int publish_once(void *argument)
{
	struct call *c = argument;
	rc_publisher *p = c->publisher;
	struct rc_slot_header header;
	for (;;) {
		bool large = wants_fragments(c);
		int result = large ? rci_publish_fragments(p, c->message) : rci_publisher_claim_once(p, &c->position);
		if (__builtin_expect(result == RCI_RETIRED, 0)) {
			result = rci_publisher_reopen(p);
			if (result == RC_OK)
				continue;
		}
		if (__builtin_expect(result != RC_OK || large || c->message == NULL, 0))
			return result;
		rci_put_header(p, c->message->marks, c->message->size, &header);
		if (__builtin_expect(c->message->block != NULL, 0))
			address(&header);
		rci_put_slot(p->producer.ring, c->position, &header, c->message->block, c->message->data);
		result = rci_publisher_end(p, c->position, true);
		if (__builtin_expect(result != RC_ERROR_FENCED, 1)) {
			p->fast.sequence++;
			return result;
		}
	}
}

static void wait_for_room(void *argument)
{
	const struct call *c = argument;
	rci_sleep_bit_room(c->publisher->producer.ring);
}

static uint64_t nap_of(void *argument)
{
	const struct call *c = argument;
	const struct producer *p = &c->publisher->producer;
	return p->stuck || p->gate.blocked.elapsed < STUCK_SLEEP ? STUCK_SLEEP : ROOM_SLEEP;
}

static int wait_and_publish(struct call *call, int64_t timeout)
{
	struct waiter waiter = {publish_once, NULL, NULL, wait_for_room, nap_of, call};
	if (timeout == 0)
		return RC_FULL;
	return rci_wait_for(call->publisher->domain, timeout, &call->publisher->spin_ns, &waiter);
}

static int check_call(const rc_publisher *p, const void *data, size_t size, const rc_marks *marks)
{
	char text[128];
	int result = rci_usable(p->domain);
	if (result != RC_OK)
		return result;
	if (p->producer.ring == NULL)
		return rci_fail(RC_ERROR_NOT_FOUND, "publish %s: its ring is gone, and could not be opened again: open the publisher again", p->topic);
	if (data == NULL && size != 0)
		return rci_fail(RC_ERROR_INVALID, "publish %s: no data", p->topic);
	if (marks != NULL && marks->content > RC_CONTENT_FLAT_BUFFER)
		return rci_fail(RC_ERROR_INVALID, "publish %s: unknown content %u", p->topic, (unsigned)marks->content);
	uint32_t limit = rci_message_limit(&p->producer.ring->shape);
	if (size <= limit)
		return RC_OK;
	if (size > RC_MAX_MESSAGE)
		return rci_fail(RC_ERROR_TOO_LARGE, "publish %s: %zu bytes: a message has at most %d", p->topic, size, RC_MAX_MESSAGE);
	size_t half = p->producer.ring->slot_count / 2, slot = ((size + half - 1) / half + 63) & ~(size_t)63;
	return rci_fail(RC_ERROR_TOO_LARGE, "publish %s: %zu bytes do not fit into half of %s: ask for a slot size of %zu", p->topic, size,
		rci_shape_text(&p->producer.ring->shape, text, sizeof text), slot);
}

int rc_publisher_publish_marked(rc_publisher *p, const void *data, size_t size, const rc_marks *marks, int64_t timeout)
{
	int result = check_call(p, data, size, marks);
	if (__builtin_expect(result != RC_OK, 0))
		return result;
	if (p->fast.claimed)
		return rci_fail(RC_ERROR_BUSY, "publish %s: a claim is open: end it first", p->topic);
	struct outgoing message = {data, size, marks, NULL};
	struct call call = {p, &message, 0};
	result = publish_once(&call);
	if (__builtin_expect(result == RC_NOTHING, 0))
		result = wait_and_publish(&call, timeout);
	hasten(p);
	return result;
}

int rc_publisher_publish(rc_publisher *p, const void *data, size_t size, int64_t timeout)
{
	return rc_publisher_publish_marked(p, data, size, NULL, timeout);
}

int rci_publisher_ask(rc_publisher *p, const struct outgoing *question, int64_t timeout)
{
	int result = check_call(p, question->data, question->size, question->marks);
	if (result != RC_OK)
		return result;
	uint32_t room = p->producer.ring->shape.payload - RC_ADDRESS_BLOCK_SIZE;
	if (question->size > room || p->producer.ring->shape.payload < RC_ADDRESS_BLOCK_SIZE)
		return rci_fail(RC_ERROR_TOO_LARGE, "survey on %s: %zu bytes: a slot has %u: ask for a slot size of %zu", p->topic, question->size,
			(unsigned)room, (question->size + RC_ADDRESS_BLOCK_SIZE + 63) & ~(size_t)63);
	struct call call = {p, question, 0};
	result = publish_once(&call);
	if (result == RC_NOTHING)
		result = wait_and_publish(&call, timeout);
	hasten(p);
	return result;
}

int rc_publisher_claim(rc_publisher *p, size_t size, int64_t timeout, rc_claim *claim)
{
	int result = claim == NULL ? rci_fail(RC_ERROR_INVALID, "claim: NULL") : check_call(p, "", 0, NULL);
	if (result != RC_OK)
		return result;
	if (p->fast.claimed)
		return rci_fail(RC_ERROR_BUSY, "claim in %s: another is open", p->topic);
	if (size > p->producer.ring->shape.payload)
		return rci_fail(RC_ERROR_TOO_LARGE, "claim in %s: %zu bytes: a slot has %u: ask for a slot size of %zu", p->topic, size,
			(unsigned)p->producer.ring->shape.payload, (size + 63) & ~(size_t)63);
	struct call call = {p, NULL, 0};
	result = publish_once(&call);
	if (result == RC_NOTHING)
		result = wait_and_publish(&call, timeout);
	hasten(p);
	if (result != RC_OK)
		return result;
	p->fast.claimed = 1;
	p->fast.position = call.position;
	claim->publisher = p;
	claim->position = call.position;
	claim->data = (uint8_t *)ring_slot(p->producer.ring, call.position) + RC_SLOT_HEADER_SIZE;
	claim->capacity = p->producer.ring->shape.payload;
	return RC_OK;
}

static int check_claim(const rc_claim *claim)
{
	if (claim == NULL || claim->publisher == NULL)
		return rci_fail(RC_ERROR_INVALID, "claim: ended before");
	int result = rci_usable(claim->publisher->domain);
	if (result == RC_OK && (!claim->publisher->fast.claimed || claim->position != claim->publisher->fast.position))
		result = rci_fail(RC_ERROR_INVALID, "claim: ended before");
	return result;
}

static int was_taken(const rc_publisher *p)
{
	return rci_fail(RC_ERROR_FENCED, "commit in %s: the claim was held for longer than the commit deadline and was taken", p->topic);
}

int rc_claim_commit(rc_claim *claim, const void *data, size_t size, const rc_marks *marks)
{
	struct rc_slot_header header;
	int result = check_claim(claim);
	if (__builtin_expect(result != RC_OK, 0))
		return result;
	rc_publisher *p = claim->publisher;
	size_t start = (size_t)((uintptr_t)data - (uintptr_t)claim->data);
	if (start > claim->capacity || size > claim->capacity - start)
		return rci_fail(RC_ERROR_INVALID, "commit: the message does not lie in the claim: a builder that grows leaves it");
	if (marks != NULL && marks->content > RC_CONTENT_FLAT_BUFFER)
		return rci_fail(RC_ERROR_INVALID, "commit: unknown content %u", (unsigned)marks->content);
	rci_put_header(p, marks, size, &header);
	header.payload_start = (uint32_t)(RC_SLOT_HEADER_SIZE + start);
	rci_put_slot(p->producer.ring, claim->position, &header, NULL, NULL);
	result = rci_publisher_end(p, claim->position, true);
	p->fast.claimed = 0;
	claim->publisher = NULL;
	claim->data = NULL;
	if (__builtin_expect(result == RC_OK, 1))
		p->fast.sequence++;
	else
		result = was_taken(p);
	return result;
}

int rc_inline_fenced(rc_claim *claim)
{
	rc_publisher *p = claim->publisher;
	(void)rci_publisher_end(p, claim->position, false); /* frees the slot for others, as the claim was taken */
	p->fast.claimed = 0;
	claim->publisher = NULL;
	claim->data = NULL;
	return was_taken(p);
}

int rc_claim_abort(rc_claim *claim)
{
	int result = check_claim(claim);
	if (result != RC_OK)
		return result;
	rc_publisher *p = claim->publisher;
	(void)rci_publisher_end(p, claim->position, false); /* fenced or not: nothing is sent */
	p->fast.claimed = 0;
	claim->publisher = NULL;
	claim->data = NULL;
	return RC_OK;
}

int rc_publisher_source(const rc_publisher *p, struct rc_address *source, uint64_t *sequence)
{
	int result = p == NULL ? rci_fail(RC_ERROR_INVALID, "source: no publisher (NULL)") : rci_usable(p->domain);
	if (result != RC_OK)
		return result;
	if (source != NULL)
		*source = p->source;
	if (sequence != NULL)
		*sequence = p->fast.sequence;
	return RC_OK;
}
