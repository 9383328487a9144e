/* Subscriptions: messaging.md, 4 and 5. */
#define _GNU_SOURCE
#include "subscription.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Messages from one topic of a pattern while others wait. */
#define TURN 64

static int check_group(const char *topic, const rc_subscription_config *config)
{
	if (config->reading != RC_READ_GROUP && config->group == NULL)
		return RC_OK;
	if (config->reading != RC_READ_GROUP)
		return rci_fail(RC_ERROR_INVALID, "subscribe: group \"%.40s\" without RC_READ_GROUP: a group has its own way of reading", config->group);
	if (!rci_group_name_valid(config->group))
		return rci_fail(RC_ERROR_INVALID, "subscribe: group \"%.40s\": want 1 to %d of A-Z a-z 0-9 _ -", config->group != NULL ? config->group : "", GROUP_NAME_LIMIT);
	if (rci_has_wildcard(topic))
		return rci_fail(RC_ERROR_INVALID, "subscribe: group %s of a pattern: a group is one topic's; join it for each topic", config->group);
	if (config->history != 0)
		return rci_fail(RC_ERROR_INVALID, "subscribe: group %s with history: a group goes on where it stands", config->group);
	return RC_OK;
}

static int check_config(const char *topic, const rc_subscription_config *config)
{
	if (config->reading > RC_READ_GROUP)
		return rci_fail(RC_ERROR_INVALID, "subscribe: unknown reading %u", (unsigned)config->reading);
	for (size_t i = 0; i < sizeof config->reserved / sizeof *config->reserved; i++)
		if (config->reserved[i] != 0)
			return rci_fail(RC_ERROR_INVALID, "subscribe: reserved field %zu is not zero", i);
	if (!rci_pattern_valid(topic))
		return rci_fail(RC_ERROR_NAME, "topic or pattern \"%.64s\": want letters, digits, _ and -, with dots between, at most %d bytes; of a pattern a part may be *, and the last one >", topic != NULL ? topic : "", RC_MAX_NAME);
	return check_group(topic, config);
}

/* back_of is how far back other nodes are asked. */
static uint32_t back_of(const rc_subscription *s)
{
	return s->history < UINT32_MAX ? (uint32_t)s->history : UINT32_MAX;
}

