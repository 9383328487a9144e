/* The short ways of ringcast.h: what a publisher and a subscription do with the common message, without a
 * call. Included by ringcast.h. Everything here is private: no program names it, and it changes with the
 * library.
 *
 * A handle begins with a struct of this file. Its first word is RC_INLINE_VERSION while the short ways may be
 * taken, and 0 while they may not; whatever else does not fit, too, goes to the library: a ring that is full
 * or given up, a message in pieces, an event, a claim that was taken. A program that was compiled with
 * another RC_INLINE_VERSION than its library's takes no short way, and is right all the same.
 *
 * RC_NO_INLINE leaves the functions away: every call is one. A compiler without GCC's atomic builtins gets that.
 */
#ifndef RINGCAST_INLINE_H
#define RINGCAST_INLINE_H

#include "ringcast.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef RC_INLINE_VERSION /* the tests have programs of another one */
#define RC_INLINE_VERSION 1u
#endif

/* Slots of more lines are not asked for before they are claimed. */
#define RC_INLINE_AHEAD 17u

/* The first of a publisher. */
struct rc_inline_publisher {
	uint32_t version;
	uint32_t exclusive;
	const int *forked;
	uint64_t swift;    /* positions below may be claimed without a look at the readers */
	uint64_t next;     /* exclusive: the tail, which only this publisher moves */
	uint64_t owner;    /* exclusive: its owner word */
	uint64_t sequence; /* of its last message */
	uint64_t position; /* of the open claim */
	uint32_t claimed;  /* a claim is open */
	uint32_t payload, stride, shift;
	uint64_t mask;
	uint8_t *slots;
	uint64_t *claims;
	const uint64_t *state; /* of the ring's header */
	struct rc_ring_control *control;
	uint64_t source[2];
	uint32_t schema, me;
};

/* The first of a subscription: of a reliable reader of one topic, who reads in place. */
struct rc_inline_subscription {
	uint32_t version;
	uint32_t stride, shift;
	const int *forked;
	uint64_t cursor; /* the next position */
	uint64_t swift;  /* positions below need no more than a look at `published` */
	uint64_t mask;
	const uint8_t *slots;
	uint64_t *shown; /* the cursor as publishers see it */
	const char *topic;
};

/* A claim that could not be ended, since it was taken: always RC_ERROR_FENCED. */
RC_API int rc_inline_fenced(rc_claim *claim);
/* Wakes who sleeps on the publisher's ring. */
RC_API void rc_inline_wake(rc_publisher *publisher);

#if !defined(__GNUC__) && !defined(RC_NO_INLINE)
#define RC_NO_INLINE
#endif

#ifndef RC_NO_INLINE

/* As in the library: ThreadSanitizer knows no fences, so in that build every order is seq_cst, and bytes that
 * others may look at meanwhile are stored one by one. */
#if defined(__SANITIZE_THREAD__)
#define RC_INLINE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RC_INLINE_TSAN 1
#endif
#endif
#ifdef RC_INLINE_TSAN
#define rc_inline_load(p, order) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define rc_inline_store(p, v, order) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define rc_inline_fence(order) ((void)0) /* the stores around it are seq_cst */
#else
#define rc_inline_load(p, order) __atomic_load_n((p), order)
#define rc_inline_store(p, v, order) __atomic_store_n((p), (v), order)
#define rc_inline_fence(order) __atomic_thread_fence(order)
#endif
#ifdef __cplusplus /* programs may have their compiler refuse casts of C */
#define rc_inline_as(type, p) reinterpret_cast<type>(p)
#define rc_inline_number(type, n) static_cast<type>(n)
#define rc_inline_none nullptr
#else
#define rc_inline_as(type, p) ((type)(p))
#define rc_inline_number(type, n) ((type)(n))
#define rc_inline_none NULL
#endif
/* Inlined wherever it is called: of what the caller does not look at nothing is stored then. */
#define rc_inline_always static inline __attribute__((always_inline))
#define rc_inline_likely(x) __builtin_expect(!!(x), 1)

