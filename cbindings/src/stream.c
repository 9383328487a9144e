/* One topic of a subscription: its ring, its reader, and what stands in it (messaging.md, 4 and 5). */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post.h"
#include "subscription.h"

/* Joins the group in the successor before it leaves here. */
static int follow_as_member(struct stream *s, struct ring *ring)
{
	struct member next;
	rci_member_done(s->member);
	int result = rci_member_open(&next, ring, s->member->group->name, true);
	if (result != RC_OK)
		return result;
	(void)rci_member_leave(s->member);
	rci_member_close(s->member);
	rci_member_note_missed(&next, s->member->lost);
	*s->member = next;
	return RC_OK;
}

/* Opens the name again and goes on there: the ring was given up. */
static int follow(struct stream *s)
{
	struct ring *ring = NULL;
	int result = rci_ring_open(s->domain, s->path, &s->want, false, &ring);
	if (result != RC_OK)
		return result;
	struct ring *old = s->ring;
	if (s->member != NULL) {
		result = follow_as_member(s, ring);
		if (result != RC_OK) { /* it stays, and tries again */
			rci_ring_close(ring);
			return result == RCI_RETIRED ? RC_OK : result;
		}
	} else {
		result = rci_reader_follow(&s->reader, ring);
	}
	s->ring = ring;
	rci_ring_close(old);
	return result;
}

/* Joins; a ring that was replaced meanwhile is left for its successor at once. */
static int enter(struct stream *s, uint64_t history)
{
	int result = rci_reader_open(&s->reader, s->ring, s->live ? RC_ENTRY_MODE_LATEST : RC_ENTRY_MODE_RELIABLE, history);
	for (int i = 0; result == RC_OK && i < 10 && ring_retired(s->ring); i++)
		result = follow(s);
	return result;
}

/* Joins a queue group; a ring that was replaced meanwhile is left for its successor at once. */
static int enter_group(struct stream *s, const char *name)
{
	struct member *m = calloc(1, sizeof *m);
	int result = m == NULL ? rci_fail(RC_ERROR_NO_MEMORY, "group %s", name) : rci_member_open(m, s->ring, name, false);
	for (int i = 0; result == RCI_RETIRED && i < 10; i++) {
		rci_ring_close(s->ring);
		s->ring = NULL;
		result = rci_ring_open(s->domain, s->path, &s->want, false, &s->ring);
		if (result == RC_OK)
			result = rci_member_open(m, s->ring, name, false);
	}
	if (result == RC_OK) {
		s->member = m;
		return RC_OK;
	}
	free(m);
	return result == RCI_RETIRED ? rci_fail(RC_ERROR_IN_USE, "%s: is being replaced again and again", s->path) : result;
}

/* Gives the entry back, and those that replacers have made of it meanwhile. */
static void leave(struct stream *s)
{
	struct wish there = s->want;
	there.memory = NULL; /* nobody reads it */
	bool again = s->member != NULL ? rci_member_leave(s->member) : rci_reader_leave(&s->reader);
	for (int i = 0; again && i < 10; i++) {
		struct ring *ring = NULL;
		if (rci_ring_open(s->domain, s->path, &there, false, &ring) != RC_OK)
			return;
		if (s->member != NULL)
			rci_group_left_successor(s->member->group, ring);
		else
			rci_reader_leave_successor(&s->reader, ring);
		again = ring_retired(ring);
		rci_ring_close(ring);
	}
}

int rci_stream_open(rc_subscription *owner, const char *topic, uint64_t history, bool first, struct stream **stream)
{
	struct stream *s = calloc(1, sizeof *s);
	if (s == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "subscribe to %s", topic);
	s->domain = owner->domain;
	s->want.memory = &s->domain->memory;
	s->live = owner->live;
	(void)snprintf(s->topic, sizeof s->topic, "%s", topic);
	(void)snprintf(s->path, sizeof s->path, "%.*s/topics/%s", RCI_PATH - 512, s->domain->directory, topic);
	if (owner->mail)
		rci_mail_stream(s);
	int result = rci_ring_open(s->domain, s->path, &s->want, false, &s->ring);
	if (result == RC_OK && !s->mail)
		result = rci_name_kind(s->domain, topic, "services");
	if (result == RC_OK)
		result = owner->group[0] != 0 ? enter_group(s, owner->group) : enter(s, history);
	if (result != RC_OK) {
		rci_stream_close(s);
		return result;
	}
	if (first && s->reader.cursor == s->reader.history_end)
		s->reader.cursor = s->reader.empty_at = 0;
	*stream = s;
	return RC_OK;
}

