/* Who waits: for one of several, for topics of a pattern, asleep, and with a descriptor in a loop of its own. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <sys/syscall.h>

#include "pair.h"

/* The library's calls come here. */
static _Thread_local int yields;
int sched_yield(void)
{
	yields++;
	return (int)syscall(SYS_sched_yield);
}

static void wait_for_several(void)
{
	rc_domain *domain;
	rc_subscription *subscriptions[3];
	rc_publisher *publishers[3];
	char topic[] = "several.0";
	size_t ready = 9;
	rc_received r;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	for (int i = 0; i < 3; i++) {
		topic[8] = (char)('0' + i);
		WANT(RC_OK, rc_subscription_open(domain, topic, NULL, &subscriptions[i]));
		WANT(RC_OK, rc_publisher_open(domain, topic, NULL, &publishers[i]));
	}
	WANT(RC_TIMED_OUT, rc_subscriptions_wait(subscriptions, 3, 2 * MS, &ready));
	for (size_t i = 0; i < 3; i++) {
		WANT(RC_OK, rc_publisher_publish(publishers[i], &i, sizeof i, 0));
		WANT(RC_OK, rc_subscriptions_wait(subscriptions, 3, SECOND, &ready));
		CHECK(ready == i);
		WANT(RC_OK, rc_subscription_poll(subscriptions[i], &r));
		CHECK(r.size == sizeof i && memcmp(r.data, &i, sizeof i) == 0);
	}
	for (int i = 0; i < 3; i++) {
		rc_subscription_close(subscriptions[i]);
		rc_publisher_close(publishers[i]);
	}
	WANT(RC_OK, rc_domain_close(domain));
}

/* A pattern reads what is there, and what comes later from its first message. */
static void patterns(void)
{
	rc_domain *domain, *other;
	rc_publisher *publishers[3];
	rc_subscription *subscription, *all;
	rc_received r;
	static const char *const topics[] = {"orders.eu", "orders.us", "prices.eu"};
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_domain_open(NULL, &other));
	WANT(RC_OK, rc_publisher_open(other, topics[0], NULL, &publishers[0]));
	WANT(RC_OK, rc_publisher_publish(publishers[0], "before", 6, 0));
	WANT(RC_OK, rc_subscription_open(domain, "orders.*", NULL, &subscription));
	WANT(RC_OK, rc_subscription_open(domain, ">", NULL, &all));
	WANT(RC_NOTHING, rc_subscription_poll(subscription, &r));
	WANT(RC_OK, rc_publisher_publish(publishers[0], "eu", 2, 0));
	WANT(RC_OK, rc_subscription_wait(subscription, 10 * SECOND, &r));
	CHECK(r.type == RC_TYPE_MESSAGE && strcmp(r.topic, topics[0]) == 0 && r.size == 2);
	for (int i = 1; i < 3; i++) { /* nobody polls meanwhile: the publisher waits its 200 ms, and the topic is read from its start all the same */
		WANT(RC_OK, rc_publisher_open(other, topics[i], NULL, &publishers[i]));
		WANT(RC_OK, rc_publisher_publish(publishers[i], topics[i], strlen(topics[i]), 0));
	}
	WANT(RC_OK, rc_subscription_wait(subscription, 10 * SECOND, &r));
	CHECK(r.type == RC_TYPE_MESSAGE && strcmp(r.topic, topics[1]) == 0 && r.sequence == 1);
	WANT(RC_TIMED_OUT, rc_subscription_wait(subscription, 20 * MS, &r)); /* prices do not match */
	unsigned seen = 0;
	for (int i = 0; i < 3; i++) {
		WANT(RC_OK, rc_subscription_wait(all, 10 * SECOND, &r));
		CHECK(r.type == RC_TYPE_MESSAGE);
		for (unsigned t = 0; t < 3; t++)
			seen |= strcmp(r.topic, topics[t]) == 0 ? 1u << t : 0;
	}
	CHECK(seen == 7);
	for (int i = 0; i < 3; i++)
		rc_publisher_close(publishers[i]);
	rc_subscription_close(subscription);
	rc_subscription_close(all);
	WANT(RC_OK, rc_domain_close(other));
	WANT(RC_OK, rc_domain_close(domain));
}

