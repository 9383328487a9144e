/* Waiting for a message, or for room: ring.md, 12. */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

#include "subscription.h"

/* Waking an idle core takes some 20 us of a bare machine and 100 to 200 us of a virtual one, so spinning that long
 * while traffic is recent is what sleeping would cost anyway. It must also outlast the instants at which a hypervisor
 * takes the publisher's core away. */
#define SPIN_LEAST UINT64_C(2000)
#define SPIN_MOST UINT64_C(200000)
/* Who reads what comes from another node spins no longer: its forwarder brings messages in batches, wakes once for each, and
 * wants the cores that spinning holds. */
#define SPIN_FAR UINT64_C(20000)
/* What tells that spinning longer would have been worth it: a sleep shorter than SOON_AGAIN, or one shorter than
 * BACKLOG_SOON behind which BACKLOG messages have come. */
#define SOON_AGAIN UINT64_C(100000)
#define BACKLOG_SOON (2 * SPIN_MOST)
/* How to look again: at first without a pause, then with one each, still without reading the clock; then by the clock. */
#define HOT_LOOKS 64
#define COOL_LOOKS 64
#define CLOCK_LOOKS 8
/* Who was away for longer than it would spin, giving way, does not give way in the next of these waits. */
#define BUSY_WAITS 64
/* Messages taken without a wait between come in a stream; then the publisher is let run ahead. */
#define STREAM 4
#define PAUSES_FIRST 3
#define PAUSES_AHEAD 40
/* So many waits in a row for one message alone are for answers: then only each ANSWER_LOOK-th looks whether they come in a stream. */
#define ANSWERS 64
#define ANSWER_LOOK 16
/* Nobody sleeps longer without a look; with a writer in the way it is the second. */
#define LONGEST_SLEEP UINT64_C(100000000)
#define STUCK_SLEEP UINT64_C(1000000)

static uint64_t deadline_of(uint64_t now, int64_t timeout)
{
	return timeout < 0 || (uint64_t)timeout > UINT64_MAX - now ? UINT64_MAX : now + (uint64_t)timeout;
}

static void pause_for(int times)
{
	while (times-- > 0)
		cpu_pause();
}

/* Whether whom we wait for needs our core. */
static bool one_core(void)
{
	static int cores;
	if (load_relaxed(&cores) == 0)
		store_relaxed(&cores, sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1);
	return load_relaxed(&cores) == 1;
}

/* Gives the core to whoever wants it between looks. */
static int yield(uint64_t until, const struct waiter *w)
{
	do {
		for (int i = 0; i < CLOCK_LOOKS; i++) {
			(void)sched_yield();
			int result = w->look(w->argument);
			if (result != RC_NOTHING)
				return result;
		}
	} while (rci_now() < until);
	return RC_NOTHING;
}

/* The system may have put whom we woke on our core, or us on the core of who woke us and waits for our answer: it would stay
 * there until our spinning is over. So behind a waking the core is given up once, unless somebody else takes it for long. Who
 * waits for less than SPIN_MOST keeps it: a turn of another program is longer. */
static void give_way_once(void)
{
	static _Thread_local unsigned busy;
	if (!rci_beside_a_waking() || (busy > 0 && busy-- > 0))
		return;
	uint64_t before = rci_now();
	(void)sched_yield();
	if (rci_now() - before > SPIN_MOST)
		busy = BUSY_WAITS;
}

/* Looks again and again until the time is up. */
static int spin(uint64_t until, const struct waiter *w, bool gives_way)
{
	for (int i = 0; w->hint != NULL && i < HOT_LOOKS + COOL_LOOKS; i++) {
		int result = w->hint(w->argument) ? w->look(w->argument) : RC_NOTHING;
		if (result != RC_NOTHING) /* it may be a part of a message, or nothing for us */
			return result;
		pause_for(i >= HOT_LOOKS);
	}
	if (gives_way)
		give_way_once();
	do {
		for (int i = 0; i < CLOCK_LOOKS; i++) {
			int result = w->hint != NULL && i > 0 && !w->hint(w->argument) ? RC_NOTHING : w->look(w->argument);
			if (result != RC_NOTHING)
				return result;
			pause_for(4);
		}
	} while (rci_now() < until);
	return RC_NOTHING;
}

