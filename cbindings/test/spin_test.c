/* How long the default wait spins, and what teaches it. */
#define _GNU_SOURCE
#include "pair.h"
#include "subscription.h"

#define US UINT64_C(1000)

/* The same cases as of the Go ring. */
static void learns_from_sleeps(void)
{
	static const struct {
		uint64_t took;
		bool ready, many;
		uint64_t want;
	} cases[] = {
		{50 * US, true, false, 32 * US}, {50 * US, false, false, 8 * US}, {150 * US, true, false, 8 * US},
		{150 * US, true, true, 32 * US}, {400 * US, true, true, 8 * US},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t got = rci_spin_learn(16 * US, cases[i].took, cases[i].ready, cases[i].many);
		if (got != cases[i].want)
			FAIL("case %zu: spins %llu ns, want %llu", i, (unsigned long long)got, (unsigned long long)cases[i].want);
	}
	CHECK(rci_spin_learn(150 * US, US, true, false) == 200 * US);
	CHECK(rci_spin_learn(3 * US, US, false, false) == 2 * US);
}

/* A party that finds something behind its first sleep. */
struct sleeper {
	uint64_t nap;
	bool backlog, asleep, counted;
	unsigned looks;
};

static int look(void *argument)
{
	struct sleeper *s = argument;
	return s->asleep && s->looks++ == 1 ? RC_OK : RC_NOTHING; /* the first look is the one before sleep */
}

static bool many(void *argument)
{
	struct sleeper *s = argument;
	s->counted = s->looks == 1; /* what look takes away is not there any more */
	return s->backlog;
}

static void prepare(void *argument) { ((struct sleeper *)argument)->asleep = true; }
static uint64_t nap(void *argument) { return ((struct sleeper *)argument)->nap; }

/* Waits once, with a spin of 4 us; how long it took. */
static uint64_t wait_once(rc_domain *d, struct sleeper *s, uint64_t *spin_ns)
{
	struct waiter w = {look, NULL, many, prepare, nap, s};
	uint64_t began = rci_now();
	*spin_ns = 4 * US;
	WANT(RC_OK, rci_wait_for(d, 60 * SECOND, spin_ns, &w));
	return rci_now() - began;
}

/* Of sleeps that the machine made longer than asked for nothing is said; one among thousands is in time. */
static void waits_as_it_learns(void)
{
	rc_domain *d;
	uint64_t spin_ns, took = UINT64_MAX;
	WANT(RC_OK, rc_domain_open(NULL, &d));
	for (int i = 0; i < 10000 && took >= 100 * US; i++) {
		struct sleeper s = {.nap = 0};
		took = wait_once(d, &s, &spin_ns);
	}
	CHECK(took < 100 * US && spin_ns == 8 * US);
	took = UINT64_MAX;
	for (int i = 0; i < 10000 && took >= 400 * US; i++) {
		struct sleeper s = {.nap = 110 * US, .backlog = true};
		took = wait_once(d, &s, &spin_ns);
		CHECK(took >= 400 * US || s.counted);
	}
	CHECK(took < 400 * US && spin_ns == 8 * US);
	struct sleeper alone = {.nap = 110 * US};
	(void)wait_once(d, &alone, &spin_ns);
	CHECK(spin_ns == 2 * US);
	WANT(RC_OK, rc_domain_close(d));
}

/* What counts as a backlog: eight messages that a reader of its own has before it, in any of its rings. */
static void sees_a_backlog(void)
{
	struct pair p = open_pair("many", NULL, NULL), other = {.domain = p.domain};
	rc_publisher_config small = {.slots = 64};
	rc_received r;
	WANT(RC_OK, rc_publisher_open(p.domain, "small", &small, &other.publisher));
	WANT(RC_OK, rc_subscription_open(p.domain, "small", NULL, &other.subscription));
	rc_subscription *both[] = {other.subscription, p.subscription};
	for (int i = 0; i < 7; i++)
		WANT(RC_OK, rc_publisher_publish(other.publisher, "x", 1, 60 * SECOND));
	for (int i = 0; i < 7; i++)
		WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 60 * SECOND));
	CHECK(!rci_streams_backlog(both, 2));
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 60 * SECOND));
	CHECK(rci_streams_backlog(both, 2) && !rci_streams_backlog(both, 1));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	rci_subscription_slow(p.subscription);
	CHECK(!rci_streams_backlog(both, 2));
	rc_publisher_close(other.publisher);
	rc_subscription_close(other.subscription);
	close_pair(&p);
}

int main(void)
{
	int failures = 0;
	RUN(learns_from_sleeps);
	RUN(waits_as_it_learns);
	RUN(sees_a_backlog);
	return failures;
}
