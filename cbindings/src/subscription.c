/* Subscriptions: messaging.md, 4 and 5. */
#define _GNU_SOURCE
#include "subscription.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_config(const char *topic, const rc_subscription_config *config)
{
	if (config->reading > RC_READ_GROUP)
		return rci_fail(RC_ERROR_INVALID, "subscribe: unknown reading %u", (unsigned)config->reading);
	for (size_t i = 0; i < sizeof config->reserved / sizeof *config->reserved; i++)
		if (config->reserved[i] != 0)
			return rci_fail(RC_ERROR_INVALID, "subscribe: reserved field %zu is not zero", i);
	if (config->reading == RC_READ_GROUP || config->group != NULL)
		return rci_fail(RC_ERROR_UNSUPPORTED, "subscribe: queue groups are not built yet");
	if (topic != NULL && rci_pattern_valid(topic) && rci_has_wildcard(topic))
		return rci_fail(RC_ERROR_UNSUPPORTED, "subscribe to \"%s\": patterns are not built yet: subscribe to each topic", topic);
	if (!rci_name_valid(topic))
		return rci_fail(RC_ERROR_NAME, "topic \"%.64s\": want letters, digits, _ and -, with dots between, at most %d bytes", topic != NULL ? topic : "", RC_MAX_NAME);
	return RC_OK;
}

/* Opens the name again and goes on there: the ring was given up. */
static int follow(rc_subscription *s)
{
	const struct shape any = {0};
	struct ring *ring = NULL;
	int result = rci_ring_open(s->domain, s->path, &any, false, &ring);
	if (result != RC_OK)
		return result;
	struct ring *old = s->ring;
	result = rci_reader_follow(&s->reader, ring);
	s->ring = ring;
	rci_ring_close(old);
	return result;
}

/* Joins; a ring that was replaced meanwhile is left for its successor at once. */
static int enter(rc_subscription *s, uint64_t history)
{
	int result = rci_reader_open(&s->reader, s->ring, s->live ? RC_ENTRY_MODE_LATEST : RC_ENTRY_MODE_RELIABLE, history);
	for (int i = 0; result == RC_OK && i < 10 && ring_retired(s->ring); i++)
		result = follow(s);
	return result;
}

static int open_subscription(rc_subscription *s, const rc_subscription_config *config)
{
	const struct shape any = {0};
	s->live = config->reading == RC_READ_LATEST;
	s->local_only = config->local_only;
	int n = snprintf(s->path, sizeof s->path, "%.*s/topics/%s", RCI_PATH - 512, s->domain->directory, s->topic);
	int result = n > 0 ? rci_ring_open(s->domain, s->path, &any, false, &s->ring) : RC_ERROR_INVALID;
	if (result == RC_OK)
		result = enter(s, config->history);
	if (result == RC_OK)
		result = rci_interest_add(s->domain, s->topic, false, s->local_only, s->live);
	s->interested = result == RC_OK;
	return result;
}

int rc_subscription_open(rc_domain *domain, const char *topic, const rc_subscription_config *config, rc_subscription **subscription)
{
	rc_subscription_config zero;
	memset(&zero, 0, sizeof zero);
	if (config == NULL)
		config = &zero;
	if (domain == NULL || subscription == NULL)
		return rci_fail(RC_ERROR_INVALID, "subscribe: NULL");
	*subscription = NULL;
	int result = rci_usable(domain);
	if (result == RC_OK)
		result = check_config(topic, config);
	if (result != RC_OK)
		return result;
	rc_subscription *s = calloc(1, sizeof *s);
	if (s == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "subscribe to %s", topic);
	s->domain = domain;
	s->event_fd = -1;
	(void)snprintf(s->topic, sizeof s->topic, "%s", topic);
	(void)pthread_mutex_lock(&domain->mutex);
	domain->open_handles++;
	(void)pthread_mutex_unlock(&domain->mutex);
	result = open_subscription(s, config);
	if (result != RC_OK)
		rc_subscription_close(s);
	else
		*subscription = s;
	return result;
}