/* Of a topic that can't be read a pattern tells once, and reads the others. */
static void broken_topic_is_told(void)
{
	struct pair p = open_pair("sound", NULL, NULL);
	rc_subscription *all;
	rc_received r;
	char path[128];
	(void)snprintf(path, sizeof path, "%s/default/topics/broken.ctl", test_directory);
	FILE *f = fopen(path, "w");
	CHECK(f != NULL && fputs("not a segment", f) >= 0 && fclose(f) == 0);
	WANT(RC_OK, rc_subscription_open(p.domain, "*", NULL, &all));
	WANT(RC_ERROR_NOT_OURS, rc_subscription_poll(all, &r));
	CHECK(strstr(rc_error_detail(), "topic broken") != NULL);
	for (int i = 0; i < 2; i++) {
		WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, SECOND));
		WANT(RC_OK, rc_subscription_wait(all, SECOND, &r));
		CHECK(r.type == RC_TYPE_MESSAGE && strcmp(r.topic, "sound") == 0);
		WANT(RC_NOTHING, rc_subscription_poll(all, &r));
	}
	rc_subscription_close(all);
	close_pair(&p);
}

static void *wait_for_new_topic(void *argument)
{
	rc_received r;
	int result = rc_subscription_wait(argument, 30 * SECOND, &r);
	return result == RC_OK && r.type == RC_TYPE_MESSAGE && r.sequence == 1 ? NULL : argument;
}

/* Who sleeps on a pattern is woken by a new topic, and its publisher waits for that only shortly. */
static void sleeping_pattern_is_woken(void)
{
	rc_domain *domain, *other;
	rc_publisher *publisher;
	rc_subscription *subscription;
	pthread_t thread;
	void *failed;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_domain_open(NULL, &other));
	WANT(RC_OK, rc_subscription_open(domain, "new.>", NULL, &subscription));
	CHECK(pthread_create(&thread, NULL, wait_for_new_topic, subscription) == 0);
	(void)usleep(20000);
	int result = rc_publisher_open(other, "new.topic", NULL, &publisher);
	if (result == RC_OK)
		result = rc_publisher_publish(publisher, "x", 1, SECOND);
	CHECK(pthread_join(thread, &failed) == 0 && failed == NULL);
	WANT(RC_OK, result);
	rc_publisher_close(publisher);
	rc_subscription_close(subscription);
	WANT(RC_OK, rc_domain_close(other));
	WANT(RC_OK, rc_domain_close(domain));
}

struct late {
	rc_publisher *publisher;
	useconds_t after;
};

static void *publish_late(void *argument)
{
	struct late *late = argument;
	(void)usleep(late->after);
	return rc_publisher_publish(late->publisher, "late", 4, SECOND) == RC_OK ? NULL : late;
}

static void sleeper_is_woken(void)
{
	struct pair p = open_pair("sleep", NULL, NULL);
	rc_received r;
	void *failed;
	for (int i = 0; i < 20; i++) {
		struct late late = {p.publisher, 2000};
		pthread_t thread;
		CHECK(pthread_create(&thread, NULL, publish_late, &late) == 0);
		int result = rc_subscription_wait(p.subscription, 30 * SECOND, &r);
		CHECK(pthread_join(thread, &failed) == 0 && failed == NULL);
		WANT(RC_OK, result);
	}
	close_pair(&p);
}

static void descriptor_becomes_readable(void)
{
	struct pair p = open_pair("fd", NULL, NULL);
	rc_received r;
	int fd = -1, found = 0;
	void *failed;
	WANT(RC_OK, rc_subscription_fd(p.subscription, &fd));
	for (int i = 0; i < 10; i++) {
		struct late late = {p.publisher, 3000};
		pthread_t thread;
		while (rc_subscription_poll(p.subscription, &r) == RC_OK)
			found++;
		CHECK(pthread_create(&thread, NULL, publish_late, &late) == 0);
		for (int before = found, looks = 0; found == before && looks < 1000; looks++) {
			struct pollfd polled = {fd, POLLIN, 0};
			if (poll(&polled, 1, 10000) < 1)
				break;
			while (rc_subscription_poll(p.subscription, &r) == RC_OK)
				found++;
		}
		CHECK(pthread_join(thread, &failed) == 0 && failed == NULL);
		CHECK(found == i + 1);
	}
	close_pair(&p);
}

static void *wait_for_many(void *argument)
{
	rc_received r;
	while (rc_subscription_wait(argument, LONG, &r) == RC_OK && r.size > 0)
		;
	return NULL;
}

/* How often way is given in one wait: by a thread that did nothing before, by one that wakes a sleeper, by one that has slept, and by
 * that one if it waits for a moment only. */
struct ways {
	struct pair *asked, *answered;
	int fresh, woke, slept, hurried;
};

static int yields_in_a_wait(rc_subscription *s, int64_t timeout)
{
	rc_received r;
	int before = yields;
	return rc_subscription_wait(s, timeout, &r) == RC_TIMED_OUT ? yields - before : -1;
}

