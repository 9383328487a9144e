/* Waiting for a message, or for room: ring.md, 12. */
#define _GNU_SOURCE
#include <sched.h>

#include "subscription.h"

/* While traffic is recent a look costs less than sleep: some tens of microseconds of them. */
#define SPIN_NS UINT64_C(20000)
#define SPIN_LOOKS 16
/* Nobody sleeps longer without a look; with a writer in the way it is the second. */
#define LONGEST_SLEEP UINT64_C(100000000)
#define STUCK_SLEEP UINT64_C(1000000)

static uint64_t deadline_of(int64_t timeout)
{
	uint64_t now = rci_now();
	return timeout < 0 || (uint64_t)timeout > UINT64_MAX - now ? UINT64_MAX : now + (uint64_t)timeout;
}

/* Looks again and again, with pauses, until the time is up. */
static int spin(const rc_domain *d, uint64_t until, const struct waiter *w)
{
	do {
		for (int i = 0; i < SPIN_LOOKS; i++) {
			int result = w->look(w->argument);
			if (result != RC_NOTHING)
				return result;
			for (int pause = 0; pause < 8; pause++)
				cpu_pause();
		}
		if (d->wait == RC_WAIT_YIELD)
			(void)sched_yield();
	} while (rci_now() < until);
	return RC_NOTHING;
}

int rci_wait_for(rc_domain *d, int64_t timeout, const struct waiter *w)
{
	int result = w->look(w->argument);
	if (result != RC_NOTHING || timeout == 0)
		return result == RC_NOTHING ? RC_TIMED_OUT : result;
	uint64_t deadline = deadline_of(timeout), start = rci_now();
	bool sleeps = d->wait == RC_WAIT_BLOCK;
	result = spin(d, sleeps && deadline - start > SPIN_NS ? start + SPIN_NS : deadline, w);
	while (result == RC_NOTHING) {
		uint32_t bell = rci_bell(d); /* pairs(doorbell) */
		w->prepare(w->argument);
		result = w->look(w->argument);
		uint64_t now = rci_now();
		if (result != RC_NOTHING)
			break;
		if (now >= deadline)
			return RC_TIMED_OUT;
		uint64_t rest = deadline - now, nap = w->nap(w->argument);
		rci_sleep_on_bell(d, bell, rest < nap ? rest : nap);
		result = w->look(w->argument);
	}
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
	return rci_subscription_take(w->subscriptions[0], w->received);
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

int rc_subscription_wait(rc_subscription *s, int64_t timeout, rc_received *received)
{
	int result = rci_usable(s->domain);
	if (__builtin_expect(result != RC_OK, 0))
		return result;
	result = rci_subscription_take(s, received);
	if (__builtin_expect(result != RC_NOTHING, 1))
		return result;
	struct several w = {&s, 1, 0, 0, received, false};
	struct waiter waiter = {take_one, prepare_all, nap_of, &w};
	return rci_wait_for(s->domain, timeout, &waiter);
}

/* Takes from one subscription and keeps what it has for the next poll. */
static int keep_one(rc_subscription *s)
{
	if (s->kept_valid)
		return RC_OK;
	int result = rci_subscription_take(s, &s->kept);
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
		if (subscriptions[i]->domain != subscriptions[0]->domain)
			return rci_fail(RC_ERROR_INVALID, "wait: subscription %zu is of another domain", i);
	int result = rci_usable(subscriptions[0]->domain);
	if (result != RC_OK)
		return result;
	struct several w = {subscriptions, count, subscriptions[0]->turn, 0, NULL, false};
	struct waiter waiter = {look_at_all, prepare_all, nap_of, &w};
	result = rci_wait_for(subscriptions[0]->domain, timeout, &waiter);
	*ready = w.ready;
	subscriptions[0]->turn = w.ready + 1;
	return result;
}