uint64_t rci_spin_learn(uint64_t spin_ns, uint64_t took, bool ready, bool many)
{
	bool worth = (took < SOON_AGAIN && ready) || (took < BACKLOG_SOON && many);
	spin_ns = worth ? spin_ns * 2 : spin_ns / 2;
	return spin_ns > SPIN_MOST ? SPIN_MOST : spin_ns < SPIN_LEAST ? SPIN_LEAST : spin_ns;
}

/* Sleeps once, and learns from it. What has come is counted before look takes it. */
static int sleep_once(rc_domain *d, uint64_t deadline, uint64_t *spin_ns, const struct waiter *w)
{
	uint32_t bell = rci_bell(d); /* pairs(doorbell) */
	w->prepare(w->argument);
	int result = w->look(w->argument);
	uint64_t now = rci_now();
	if (result != RC_NOTHING)
		return result;
	if (now >= deadline)
		return RC_TIMED_OUT;
	uint64_t rest = deadline - now, nap = w->nap(w->argument);
	rci_sleep_on_bell(d, bell, rest < nap ? rest : nap);
	uint64_t took = rci_now() - now;
	bool many = w->many != NULL && took < BACKLOG_SOON && w->many(w->argument);
	result = w->look(w->argument);
	*spin_ns = rci_spin_learn(*spin_ns, took, result != RC_NOTHING, many);
	return result;
}

int rci_wait_for(rc_domain *d, int64_t timeout, uint64_t *spin_ns, const struct waiter *w)
{
	int result = w->look(w->argument);
	if (result != RC_NOTHING || timeout == 0)
		return result == RC_NOTHING ? RC_TIMED_OUT : result;
	uint64_t now = rci_now(), deadline = deadline_of(now, timeout);
	if (*spin_ns == 0)
		*spin_ns = SPIN_MOST;
	if (d->wait != RC_WAIT_BLOCK) {
		result = d->wait == RC_WAIT_YIELD || one_core() ? yield(deadline, w) : spin(deadline, w, false);
		return result == RC_NOTHING ? RC_TIMED_OUT : result;
	}
	if (!one_core()) {
		uint64_t until = now + *spin_ns;
		result = spin(until < deadline ? until : deadline, w, deadline - now >= SPIN_MOST);
	}
	while (result == RC_NOTHING)
		result = sleep_once(d, deadline, spin_ns, w);
	return result;
}

/* What one of several waits for. */
struct several {
	rc_subscription *const *subscriptions;
	size_t count, first, ready;
	rc_received *received; /* NULL: only look */
	bool blind; /* a producer may not see that we sleep */
};

static int take_one(void *argument)
{
	struct several *w = argument;
	rc_subscription *s = w->subscriptions[0];
	/* First as the short way does, which is what stands between an answer and its reading. */
	return rc_inline_next(&s->fast, w->received) ? RC_OK : rci_subscription_take(s, w->received);
}

/* The same of one topic alone, by whoever spins or sleeps: what lies behind an answer's first line is asked for at once. */
static int take_alone(void *argument)
{
	const struct several *w = argument;
	const struct reader *d = &w->subscriptions[0]->first->reader;
	if (d->single > ANSWERS)
		rci_reader_ask(d);
	return take_one(argument);
}

static void prepare_all(void *argument)
{
	struct several *w = argument;
	w->blind = rci_streams_leave_word(w->subscriptions, w->count);
}

/* With a writer in the way of any, sleep is short: somebody has to ask whether he lives.
 * So it is where a producer may not see that we sleep. */
static uint64_t nap_of(void *argument)
{
	const struct several *w = argument;
	for (size_t i = 0; i < w->count; i++)
		for (const struct stream *s = w->subscriptions[i]->first; s != NULL; s = s->next)
			if (rci_stream_waits_for_others(s))
				return STUCK_SLEEP;
	return w->blind ? STUCK_SLEEP : LONGEST_SLEEP;
}

