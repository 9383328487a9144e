/* Messages that outlive the next call: their bytes stay, whatever the ring does. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "check.h"

#define SLOTS 64
#define SIZE 100

struct pair {
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
};

static void open_pair(struct pair *p, uint32_t kind, uint32_t reading)
{
	rc_publisher_config config = {.slots = SLOTS, .slot_size = 128, .kind = kind};
	rc_subscription_config how = {.reading = reading};
	WANT(RC_OK, rc_domain_open(NULL, &p->domain));
	WANT(RC_OK, rc_publisher_open(p->domain, "k", &config, &p->publisher));
	WANT(RC_OK, rc_subscription_open(p->domain, "k", &how, &p->subscription));
}

static void close_pair(struct pair *p)
{
	rc_publisher_close(p->publisher);
	rc_subscription_close(p->subscription);
	WANT(RC_OK, rc_domain_close(p->domain));
}

static void publish(struct pair *p, uint8_t byte, size_t size)
{
	uint8_t bytes[1000];
	memset(bytes, byte, sizeof bytes);
	WANT(RC_OK, rc_publisher_publish(p->publisher, bytes, size, 30 * SECOND));
}

static bool all_are(const void *data, size_t size, uint8_t byte)
{
	const uint8_t *b = data;
	for (size_t i = 0; i < size; i++)
		if (b[i] != byte)
			return false;
	return true;
}

/* Reads one message of that byte and keeps it. */
static void keep(struct pair *p, uint8_t byte, rc_received *r, rc_kept **kept)
{
	WANT(RC_OK, rc_subscription_wait(p->subscription, 30 * SECOND, r));
	CHECK(r->type == RC_TYPE_MESSAGE && all_are(r->data, r->size, byte));
	WANT(RC_OK, rc_subscription_keep(p->subscription, r, kept));
}

/* Some are kept while others come and go; they are dropped in any order. */
static void kept_while_reading(uint32_t kind)
{
	struct pair p;
	rc_received r[4], other;
	rc_kept *kept[4];
	open_pair(&p, kind, RC_READ_RELIABLE);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 4; i++) {
			publish(&p, (uint8_t)(round + i), SIZE);
			publish(&p, 255, SIZE);
			keep(&p, (uint8_t)(round + i), &r[i], &kept[i]);
			WANT(RC_OK, rc_subscription_wait(p.subscription, SECOND, &other));
			rc_subscription_release(p.subscription);
		}
		for (int i = 0; i < 4; i++) {
			int at = (i * 3 + round) % 4;
			CHECK(all_are(r[at].data, r[at].size, (uint8_t)(round + at)));
			rc_kept_drop(kept[at]);
		}
	}
	rc_topic_info info;
	WANT(RC_OK, rc_subscription_info(p.subscription, &info));
	CHECK(info.evicted == 0 && info.damaged == 0);
	close_pair(&p);
}

static void kept_in_a_shared_ring(void) { kept_while_reading(RC_RING_KIND_SHARED); }
static void kept_in_an_exclusive_ring(void) { kept_while_reading(RC_RING_KIND_EXCLUSIVE); }

/* No more than a quarter of the ring lies behind what is kept. */
static void quarter_of_the_ring(void)
{
	struct pair p;
	rc_received r, other;
	rc_kept *kept;
	open_pair(&p, RC_RING_KIND_SHARED, RC_READ_RELIABLE);
	for (int i = 0; i < SLOTS; i++)
		publish(&p, (uint8_t)i, SIZE);
	keep(&p, 0, &r, &kept);
	int result = RC_OK, count = 0;
	for (; (result = rc_subscription_poll(p.subscription, &other)) == RC_OK; count++)
		CHECK(count < SLOTS);
	CHECK(result == RC_ERROR_BUSY && count == SLOTS / 4 - 1 && strstr(rc_error_detail(), "drop them") != NULL);
	WANT(RC_ERROR_BUSY, rc_subscription_wait(p.subscription, SECOND, &other));
	WANT(RC_FULL, rc_publisher_publish(p.publisher, "x", 1, 0));
	CHECK(all_are(r.data, r.size, 0));
	rc_kept_drop(kept);
	for (; count < SLOTS - 1; count++)
		WANT(RC_OK, rc_subscription_poll(p.subscription, &other));
	WANT(RC_NOTHING, rc_subscription_poll(p.subscription, &other));
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 0));
	close_pair(&p);
}