static int open_subscription(rc_subscription *s, const rc_subscription_config *config)
{
	int result = RC_OK;
	s->live = config->reading == RC_READ_LATEST;
	s->local_only = config->local_only;
	s->history = config->history;
	if (config->group != NULL)
		(void)snprintf(s->group, sizeof s->group, "%s", config->group);
	s->pattern = rci_has_wildcard(s->name);
	if (s->pattern) {
		result = rci_topics_watch(s->domain);
		if (result == RC_OK)
			rci_topics_look(s, false);
	} else {
		result = rci_stream_open(s, s->name, s->history, false, &s->first);
	}
	if (result == RC_OK)
		result = rci_interest_add(s->domain, s->name, false, s->local_only, s->live, back_of(s));
	s->interested = result == RC_OK;
	if (s->pattern && result == RC_OK)
		rci_topics_look(s, true); /* what has come before anybody could know of us */
	s->current = s->first;
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
	s->event.fd = -1;
	(void)snprintf(s->name, sizeof s->name, "%s", topic);
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

void rc_subscription_close(rc_subscription *s)
{
	if (s == NULL)
		return;
	rc_domain *domain = s->domain;
	rci_subscription_slow(s);
	rci_events_forget(domain, &s->event);
	rci_refused_forget(s);
	while (s->first != NULL) {
		struct stream *next = s->first->next;
		rci_stream_close(s->first);
		s->first = next;
	}
	if (s->interested && load_relaxed(&domain->forked) == 0)
		rci_interest_remove(domain, s->name, false, s->local_only, s->live, back_of(s));
	(void)pthread_mutex_lock(&domain->mutex);
	domain->open_handles--;
	if (s->mail)
		domain->inbox_open = false;
	(void)pthread_mutex_unlock(&domain->mutex);
	free(s);
}

/* Whose messages the short ways take. */
static struct stream *read_now(const rc_subscription *s) { return s->pattern ? s->current : s->first; }

/* Goes on to the next topic of a pattern. */
static void turn(rc_subscription *s)
{
	s->in_turn = 0;
	s->current = s->current != NULL && s->current->next != NULL ? s->current->next : s->first;
}

void rci_subscription_slow(rc_subscription *s)
{
	if (s->fast.version == 0)
		return;
	struct reader *d = &read_now(s)->reader;
	s->fast.version = 0;
	s->in_turn += (unsigned)(s->fast.cursor - d->cursor);
	rci_reader_at(d, s->fast.cursor);
}

/* Says how far the short ways may go now: those of a reader in place, of one topic; of a pattern until another one's turn comes. */
static void hasten(rc_subscription *s)
{
	struct rc_inline_subscription *f = &s->fast;
	const struct stream *now = read_now(s);
	const struct reader *d = &now->reader;
	const struct ring *r = now->ring;
	f->swift = rci_reader_swift(d);
	if (s->pattern && f->swift > d->cursor + TURN - s->in_turn)
		f->swift = d->cursor + TURN - s->in_turn;
	if (f->swift <= d->cursor)
		return;
	f->cursor = d->cursor;
	f->forked = &s->domain->forked;
	f->stride = r->stride;
	f->shift = r->shift;
	f->mask = r->mask;
	f->slots = r->slots;
	f->shown = &r->entries[d->entry].cursor;
	f->topic = now->topic;
	f->version = RC_INLINE_VERSION;
}

/* Takes from the topics in turn, at most TURN messages from one while others wait. */
static int take_pattern(rc_subscription *s, rc_received *out)
{
	uint32_t changes = rci_topics_changes(s->domain);
	if (changes != s->seen_topics) {
		s->seen_topics = changes;
		rci_topics_look(s, true);
	}
	if (__builtin_expect(s->refused != NULL, 0)) {
		int refused = rci_refused_tell(s);
		if (refused != RC_NOTHING)
			return refused;
	}
	if (s->in_turn >= TURN) {
		rci_stream_release(s->current); /* nobody looks at it for a while */
		turn(s);
	}
	for (const struct stream *begin = s->current != NULL ? s->current : s->first; begin != NULL;) {
		if (s->current == NULL)
			s->current = s->first;
		int result = s->current->failed ? RC_NOTHING : rci_stream_take(s->current, out);
		if (result == RC_OK) {
			s->in_turn++;
			hasten(s);
		} else if (result < 0)
			s->current->failed = true; /* told once */
		if (result != RC_NOTHING)
			return result;
		turn(s);
		if (s->current == begin)
			break;
	}
	return RC_NOTHING;
}

int rci_subscription_take(rc_subscription *s, rc_received *out)
{
	rci_subscription_slow(s);
	if (__builtin_expect(s->kept_valid, 0)) {
		s->kept_valid = false;
		*out = s->kept;
		return RC_OK;
	}
	if (__builtin_expect(s->pattern, 0))
		return take_pattern(s, out);
	int result = rci_stream_take(s->first, out);
	if (s->first->member == NULL)
		hasten(s);
	return result;
}

int rc_subscription_poll(rc_subscription *s, rc_received *received)
{
	int result = rci_usable(s->domain);
	if (__builtin_expect(result != RC_OK, 0))
		return result;
	result = rci_subscription_take(s, received);
	if (__builtin_expect(result == RC_NOTHING && s->event.fd >= 0, 0)) {
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
		rci_subscription_slow(s);
		s->kept = *received; /* it is still in hand, and comes again */
		s->kept_valid = true;
		return rci_fail(RC_ERROR_BUFFER, "message of %zu bytes: the buffer has %zu", received->size, capacity);
	}
	if (received->size != 0)
		memcpy(buffer, received->data, received->size);
	received->data = buffer != NULL ? buffer : received->data;
	if (s->group[0] == 0) /* a member's message is in hand until it is handled */
		rc_subscription_release(s);
	return RC_OK;
}

void rc_subscription_release(rc_subscription *s)
{
	if (rci_usable(s->domain) != RC_OK || s->kept_valid)
		return;
	rci_subscription_slow(s);
	for (struct stream *stream = s->first; stream != NULL; stream = stream->next)
		rci_stream_release(stream);
}