static bool many_of(void *argument)
{
	const struct several *w = argument;
	return rci_streams_backlog(w->subscriptions, w->count);
}

static bool hint_one(void *argument)
{
	const struct several *w = argument;
	return rci_reader_hint(&w->subscriptions[0]->first->reader, 0);
}

/* Pauses where messages come in a stream: a reader right behind its publisher takes each line from it just
 * when it is being written, and both then go at the pace of the lines. A stream is where messages came one
 * behind the other, or two are there by now: an answer is alone. */
static void let_run_ahead(struct reader *d)
{
	if (d->burst < STREAM) {
		if (++d->single > ANSWERS && d->single % ANSWER_LOOK != 0)
			return;
		pause_for(PAUSES_FIRST);
		if (!rci_reader_hint(d, 0) || !rci_reader_hint(d, 1))
			return;
	}
	d->burst = d->single = 0;
	pause_for(PAUSES_AHEAD);
}

/* Nothing is there. */
static int wait_long(rc_subscription *s, int64_t timeout, bool alone, rc_received *received)
{
	struct several w = {&s, 1, 0, 0, received, false};
	struct waiter waiter = {alone ? take_alone : take_one, alone ? hint_one : NULL, many_of, prepare_all, nap_of, &w};
	if (alone && timeout != 0 && !one_core())
		let_run_ahead(&s->first->reader);
	if (alone && (s->spin_ns == 0 || s->spin_ns > SPIN_FAR) && rci_reader_afar(&s->first->reader))
		s->spin_ns = SPIN_FAR;
	return rci_wait_for(s->domain, timeout, &s->spin_ns, &waiter);
}

int rc_subscription_wait(rc_subscription *s, int64_t timeout, rc_received *received)
{
	int result = rci_usable(s->domain);
	if (__builtin_expect(result != RC_OK, 0))
		return result;
	bool alone = !s->pattern && s->first->member == NULL && s->domain->wait != RC_WAIT_YIELD;
	if (alone)
		s->first->reader.sparing = timeout != 0; /* who waits looks again */
	result = rci_subscription_take(s, received);
	if (result == RC_NOTHING)
		result = wait_long(s, timeout, alone, received);
	if (alone)
		s->first->reader.sparing = false;
	return result;
}

/* Takes from one subscription and keeps what it has for the next poll. */
static int keep_one(rc_subscription *s)
{
	if (s->kept_valid)
		return RC_OK;
	int result = rci_subscription_take(s, &s->kept);
	rci_subscription_slow(s); /* what is kept comes first */
	s->kept_valid = result == RC_OK;
	return result;
}

static int look_at_all(void *argument)
{
	struct several *w = argument;
	for (size_t i = 0; i < w->count; i++) {
		size_t at = (w->first + i) % w->count;
		int result = keep_one(w->subscriptions[at]);
		if (result != RC_NOTHING) {
			w->ready = at;
			return result;
		}
	}
	return RC_NOTHING;
}

int rc_subscriptions_wait(rc_subscription *const *subscriptions, size_t count, int64_t timeout, size_t *ready)
{
	if (subscriptions == NULL || count == 0 || ready == NULL)
		return rci_fail(RC_ERROR_INVALID, "wait: no subscriptions");
	for (size_t i = 0; i < count; i++)
		if (subscriptions[i] == NULL)
			return rci_fail(RC_ERROR_INVALID, "wait: subscription %zu is NULL", i);
		else if (subscriptions[i]->domain != subscriptions[0]->domain)
			return rci_fail(RC_ERROR_INVALID, "wait: subscription %zu is of another domain", i);
	int result = rci_usable(subscriptions[0]->domain);
	if (result != RC_OK)
		return result;
	struct several w = {subscriptions, count, subscriptions[0]->turn, 0, NULL, false};
	struct waiter waiter = {look_at_all, NULL, many_of, prepare_all, nap_of, &w};
	result = rci_wait_for(subscriptions[0]->domain, timeout, &subscriptions[0]->spin_ns, &waiter);
	*ready = w.ready;
	subscriptions[0]->turn = w.ready + 1;
	return result;
}
