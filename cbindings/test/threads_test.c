/* Threads that share one mapping of a ring, for ThreadSanitizer: each kind and mode, with a reader
 * in place, a reader of copies, and two publishers where the kind allows. */
#define _GNU_SOURCE
#include <pthread.h>

#include "check.h"

#define COUNT 20000

struct role {
	rc_publisher *publisher;
	rc_subscription *subscription;
	uint64_t expected; /* the sum of what comes, where nothing may be missed; else 0 */
	bool good;
};

static void *publish(void *argument)
{
	struct role *r = argument;
	r->good = true;
	for (uint64_t i = 1; r->good && i <= COUNT; i++)
		r->good = rc_publisher_publish(r->publisher, &i, sizeof i, 60 * SECOND) == RC_OK;
	return NULL;
}

static void *subscribe(void *argument)
{
	struct role *r = argument;
	uint64_t sum = 0, value, last = 0;
	r->good = true;
	while (r->good && (r->expected != 0 ? sum < r->expected : last < COUNT)) {
		rc_received got;
		r->good = rc_subscription_wait(r->subscription, 60 * SECOND, &got) == RC_OK;
		if (!r->good || got.type != RC_TYPE_MESSAGE)
			continue;
		memcpy(&value, got.data, sizeof value);
		r->good = got.size == sizeof value && value == got.sequence;
		sum += value;
		last = value;
	}
	return NULL;
}

static void together(uint32_t kind, uint32_t mode, unsigned publishers)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64, .kind = kind, .mode = mode};
	rc_subscription_config latest = {.reading = RC_READ_LATEST};
	struct role roles[4] = {0};
	pthread_t threads[4];
	rc_domain *domain;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	for (unsigned i = 0; i < publishers; i++) /* before the subscriptions: then all share one mapping */
		WANT(RC_OK, rc_publisher_open(domain, "t", &config, &roles[i].publisher));
	WANT(RC_OK, rc_subscription_open(domain, "t", NULL, &roles[2].subscription));
	WANT(RC_OK, rc_subscription_open(domain, "t", &latest, &roles[3].subscription));
	if (mode == RC_RING_MODE_RELIABLE)
		roles[2].expected = (uint64_t)publishers * COUNT * (COUNT + 1) / 2;
	for (unsigned i = 0; i < 4; i++)
		if (i >= 2 || i < publishers)
			CHECK(pthread_create(&threads[i], NULL, i < 2 ? publish : subscribe, &roles[i]) == 0);
	bool good = true;
	for (unsigned i = 0; i < 4; i++)
		if (i >= 2 || i < publishers)
			good = pthread_join(threads[i], NULL) == 0 && roles[i].good && good;
	CHECK(good);
	for (unsigned i = 0; i < 2; i++)
		rc_publisher_close(roles[i].publisher);
	rc_subscription_close(roles[2].subscription);
	rc_subscription_close(roles[3].subscription);
	WANT(RC_OK, rc_domain_close(domain));
}

static void shared_reliable(void) { together(RC_RING_KIND_SHARED, RC_RING_MODE_RELIABLE, 2); }
static void shared_latest(void) { together(RC_RING_KIND_SHARED, RC_RING_MODE_LATEST, 2); }
static void exclusive_reliable(void) { together(RC_RING_KIND_EXCLUSIVE, RC_RING_MODE_RELIABLE, 1); }
static void exclusive_latest(void) { together(RC_RING_KIND_EXCLUSIVE, RC_RING_MODE_LATEST, 1); }

int main(void)
{
	int failures = 0;
	RUN(shared_reliable);
	RUN(shared_latest);
	RUN(exclusive_reliable);
	RUN(exclusive_latest);
	return failures;
}