/* Replaces exactly the word `old`; seq_cst. */
static inline bool rc_inline_cas(uint64_t *p, uint64_t old, uint64_t word)
{
	return __atomic_compare_exchange_n(p, &old, word, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static inline void rc_inline_copy(uint8_t *to, const void *from, size_t size)
{
#ifdef RC_INLINE_TSAN
	for (size_t i = 0; i < size; i++)
		rc_inline_store(to + i, (rc_inline_as(const uint8_t *, from))[i], __ATOMIC_RELAXED);
#else
	if (size != 0)
		__builtin_memcpy(to, from, size);
#endif
}

static inline uint8_t *rc_inline_slot(const struct rc_inline_publisher *p, uint64_t position)
{
	return p->slots + (position & p->mask) * p->stride;
}

/* Takes the next position, if nothing is in the way: ring.md, 4 and 10. */
rc_inline_always bool rc_inline_take(struct rc_inline_publisher *p, uint64_t *position)
{
	struct rc_ring_control *c = p->control;
	if (p->version != RC_INLINE_VERSION || p->claimed != 0 || *p->forked != 0)
		return false;
	if ((rc_inline_load(p->state, __ATOMIC_ACQUIRE) & RC_STATE_MASK) != RC_SEGMENT_STATE_READY) /* pairs(seal) */
		return false;
	if (p->exclusive != 0) {
		uint64_t t = p->next;
		if (t >= p->swift || rc_inline_load(&c->owner, __ATOMIC_ACQUIRE) != p->owner) /* pairs(exclusive) */
			return false;
		rc_inline_store(&c->tail, t + 1, __ATOMIC_RELEASE); /* pairs(tail) */
		rc_inline_fence(__ATOMIC_RELEASE);                  /* no store to the slot before it */
		p->next = t + 1;
		*position = t;
		return true;
	}
	uint64_t t = rc_inline_load(&c->tail, __ATOMIC_ACQUIRE), lap = (t >> p->shift) + 1; /* pairs(tail) */
	uint64_t *at = &p->claims[t & p->mask], word = rc_inline_load(at, __ATOMIC_ACQUIRE);  /* pairs(claim) */
	if (t >= p->swift || word >> 20 != lap - 1 || (word & 1) != 0) /* WRITING and QUARANTINED are odd */
		return false;
	if (!rc_inline_cas(at, word, lap << 20 | rc_inline_number(uint64_t, p->me) << 4 | RC_CLAIM_STATE_WRITING)) /* pairs(claim) */
		return false;
	rc_inline_fence(__ATOMIC_RELEASE); /* pairs(claim): no store to the payload before it */
	rc_inline_cas(&c->tail, t, t + 1); /* pairs(tail) */
	*position = t;
	return true;
}

/* Writes the header of a message that fits a slot. */
rc_inline_always void rc_inline_head(const struct rc_inline_publisher *p, uint8_t *slot, uint64_t start, uint64_t size, const rc_marks *marks)
{
	uint64_t *words = rc_inline_as(uint64_t *, slot);
	uint64_t flags = RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END, stamp = 0, schema = p->schema, content = 0;
	if (marks != rc_inline_none) {
		stamp = marks->timestamp_ns;
		content = marks->content;
		schema = marks->schema != 0 ? marks->schema : schema;
		flags |= stamp != 0 ? RC_MESSAGE_FLAG_TIMESTAMPED : 0u;
	}
	rc_inline_store(words + 1, start | size << 32, __ATOMIC_RELAXED);
	rc_inline_store(words + 2, p->source[0], __ATOMIC_RELAXED);
	rc_inline_store(words + 3, p->source[1], __ATOMIC_RELAXED);
	rc_inline_store(words + 4, p->sequence + 1, __ATOMIC_RELAXED);
	rc_inline_store(words + 5, stamp, __ATOMIC_RELAXED);
	rc_inline_store(words + 6, size | flags << 48, __ATOMIC_RELAXED);
	rc_inline_store(words + 7, schema | content << 40, __ATOMIC_RELAXED); /* kind 0: data */
}

/* Makes it visible; false: the claim was taken. */
rc_inline_always bool rc_inline_end(struct rc_inline_publisher *p, uint64_t t)
{
	uint64_t lap = (t >> p->shift) + 1;
	if (p->exclusive == 0) {
		uint64_t mine = lap << 20 | rc_inline_number(uint64_t, p->me) << 4;
		if (!rc_inline_likely(rc_inline_cas(&p->claims[t & p->mask], mine | RC_CLAIM_STATE_WRITING, mine | RC_CLAIM_STATE_READY))) /* pairs(commit) */
			return false;
	}
	/* Exclusive: who goes to sleep fences for us (ring.md, 12), or there is no short way. */
	rc_inline_store(rc_inline_as(uint64_t *, rc_inline_slot(p, t)), lap, __ATOMIC_RELEASE); /* pairs(publish) */
	p->sequence++;
	if (!rc_inline_likely(rc_inline_load(&p->control->reader_summary, __ATOMIC_SEQ_CST) == 0)) /* pairs(reader-mask) */
		rc_inline_wake(rc_inline_as(rc_publisher *, p));
	return true;
}

/* Asks for a line that is going to be written. For a processor of no name compilers make a load of
 * __builtin_prefetch(line, 1), which leaves the line with the reader, too; the store then asks for it again. */
static inline void rc_inline_own(const uint8_t *line)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*line));
#else
	__builtin_prefetch(line, 1);