/* Gives the entry back, and those that replacers have made of it meanwhile. */
static void leave(rc_subscription *s)
{
	const struct shape any = {0};
	bool again = rci_reader_leave(&s->reader);
	for (int i = 0; again && i < 10; i++) {
		struct ring *ring = NULL;
		if (rci_ring_open(s->domain, s->path, &any, false, &ring) != RC_OK)
			return;
		rci_reader_leave_successor(&s->reader, ring);
		again = ring_retired(ring);
		rci_ring_close(ring);
	}
}

void rc_subscription_close(rc_subscription *s)
{
	if (s == NULL)
		return;
	rc_domain *domain = s->domain;
	rci_events_forget(s);
	if (s->ring != NULL)
		leave(s);
	rci_reader_close(&s->reader);
	if (s->ring != NULL)
		rci_ring_close(s->ring);
	if (s->interested && load_relaxed(&domain->forked) == 0)
		rci_interest_remove(domain, s->topic, false, s->local_only, s->live);
	rci_assemble_free(&s->assembler);
	(void)pthread_mutex_lock(&domain->mutex);
	domain->open_handles--;
	(void)pthread_mutex_unlock(&domain->mutex);
	free(s);
}

static void clear(rc_subscription *s, rc_received *out, uint32_t type)
{
	memset(out, 0, sizeof *out);
	out->type = type;
	out->topic = s->topic;
	out->data = "";
}

static void tell_lagged(rc_subscription *s, rc_received *out, uint64_t first, uint64_t count)
{
	rci_assemble_drop(&s->assembler);
	clear(s, out, RC_TYPE_LAGGED);
	out->position = out->first = first;
	out->count = count;
	out->last = first + count - 1;
}

/* An event of the forwarder's, as its payload says; false for what nobody knows. */
static bool tell_event(rc_received *out)
{
	struct rc_event_record e;
	if (out->size < sizeof e)
		return false;
	memcpy(&e, out->data, sizeof e);
	if (e.code != RC_EVENT_CODE_LOSS && e.code != RC_EVENT_CODE_EPOCH && e.code != RC_EVENT_CODE_DOWN)
		return false;
	out->type = e.code == RC_EVENT_CODE_LOSS ? RC_TYPE_LOSS : e.code == RC_EVENT_CODE_EPOCH ? RC_TYPE_EPOCH : RC_TYPE_DOWN;
	out->source = e.source;
	out->reason = e.reason;
	out->first = e.first;
	out->last = e.last;
	out->count = e.last - e.first + 1;
	return true;
}

/* Hands a whole message out; false if it is none of the user's business. */
static inline bool tell_message(rc_subscription *s, const struct view *view, rc_received *out)
{
	const struct rc_slot_header *h = &view->header;
	clear(s, out, RC_TYPE_MESSAGE);
	out->data = view->payload;
	out->size = h->payload_length;
	out->source = h->producer;
	out->sequence = h->sequence;
	out->position = view->position;
	out->timestamp_ns = (h->flags & RC_MESSAGE_FLAG_TIMESTAMPED) != 0 ? h->timestamp_ns : 0;
	out->schema = h->schema_hash;
	out->kind = h->kind;
	out->content = h->content;
	out->flags = h->flags;
	if (__builtin_expect(h->kind == RC_MESSAGE_KIND_EVENT, 0))
		return tell_event(out);
	return h->kind != RC_MESSAGE_KIND_SYSTEM;
}

/* A fragment: RC_NOTHING if there is nothing to tell yet. */
static int take_fragment(rc_subscription *s, struct view *view, rc_received *out)
{
	switch (rci_assemble(&s->assembler, view, s->ring->slot_count, rci_message_limit(&s->ring->shape))) {
	case ASSEMBLED_WHOLE:
		return tell_message(s, view, out) ? RC_OK : RC_NOTHING;
	case ASSEMBLED_NO_PLACE:
		clear(s, out, RC_TYPE_LAGGED);
		out->position = out->first = out->last = view->position;
		out->count = 1;
		return RC_OK;
	default:
		return RC_NOTHING;
	}
}