/* Of four slots two: the next is read while one is kept. */
static void half_of_four(uint32_t kind)
{
	rc_publisher_config config = {.slots = 4, .slot_size = 128, .kind = kind};
	struct pair p;
	rc_received r, next;
	rc_kept *kept;
	WANT(RC_OK, rc_domain_open(NULL, &p.domain));
	WANT(RC_OK, rc_publisher_open(p.domain, "k", &config, &p.publisher));
	WANT(RC_OK, rc_subscription_open(p.domain, "k", NULL, &p.subscription));
	for (uint8_t n = 0; n < 40; n++) {
		publish(&p, n, SIZE);
		publish(&p, n, SIZE);
		publish(&p, n, SIZE);
		keep(&p, n, &r, &kept);
		WANT(RC_OK, rc_subscription_poll(p.subscription, &next));
		WANT(RC_ERROR_BUSY, rc_subscription_poll(p.subscription, &next));
		publish(&p, n, SIZE);
		WANT(RC_FULL, rc_publisher_publish(p.publisher, "x", 1, 0));
		CHECK(all_are(r.data, r.size, n));
		rc_kept_drop(kept);
		WANT(RC_OK, rc_subscription_poll(p.subscription, &next));
		WANT(RC_OK, rc_subscription_poll(p.subscription, &next));
		WANT(RC_NOTHING, rc_subscription_poll(p.subscription, &next));
	}
	close_pair(&p);
}

static void half_of_four_shared(void) { half_of_four(RC_RING_KIND_SHARED); }
static void half_of_four_exclusive(void) { half_of_four(RC_RING_KIND_EXCLUSIVE); }

/* Who keeps for longer than the stall budget is put out and goes on; the bytes stay. */
static void kept_by_one_who_is_put_out(uint32_t kind)
{
	struct pair p;
	rc_received r, other;
	rc_kept *kept, *again;
	rc_topic_info info;
	open_pair(&p, kind, RC_READ_RELIABLE);
	publish(&p, 7, SIZE);
	keep(&p, 7, &r, &kept);
	for (int i = 0; i < 5 * SLOTS; i++)
		publish(&p, 9, SIZE);
	uint64_t missed = 0, got = 0;
	while (rc_subscription_poll(p.subscription, &other) == RC_OK) {
		if (other.type == RC_TYPE_LAGGED)
			missed += other.count;
		else
			got++;
	}
	CHECK(missed + got >= 5 * SLOTS && missed > 0); /* positions: those stepped over count, too */
	publish(&p, 8, SIZE);
	WANT(RC_OK, rc_subscription_poll(p.subscription, &other));
	WANT(RC_ERROR_BUSY, rc_subscription_keep(p.subscription, &other, &again)); /* or it could hold all slots */
	for (int i = 0; i < 5 * SLOTS; i++)
		publish(&p, 9, SIZE);
	CHECK(all_are(r.data, r.size, 7));
	WANT(RC_OK, rc_subscription_info(p.subscription, &info));
	CHECK(info.evicted == 2 && info.damaged == 0);
	rc_kept_drop(kept);
	while (rc_subscription_poll(p.subscription, &other) == RC_OK)
		;
	publish(&p, 8, SIZE);
	keep(&p, 8, &other, &again);
	rc_kept_drop(again);
	while (rc_subscription_poll(p.subscription, &other) == RC_OK)
		;
	for (int i = 0; i < SLOTS; i++) /* all slots are in use again */
		WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 0));
	close_pair(&p);
}

static void kept_by_a_reader_put_out_shared(void) { kept_by_one_who_is_put_out(RC_RING_KIND_SHARED); }
static void kept_by_a_reader_put_out_exclusive(void) { kept_by_one_who_is_put_out(RC_RING_KIND_EXCLUSIVE); }

/* They outlive the subscription, but not the domain. */
static void kept_beyond_the_subscription(void)
{
	struct pair p;
	rc_received r;
	rc_kept *kept;
	open_pair(&p, RC_RING_KIND_SHARED, RC_READ_RELIABLE);
	publish(&p, 5, SIZE);
	keep(&p, 5, &r, &kept);
	rc_subscription_close(p.subscription);
	for (int i = 0; i < 3 * SLOTS; i++)
		publish(&p, 9, SIZE);
	rc_publisher_close(p.publisher);
	WANT(RC_ERROR_BUSY, rc_domain_close(p.domain));
	CHECK(all_are(r.data, r.size, 5));
	rc_kept_drop(kept);
	WANT(RC_OK, rc_domain_close(p.domain));
}

/* Copies: of a latest reader, of a member, of several slots, of history. */
static void kept_copies(uint32_t reading, size_t size)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	rc_publisher_config shape = {.slots = SLOTS, .slot_size = 128, .history = 8};
	rc_subscription_config how = {.reading = reading, .group = reading == RC_READ_GROUP ? "g" : NULL, .history = reading == RC_READ_LATEST ? 1 : 0};
	struct pair p;
	rc_received r[3];
	rc_kept *kept[3];
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "k", &shape, &publisher));
	WANT(RC_OK, rc_subscription_open(domain, "k", &how, &subscription));
	p = (struct pair){domain, publisher, subscription};
	for (int i = 0; i < 3; i++) {
		publish(&p, (uint8_t)i, size);
		keep(&p, (uint8_t)i, &r[i], &kept[i]);
	}
	for (int i = 0; i < 3; i++)
		CHECK(all_are(r[i].data, r[i].size, (uint8_t)i));
	rc_kept_drop(kept[1]);
	rc_subscription_close(subscription);
	CHECK(all_are(r[0].data, r[0].size, 0) && all_are(r[2].data, r[2].size, 2));
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain)); /* they are nobody's but the caller's */
	rc_kept_drop(kept[0]);
	rc_kept_drop(kept[2]);
}