#endif
}

/* Asks for the lines of the next slot, which the reader had last; of large slots for none: their own misses overlap. */
rc_inline_always void rc_inline_ahead(const struct rc_inline_publisher *p, uint64_t t)
{
	const uint8_t *slot = rc_inline_slot(p, t + 1);
	uint32_t lines = p->stride <= RC_INLINE_AHEAD * 64 ? p->stride : 0;
	for (uint32_t at = 0; at < lines; at += 64)
		rc_inline_own(slot + at);
}

rc_inline_always void rc_inline_claimed(struct rc_inline_publisher *p, uint64_t t, rc_claim *claim)
{
	claim->data = rc_inline_slot(p, t) + RC_SLOT_HEADER_SIZE;
	claim->capacity = p->payload;
	claim->publisher = rc_inline_as(rc_publisher *, p);
	claim->position = t;
}

static inline int rc_inline_publish(rc_publisher *publisher, const void *data, size_t size, int64_t timeout)
{
	struct rc_inline_publisher *p = rc_inline_as(struct rc_inline_publisher *, publisher);
	uint64_t t;
	if (!rc_inline_likely(size <= p->payload && (data != rc_inline_none || size == 0) && rc_inline_take(p, &t)))
		return rc_publisher_publish(publisher, data, size, timeout);
	uint8_t *slot = rc_inline_slot(p, t);
	rc_inline_head(p, slot, RC_SLOT_HEADER_SIZE, size, rc_inline_none);
	rc_inline_copy(slot + RC_SLOT_HEADER_SIZE, data, size);
	if (rc_inline_likely(rc_inline_end(p, t))) {
		rc_inline_ahead(p, t);
		return RC_OK;
	}
	rc_claim claim;
	rc_inline_claimed(p, t, &claim);
	rc_inline_fenced(&claim); /* nothing was sent: again */
	return rc_publisher_publish(publisher, data, size, timeout);
}

rc_inline_always int rc_inline_claim(rc_publisher *publisher, size_t size, int64_t timeout, rc_claim *claim)
{
	struct rc_inline_publisher *p = rc_inline_as(struct rc_inline_publisher *, publisher);
	uint64_t t;
	if (!rc_inline_likely(size <= p->payload && rc_inline_take(p, &t)))
		return rc_publisher_claim(publisher, size, timeout, claim);
	p->claimed = 1;
	p->position = t;
	rc_inline_claimed(p, t, claim);
	rc_inline_ahead(p, t);
	return RC_OK;
}

rc_inline_always int rc_inline_commit(rc_claim *claim, const void *data, size_t size, const rc_marks *marks)
{
	if (claim == rc_inline_none)
		return rc_claim_commit(claim, data, size, marks);
	struct rc_inline_publisher *p = rc_inline_as(struct rc_inline_publisher *, claim->publisher);
	size_t start = rc_inline_number(size_t, rc_inline_as(uintptr_t, data) - rc_inline_as(uintptr_t, claim->data));
	if (!rc_inline_likely(p != rc_inline_none && p->version == RC_INLINE_VERSION && p->claimed != 0 && claim->position == p->position && *p->forked == 0 &&
			start <= p->payload && size <= p->payload - start && (marks == rc_inline_none || marks->content <= RC_CONTENT_FLAT_BUFFER)))
		return rc_claim_commit(claim, data, size, marks);
	rc_inline_head(p, rc_inline_slot(p, claim->position), RC_SLOT_HEADER_SIZE + start, size, marks);
	if (!rc_inline_likely(rc_inline_end(p, claim->position)))
		return rc_inline_fenced(claim);
	p->claimed = 0;
	claim->publisher = rc_inline_none;
	claim->data = rc_inline_none;
	return RC_OK;
}