static void *wait_fresh(void *argument)
{
	struct ways *w = argument;
	w->fresh = yields_in_a_wait(w->answered->subscription, MS);
	return NULL;
}

static void *wait_behind_a_ring(void *argument)
{
	struct ways *w = argument;
	(void)usleep(10000);
	for (int tries = 0; tries < 100 && w->woke == 0; tries++) { /* who sleeps looks now and then, and is not woken then */
		if (rc_publisher_publish(w->asked->publisher, "x", 1, 0) != RC_OK)
			break;
		w->woke = yields_in_a_wait(w->answered->subscription, MS);
	}
	return NULL;
}

static void *wait_behind_a_sleep(void *argument)
{
	struct ways *w = argument;
	(void)yields_in_a_wait(w->answered->subscription, 2 * MS);
	w->hurried = yields_in_a_wait(w->answered->subscription, MS / 10);
	w->slept = yields_in_a_wait(w->answered->subscription, MS);
	return NULL;
}

/* Who spins may have been put on one core with who is to answer, or with who asked: each gives way once behind a waking. */
static void way_is_given_behind_a_waking(void)
{
	struct pair asked = open_pair("asked", NULL, NULL), answered = open_pair("answered", NULL, NULL);
	struct ways ways = {.asked = &asked, .answered = &answered};
	rc_domain *other = open_domain();
	rc_subscription *sleeper;
	pthread_t thread;
	int once = sysconf(_SC_NPROCESSORS_ONLN) > 1;
	void *(*const steps[])(void *) = {wait_fresh, wait_behind_a_ring, wait_behind_a_sleep};
	WANT(RC_OK, rc_subscription_open(other, "asked", NULL, &sleeper));
	CHECK(pthread_create(&thread, NULL, wait_for_many, sleeper) == 0);
	for (int i = 0; i < 3; i++) { /* each by a thread of its own, which nothing has happened to */
		pthread_t step;
		CHECK(pthread_create(&step, NULL, steps[i], &ways) == 0 && pthread_join(step, NULL) == 0);
	}
	CHECK(ways.fresh == 0 && ways.hurried == 0);
	CHECK(ways.woke == once && ways.slept == once);
	WANT(RC_OK, rc_publisher_publish(asked.publisher, "", 0, 0)); /* the last */
	CHECK(pthread_join(thread, NULL) == 0);
	rc_subscription_close(sleeper);
	WANT(RC_OK, rc_domain_close(other));
	close_pair(&asked);
	close_pair(&answered);
}

#define LARGE (2 << 16) /* two of the pieces that become visible one behind the other */
#define LARGE_MESSAGES 5000

static _Atomic int begun; /* messages that may be published */

static void *publish_large(void *argument)
{
	static char payload[LARGE];
	for (int i = 0; i < LARGE_MESSAGES; i++) {
		while (atomic_load(&begun) <= i)
			(void)sched_yield();
		payload[0] = (char)i;
		if (rc_publisher_publish(argument, payload, LARGE, LONG) != RC_OK)
			break;
	}
	return NULL;
}

/* A part of a message is none yet: a reader that spins by policy waits on for the rest. */
static void parts_do_not_end_a_wait(void)
{
	rc_config config = {.wait = RC_WAIT_SPIN};
	rc_domain *domain;
	rc_subscription *subscription;
	rc_publisher *publisher;
	rc_received r;
	pthread_t thread;
	WANT(RC_OK, rc_domain_open(&config, &domain));
	WANT(RC_OK, rc_subscription_open(domain, "large", NULL, &subscription));
	WANT(RC_OK, rc_publisher_open(domain, "large", NULL, &publisher));
	CHECK(pthread_create(&thread, NULL, publish_large, publisher) == 0);
	for (int i = 0; i < LARGE_MESSAGES; i++) {
		atomic_store(&begun, i + 1);
		for (volatile int turns = 0; turns < i % 60 * 200; turns++) /* so that a wait begins right before the first piece now and then */
			;
		WANT(RC_OK, rc_subscription_wait(subscription, LONG, &r));
		CHECK(r.type == RC_TYPE_MESSAGE && r.size == LARGE && ((const char *)r.data)[0] == (char)i);
	}
	CHECK(pthread_join(thread, NULL) == 0);
	rc_subscription_close(subscription);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

int main(void)
{
	int failures = 0;
	RUN(wait_for_several);
	RUN(patterns);
	RUN(broken_topic_is_told);
	RUN(sleeping_pattern_is_woken);
	RUN(sleeper_is_woken);
	RUN(way_is_given_behind_a_waking);
	RUN(parts_do_not_end_a_wait);
	RUN(descriptor_becomes_readable);
	return failures;
}