static void kept_copies_of_a_latest_reader(void) { kept_copies(RC_READ_LATEST, SIZE); }
static void kept_copies_of_a_member(void) { kept_copies(RC_READ_GROUP, SIZE); }
static void kept_copies_of_several_slots(void) { kept_copies(RC_READ_RELIABLE, 900); }

/* The ring is damaged and replaced; what is kept lies in the old one. */
static void kept_in_a_ring_that_is_replaced(void)
{
	struct pair p;
	struct stat st;
	rc_received r, other = {0};
	rc_kept *kept;
	char path[512];
	open_pair(&p, RC_RING_KIND_SHARED, RC_READ_RELIABLE);
	publish(&p, 6, SIZE);
	keep(&p, 6, &r, &kept);
	(void)snprintf(path, sizeof path, "%s/default/topics/k.ctl", test_directory);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	uint8_t *control = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	CHECK(control != MAP_FAILED);
	*(uint64_t *)(void *)(control + 1024 + 8) = UINT64_C(77) << 20 | 2; /* position 1: lap 77 */
	(void)munmap(control, (size_t)st.st_size);
	for (int i = 0; i < 3 * SLOTS; i++) {
		publish(&p, 9, SIZE);
		while (rc_subscription_poll(p.subscription, &other) == RC_OK)
			;
	}
	for (int i = 0; i < 10 && other.sequence != 3 * SLOTS + 1; i++)
		(void)rc_subscription_wait(p.subscription, SECOND, &other);
	CHECK(other.sequence == 3 * SLOTS + 1 && all_are(r.data, r.size, 6));
	rc_kept_drop(kept);
	close_pair(&p);
}

static void what_is_not_lent(void)
{
	struct pair p;
	rc_received r, before;
	rc_kept *kept = NULL;
	uint8_t buffer[SIZE];
	open_pair(&p, RC_RING_KIND_SHARED, RC_READ_RELIABLE);
	publish(&p, 1, SIZE);
	publish(&p, 2, SIZE);
	publish(&p, 3, SIZE);
	WANT(RC_OK, rc_subscription_poll(p.subscription, &before));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	WANT(RC_ERROR_INVALID, rc_subscription_keep(p.subscription, &before, &kept));
	CHECK(kept == NULL);
	WANT(RC_ERROR_INVALID, rc_subscription_keep(p.subscription, NULL, &kept));
	WANT(RC_ERROR_INVALID, rc_subscription_keep(NULL, &r, &kept));
	WANT(RC_OK, rc_subscription_read(p.subscription, buffer, sizeof buffer, 0, &r));
	WANT(RC_ERROR_INVALID, rc_subscription_keep(p.subscription, &r, &kept));
	r.type = RC_TYPE_LAGGED;
	WANT(RC_ERROR_INVALID, rc_subscription_keep(p.subscription, &r, &kept));
	rc_kept_drop(NULL);
	close_pair(&p);
}

/* A child has no use for them, but can free them. */
static void kept_when_forked(void)
{
	struct pair p;
	rc_received r;
	rc_kept *kept, *other;
	int status = 0;
	open_pair(&p, RC_RING_KIND_SHARED, RC_READ_RELIABLE);
	publish(&p, 4, SIZE);
	keep(&p, 4, &r, &kept);
	pid_t child = fork();
	if (child == 0) {
		bool good = rc_subscription_keep(p.subscription, &r, &other) == RC_ERROR_FORKED;
		rc_subscription_close(p.subscription);
		rc_kept_drop(kept);
		rc_publisher_close(p.publisher);
		_exit(good && rc_domain_close(p.domain) == RC_OK ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(all_are(r.data, r.size, 4));
	rc_kept_drop(kept);
	close_pair(&p);
}

int main(void)
{
	int failures = 0;
	RUN(kept_in_a_shared_ring);
	RUN(kept_in_an_exclusive_ring);
	RUN(quarter_of_the_ring);
	RUN(half_of_four_shared);
	RUN(half_of_four_exclusive);
	RUN(kept_by_a_reader_put_out_shared);
	RUN(kept_by_a_reader_put_out_exclusive);
	RUN(kept_beyond_the_subscription);
	RUN(kept_copies_of_a_latest_reader);
	RUN(kept_copies_of_a_member);
	RUN(kept_copies_of_several_slots);
	RUN(kept_in_a_ring_that_is_replaced);
	RUN(what_is_not_lent);
	RUN(kept_when_forked);
	return failures != 0;
}