void rci_stream_close(struct stream *s)
{
	if (s->member != NULL && load_relaxed(&s->domain->forked) == 0)
		rci_member_done(s->member); /* whoever closes has come to its end */
	if (s->ring != NULL)
		leave(s);
	if (s->member != NULL)
		rci_member_close(s->member);
	free(s->member);
	rci_reader_close(&s->reader);
	if (s->ring != NULL)
		rci_ring_close(s->ring);
	rci_assemble_free(&s->assembler);
	free(s);
}

static void clear(struct stream *s, rc_received *out, uint32_t type)
{
	memset(out, 0, sizeof *out);
	out->type = type;
	out->topic = s->topic;
	out->data = "";
}

static void tell_lagged(struct stream *s, rc_received *out, uint64_t first, uint64_t count)
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
static inline bool tell_message(struct stream *s, const struct view *view, rc_received *out)
{
	const struct rc_slot_header *h = &view->header;
	clear(s, out, RC_TYPE_MESSAGE);
	if (__builtin_expect((h->flags & RC_MESSAGE_FLAG_ADDRESSED) != 0 || s->mail, 0)) {
		if (s->mail && !rci_mail_is_ours(s->domain, view))
			return false;
		s->block = view->block;
		out->block = &s->block;
	}
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
static int take_fragment(struct stream *s, struct view *view, rc_received *out)
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
static int go_on(struct stream *s, rc_received *out)
{
	struct ring *old = s->ring;
	uint64_t tail = load_acquire(&old->control->tail), first = s->member != NULL ? s->member->next : s->reader.cursor;
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

static int tell_abandoned(struct stream *s, const struct report *report, rc_received *out)
{
	clear(s, out, RC_TYPE_ABANDONED);
	out->taker = report->taker;
	out->source = report->source;
	out->sequence = report->sequence;
	out->position = out->first = out->last = report->position;
	out->count = 1;
	return RC_OK;
}

/* What a reader or a member finds besides messages: RC_NOTHING to look on. */
static int take_other(struct stream *s, int found, const struct view *view, rc_received *out)
{
	switch (found) {
	case READ_LAGGED:
		tell_lagged(s, out, view->position, view->missed);
		return RC_OK;
	case READ_BAD:
		clear(s, out, RC_TYPE_DAMAGED);
		out->position = out->first = out->last = view->position;
		out->count = 1;
		return RC_OK;
	case READ_RETIRED:
		return go_on(s, out);
	case READ_HELD:
		return rci_fail(RC_ERROR_BUSY, "%s: messages that are kept hold a quarter of its %u slots: drop them before you read on", s->topic, (unsigned)s->ring->slot_count);
	default:
		return RC_ERROR_READERS_FULL;
	}
}

/* A member's message is never a fragment. */
static int take_as_member(struct stream *s, rc_received *out)
{
	struct view view;
	struct report report;
	for (unsigned passed = 0; passed < 1024; passed++) {
		int found = rci_member_next(s->member, &view, &report), result = RC_NOTHING;
		if (found == READ_NOTHING)
			return RC_NOTHING;
		if (found == READ_MESSAGE)
			result = tell_message(s, &view, out) ? RC_OK : RC_NOTHING;
		else if (found == READ_ABANDONED)
			result = tell_abandoned(s, &report, out);
		else
			result = take_other(s, found, &view, out);
		if (result != RC_NOTHING)
			return result;
	}
	return RC_NOTHING;
}

static int take_as_reader(struct stream *s, rc_received *out)
{
	struct view view;
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
		} else {
			result = take_other(s, found, &view, out);
		}
		if (result != RC_NOTHING)
			return result;
	}
	return RC_NOTHING;
}

int rci_stream_take(struct stream *s, rc_received *out)
{
	return __builtin_expect(s->member == NULL, 1) ? take_as_reader(s, out) : take_as_member(s, out);
}

void rci_stream_release(struct stream *s)
{
	if (s->member != NULL)
		rci_member_done(s->member);
	else
		rci_reader_release(&s->reader);
}

bool rci_stream_waits_for_others(const struct stream *s)
{
	return s->member != NULL ? s->member->suspect != 0 || s->member->eyes.stuck : s->reader.stuck;
}

bool rci_streams_backlog(rc_subscription *const *subscriptions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (const struct stream *s = subscriptions[i]->first; s != NULL; s = s->next)
			if (s->member == NULL && rci_reader_backlog(&s->reader))
				return true;
	return false;
}

bool rci_streams_leave_word(rc_subscription *const *subscriptions, size_t count)
{
	bool unfenced = false;
	for (size_t i = 0; i < count; i++) {
		rci_subscription_slow(subscriptions[i]);
		for (struct stream *s = subscriptions[i]->first; s != NULL; s = s->next) {
			if (s->member != NULL && !s->member->ended)
				rci_member_look_round(s->member);
			unfenced |= rci_reader_leave_word(s->member != NULL ? &s->member->eyes : &s->reader);
		}
	}
	return unfenced && !rci_sleep_fence(); /* one for all rings */
}
