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

/* Members take turns until all of them together have everything. */
struct crew {
	struct role role;
	uint64_t *left; /* shared */
};

static void *take(void *argument)
{
	struct crew *c = argument;
	rc_received got;
	uint64_t value;
	c->role.good = true;
	while (c->role.good && __atomic_load_n(c->left, __ATOMIC_SEQ_CST) != 0) {
		int result = rc_subscription_wait(c->role.subscription, 20 * MS, &got);
		c->role.good = result == RC_TIMED_OUT || (result == RC_OK && got.type == RC_TYPE_MESSAGE && got.size == sizeof value);
		if (result != RC_OK || !c->role.good)
			continue;
		memcpy(&value, got.data, sizeof value);
		c->role.good = value == got.sequence;
		(void)__atomic_fetch_sub(c->left, value, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void group(uint32_t kind, unsigned publishers, uint32_t slots)
{
	rc_publisher_config config = {.slots = slots, .slot_size = 64, .kind = kind};
	rc_subscription_config member = {.reading = RC_READ_GROUP, .group = "g"};
	uint64_t left = (uint64_t)publishers * COUNT * (COUNT + 1) / 2;
	struct crew crew[4] = {0};
	pthread_t threads[4];
	rc_domain *domain;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	for (unsigned i = 0; i < publishers; i++)
		WANT(RC_OK, rc_publisher_open(domain, "t", &config, &crew[i].role.publisher));
	for (unsigned i = 2; i < 4; i++) {
		crew[i].left = &left;
		WANT(RC_OK, rc_subscription_open(domain, "t", &member, &crew[i].role.subscription));
	}
	for (unsigned i = 0; i < 4; i++)
		if (i >= 2 || i < publishers)
			CHECK(pthread_create(&threads[i], NULL, i < 2 ? publish : take, i < 2 ? (void *)&crew[i].role : &crew[i]) == 0);
	bool good = true;
	for (unsigned i = 0; i < 4; i++)
		if (i >= 2 || i < publishers)
			good = pthread_join(threads[i], NULL) == 0 && crew[i].role.good && good;
	CHECK(good && left == 0);
	for (unsigned i = 0; i < 4; i++) {
		rc_publisher_close(crew[i].role.publisher);
		rc_subscription_close(crew[i].role.subscription);
	}
	WANT(RC_OK, rc_domain_close(domain));
}

static void shared_group(void) { group(RC_RING_KIND_SHARED, 2, 64); }
static void exclusive_group(void) { group(RC_RING_KIND_EXCLUSIVE, 1, 64); }
static void shared_group_of_four(void) { group(RC_RING_KIND_SHARED, 2, 4); }

int main(void)
{
	int failures = 0;
	RUN(shared_reliable);
	RUN(shared_latest);
	RUN(exclusive_reliable);
	RUN(exclusive_latest);
	RUN(shared_group);
	RUN(exclusive_group);
	RUN(shared_group_of_four);
	return failures;
}