/* Makes a message of a slot: false for what is more than that, and for what does not fit the slot. */
rc_inline_always bool rc_inline_read(const struct rc_inline_subscription *s, const uint8_t *slot, rc_received *r)
{
	const uint64_t whole = RC_MESSAGE_FLAG_BEGIN | RC_MESSAGE_FLAG_END;
	const uint64_t *words = rc_inline_as(const uint64_t *, slot);
	/* Once: a broken publisher can still write there. Each word is a variable of its own: of an array compilers make
	 * a copy on the stack, of which they then load two words that they have just stored singly. */
	const uint64_t place = rc_inline_load(words + 1, __ATOMIC_RELAXED), node = rc_inline_load(words + 2, __ATOMIC_RELAXED);
	const uint64_t process = rc_inline_load(words + 3, __ATOMIC_RELAXED), sequence = rc_inline_load(words + 4, __ATOMIC_RELAXED);
	const uint64_t stamp = rc_inline_load(words + 5, __ATOMIC_RELAXED), said = rc_inline_load(words + 6, __ATOMIC_RELAXED);
	const uint64_t about = rc_inline_load(words + 7, __ATOMIC_RELAXED);
	uint64_t start = place & UINT32_MAX, size = place >> 32, flags = said >> 48;
	if ((flags & (whole | RC_MESSAGE_FLAG_ADDRESSED)) != whole || (about >> 32 & 0xff) >= RC_MESSAGE_KIND_EVENT)
		return false;
	if (start < RC_SLOT_HEADER_SIZE || start + size > s->stride)
		return false;
	r->type = RC_TYPE_MESSAGE;
	r->reason = 0;
	r->data = slot + start;
	r->size = rc_inline_number(size_t, size);
	__builtin_memcpy(&r->source, &node, sizeof node);
	__builtin_memcpy(rc_inline_as(uint8_t *, &r->source) + sizeof node, &process, sizeof process);
	r->sequence = sequence;
	r->position = s->cursor;
	r->timestamp_ns = (flags & RC_MESSAGE_FLAG_TIMESTAMPED) != 0 ? stamp : 0;
	r->schema = rc_inline_number(uint32_t, about);
	r->kind = rc_inline_number(uint8_t, about >> 32);
	r->content = rc_inline_number(uint8_t, about >> 40);
	r->flags = rc_inline_number(uint16_t, flags);
	r->first = r->last = r->count = 0;
	r->topic = s->topic;
	r->block = rc_inline_none;
	__builtin_memset(&r->taker, 0, sizeof r->taker);
	__builtin_memset(r->reserved, 0, sizeof r->reserved);
	return true;
}

/* Takes the next message if it is there, as is all that is needed for it: ring.md, 5. */
rc_inline_always bool rc_inline_next(struct rc_inline_subscription *s, rc_received *received)
{
	uint64_t c = s->cursor;
	if (s->version != RC_INLINE_VERSION || c >= s->swift || *s->forked != 0)
		return false;
	const uint8_t *slot = s->slots + (c & s->mask) * s->stride;
	if (rc_inline_load(rc_inline_as(const uint64_t *, slot), __ATOMIC_ACQUIRE) != (c >> s->shift) + 1) /* pairs(publish) */
		return false;
	if (!rc_inline_likely(rc_inline_read(s, slot, received)))
		return false;
	s->cursor = c + 1;
	return true;
}

rc_inline_always int rc_inline_poll(rc_subscription *subscription, rc_received *received)
{
	if (rc_inline_likely(rc_inline_next(rc_inline_as(struct rc_inline_subscription *, subscription), received)))
		return RC_OK;
	return rc_subscription_poll(subscription, received);
}

rc_inline_always int rc_inline_wait(rc_subscription *subscription, int64_t timeout, rc_received *received)
{
	if (rc_inline_likely(rc_inline_next(rc_inline_as(struct rc_inline_subscription *, subscription), received)))
		return RC_OK;
	return rc_subscription_wait(subscription, timeout, received);
}

static inline void rc_inline_release(rc_subscription *subscription)
{
	struct rc_inline_subscription *s = rc_inline_as(struct rc_inline_subscription *, subscription);
	if (rc_inline_likely(s->version == RC_INLINE_VERSION && *s->forked == 0))
		rc_inline_store(s->shown, s->cursor, __ATOMIC_RELEASE); /* pairs(cursor) */
	else
		rc_subscription_release(subscription);
}

#ifndef RC_INLINE_LIBRARY /* which defines the functions, and calls the short ways by their own names */
/* The address of a function is still the library's. */
#define rc_publisher_publish(publisher, data, size, timeout) rc_inline_publish(publisher, data, size, timeout)
#define rc_publisher_claim(publisher, size, timeout, claim) rc_inline_claim(publisher, size, timeout, claim)
#define rc_claim_commit(claim, data, size, marks) rc_inline_commit(claim, data, size, marks)
#define rc_subscription_poll(subscription, received) rc_inline_poll(subscription, received)
#define rc_subscription_wait(subscription, timeout, received) rc_inline_wait(subscription, timeout, received)
#define rc_subscription_release(subscription) rc_inline_release(subscription)
#endif

#endif

#ifdef __cplusplus
}
#endif

#endif