/* The ring was given up: goes on in its successor, and tells what was not read of a damaged one. */
static int go_on(rc_subscription *s, rc_received *out)
{
	struct ring *old = s->ring;
	uint64_t tail = load_acquire(&old->control->tail), first = s->reader.cursor;
	bool damaged = load_acquire(&old->header->state) == RC_SEGMENT_STATE_RETIRED || ring_written(old);
	int result = follow(s);
	if (result != RC_OK)
		return result;
	if (!damaged || tail <= first || tail - first > 2 * s->ring->slot_count + (UINT64_C(1) << 20)) {
		rci_assemble_drop(&s->assembler);
		return RC_NOTHING;
	}
	tell_lagged(s, out, first, tail - first);
	return RC_OK;
}

int rci_subscription_take(rc_subscription *s, rc_received *out)
{
	struct view view;
	if (__builtin_expect(s->kept_valid, 0)) {
		s->kept_valid = false;
		*out = s->kept;
		return RC_OK;
	}
	for (unsigned passed = 0; passed < 1024; passed++) {
		int found = rci_reader_next(&s->reader, &view), result = RC_NOTHING;
		if (__builtin_expect(found == READ_MESSAGE, 1)) {
			const uint16_t whole = RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END;
			if (__builtin_expect((view.header.flags & whole) == whole, 1))
				result = tell_message(s, &view, out) ? RC_OK : RC_NOTHING;
			else
				result = take_fragment(s, &view, out);
		} else if (found == READ_NOTHING) {
			return RC_NOTHING;
		} else if (found == READ_LAGGED) {
			tell_lagged(s, out, view.position, view.missed);
			return RC_OK;
		} else if (found == READ_BAD) {
			clear(s, out, RC_TYPE_DAMAGED);
			out->position = out->first = out->last = view.position;
			out->count = 1;
			return RC_OK;
		} else if (found == READ_RETIRED) {
			result = go_on(s, out);
		} else {
			return RC_ERROR_READERS_FULL;
		}
		if (result != RC_NOTHING)
			return result;
	}
	return RC_NOTHING;
}

int rc_subscription_poll(rc_subscription *s, rc_received *received)
{
	int result = rci_usable(s->domain);
	if (__builtin_expect(result != RC_OK, 0))
		return result;
	result = rci_subscription_take(s, received);
	if (__builtin_expect(result == RC_NOTHING && s->event_fd >= 0, 0)) {
		rci_events_arm(s);
		result = rci_subscription_take(s, received);
	}
	return result;
}

int rc_subscription_read(rc_subscription *s, void *buffer, size_t capacity, int64_t timeout, rc_received *received)
{
	if (buffer == NULL && capacity != 0)
		return rci_fail(RC_ERROR_INVALID, "read: no buffer");
	int result = timeout == 0 ? rc_subscription_poll(s, received) : rc_subscription_wait(s, timeout, received);
	if (result != RC_OK || received->type != RC_TYPE_MESSAGE)
		return result;
	if (received->size > capacity) {
		s->kept = *received; /* it is still in hand, and comes again */
		s->kept_valid = true;
		return rci_fail(RC_ERROR_BUFFER, "message of %zu bytes: the buffer has %zu", received->size, capacity);
	}
	if (received->size != 0)
		memcpy(buffer, received->data, received->size);
	received->data = buffer != NULL ? buffer : received->data;
	rc_subscription_release(s);
	return RC_OK;
}

void rc_subscription_release(rc_subscription *s)
{
	if (rci_usable(s->domain) == RC_OK && !s->kept_valid)
		rci_reader_release(&s->reader);
}
