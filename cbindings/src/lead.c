/* Waiting at the desk: one of those who wait reads for all. */
#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#include "desk.h"
#include "subscription.h"

/* Who has requests open asks so often whether those who run them live. */
#define REVIEW UINT64_C(10000000)
#define IDLE_SLEEP UINT64_C(100000000)
#define STUCK_SLEEP UINT64_C(1000000)
/* Messages read in one look. */
#define LOOK_MOST 1024

bool rci_party_call(const struct party *p) { return p->call->settled || p->call->first != NULL; }

void rci_party_begin(struct party *p, struct desk *k, rc_future *call)
{
	pthread_condattr_t clock;
	memset(p, 0, sizeof *p);
	p->desk = k;
	p->call = call;
	p->ready = rci_party_call;
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->told, &clock);
	(void)pthread_condattr_destroy(&clock);
}

void rci_party_end(struct party *p) { (void)pthread_cond_destroy(&p->told); }

uint64_t rci_deadline(int64_t timeout)
{
	uint64_t now = rci_now();
	return timeout < 0 || (uint64_t)timeout > UINT64_MAX - now ? UINT64_MAX : now + (uint64_t)timeout;
}

/* Whoever leads, for whom. */
struct lead {
	struct desk *desk;
	struct party *party;
	int error;
	bool blind;
};

/* Looks at what is new besides messages; true: the party has what it waits for. */
static bool tidy(struct lead *l)
{
	struct desk *k = l->desk;
	desk_lock(k);
	store_seq(&k->news, 0);
	rci_desk_expire(k);
	rci_desk_bury(k);
	bool ready = l->party->ready(l->party);
	desk_unlock(k);
	return ready;
}

static bool deliver(struct lead *l, const struct view *v)
{
	struct desk *k = l->desk;
	desk_lock(k);
	k->leader = NULL; /* he needs no waking */
	rci_desk_deliver(k, v);
	k->leader = l->party;
	bool ready = l->party->ready(l->party);
	desk_unlock(k);
	return ready;
}

/* The ring was damaged, or there is none since then: its answers are lost, and their callers have their deadlines. */
static int reopen(struct desk *k)
{
	desk_lock(k);
	if (k->ring != NULL) {
		(void)rci_reader_leave(&k->reader);
		rci_reader_close(&k->reader);
		rci_ring_close(k->ring);
		k->ring = NULL;
	}
	for (size_t i = 0; i < k->dying_count; i++)
		k->dying[i].tail = 0; /* of the old ring nothing is read any more */
	store_seq(&k->news, 1);
	int result = rci_desk_ring(k);
	desk_unlock(k);
	return result;
}

/* Reads what is there: RC_OK, the party has what it waits for; RC_NOTHING. */
static int read_all(struct lead *l)
{
	struct desk *k = l->desk;
	struct view view;
	if (k->ring == NULL && (l->error = reopen(k)) != RC_OK)
		return l->error;
	for (unsigned i = 0; i < LOOK_MOST; i++) {
		if (load_acquire(&k->news) != 0 && tidy(l))
			return RC_OK;
		switch (rci_reader_next(&k->reader, &view)) {
		case READ_MESSAGE:
			if (deliver(l, &view))
				return RC_OK;
			break;
		case READ_NOTHING:
			return RC_NOTHING;
		case READ_RETIRED:
			l->error = reopen(k);
			if (l->error != RC_OK)
				return l->error;
			break;
		case READ_ERROR:
			return RC_ERROR_READERS_FULL;
		default: /* put out after an hour: what was there is late */
			break;
		}
	}
	return RC_NOTHING;
}

static int look(void *argument)
{
	struct lead *l = argument;
	struct desk *k = l->desk;
	int result = read_all(l);
	if (result != RC_NOTHING || load_relaxed(&k->open) == 0)
		return result;
	uint64_t now = rci_now(), due = load_relaxed(&k->due);
	if (due != 0 && now >= due && tidy(l))
		return RC_OK;
	if (now - load_relaxed(&k->reviewed) >= REVIEW) {
		rci_desk_review(k);
		return read_all(l);
	}
	return RC_NOTHING;
}

static bool hint(void *argument)
{
	const struct lead *l = argument;
	return load_relaxed(&l->desk->news) != 0 || rci_reader_hint(&l->desk->reader, 0);
}

static bool many(void *argument)
{
	const struct lead *l = argument;
	return rci_reader_backlog(&l->desk->reader);
}

static void prepare(void *argument)
{
	struct lead *l = argument;
	l->blind = rci_reader_leave_word(&l->desk->reader) && !rci_sleep_fence();
}

static uint64_t nap_of(void *argument)
{
	const struct lead *l = argument;
	const struct desk *k = l->desk;
	if (l->blind || k->reader.stuck)
		return STUCK_SLEEP;
	if (load_relaxed(&k->open) == 0)
		return IDLE_SLEEP;
	uint64_t due = load_relaxed(&k->due), now = rci_now();
	return due == 0 || due > now + REVIEW ? REVIEW : due > now ? due - now : 0;
}

/* Reads for all until the party has what it waits for. */
static int lead(struct desk *k, struct party *p, uint64_t deadline)
{
	struct lead l = {k, p, RC_OK, false};
	struct waiter waiter = {look, hint, many, prepare, nap_of, &l};
	uint64_t now = rci_now();
	int64_t timeout = deadline == UINT64_MAX ? RC_FOREVER : deadline > now ? (int64_t)(deadline - now) : 0;
	return rci_wait_for(k->domain, timeout, &k->spin_ns, &waiter);
}

/* Has one of those who are parked lead, if nobody does; an event loop has to look if there are none. */
static void pass(struct desk *k)
{
	if (k->led)
		return;
	if (k->first != NULL)
		(void)pthread_cond_signal(&k->first->told);
	else if (k->open != 0)
		rci_events_show(&k->source);
}

/* Waits until another says that there is something, or that it is our turn to lead. */
static void park(struct desk *k, struct party *p, uint64_t deadline)
{
	const struct timespec t = {(time_t)(deadline / UINT64_C(1000000000)), (long)(deadline % UINT64_C(1000000000))};
	p->parked = true;
	p->next = NULL;
	p->previous = k->last;
	*(k->last != NULL ? &k->last->next : &k->first) = p;
	k->last = p;
	if (deadline / UINT64_C(1000000000) > INT32_MAX)
		(void)pthread_cond_wait(&p->told, &k->mutex);
	else
		(void)pthread_cond_timedwait(&p->told, &k->mutex, &t);
	*(p->previous != NULL ? &p->previous->next : &k->first) = p->next;
	*(p->next != NULL ? &p->next->previous : &k->last) = p->previous;
	p->parked = false;
}

int rci_desk_await(struct desk *k, struct party *p, uint64_t deadline)
{
	for (bool looked = false;; looked = true) {
		int result = RC_OK;
		if (p->ready(p))
			break;
		if (looked && rci_now() >= deadline)
			return pass(k), RC_TIMED_OUT;
		if (k->led) {
			park(k, p, deadline);
			continue;
		}
		k->led = true;
		k->leader = p;
		desk_unlock(k);
		result = lead(k, p, deadline);
		desk_lock(k);
		k->led = false;
		k->leader = NULL;
		if (result < 0)
			return pass(k), result;
	}
	pass(k);
	return RC_OK;
}
