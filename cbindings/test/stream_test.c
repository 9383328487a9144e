/* Messages through rings of every kind and mode, in one process and between two. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static uint64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

struct pair {
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
};

static struct pair open_pair(const char *topic, const rc_publisher_config *publisher, const rc_subscription_config *subscription)
{
	struct pair p = {0};
	WANT(RC_OK, rc_domain_open(NULL, &p.domain));
	WANT(RC_OK, rc_subscription_open(p.domain, topic, subscription, &p.subscription));
	WANT(RC_OK, rc_publisher_open(p.domain, topic, publisher, &p.publisher));
	return p;
}

static void close_pair(struct pair *p)
{
	rc_publisher_close(p->publisher);
	rc_subscription_close(p->subscription);
	WANT(RC_OK, rc_domain_close(p->domain));
}

/* Fills a message so that its bytes say its number. */
static void fill(uint8_t *bytes, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number * 31 + i * 7);
}

static bool filled(const uint8_t *bytes, size_t size, uint64_t number)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != (uint8_t)(number * 31 + i * 7))
			return false;
	return true;
}

static const size_t sizes[] = {0, 1, 63, 64, 127, 128, 129, 1000, 4096};
#define SIZES (sizeof sizes / sizeof *sizes)

static void every_size(uint32_t mode, uint32_t kind)
{
	rc_publisher_config config = {.slots = 128, .slot_size = 128, .mode = mode, .kind = kind};
	struct pair p = open_pair("sizes", &config, NULL);
	uint8_t bytes[4096];
	for (uint64_t n = 1; n <= 1000; n++) { /* wraps around many times */
		size_t size = sizes[n % SIZES];
		rc_received r;
		fill(bytes, size, n);
		WANT(RC_OK, rc_publisher_publish(p.publisher, bytes, size, SECOND));
		WANT(RC_OK, rc_subscription_wait(p.subscription, SECOND, &r));
		if (r.type != RC_TYPE_MESSAGE || r.sequence != n || r.size != size || !filled(r.data, size, n))
			FAIL("message %llu: type %u, sequence %llu, %zu bytes", (unsigned long long)n, (unsigned)r.type, (unsigned long long)r.sequence, r.size);
	}
	close_pair(&p);
}

static void every_size_reliable_shared(void) { every_size(RC_RING_MODE_RELIABLE, RC_RING_KIND_SHARED); }
static void every_size_latest_shared(void) { every_size(RC_RING_MODE_LATEST, RC_RING_KIND_SHARED); }
static void every_size_reliable_exclusive(void) { every_size(RC_RING_MODE_RELIABLE, RC_RING_KIND_EXCLUSIVE); }
static void every_size_latest_exclusive(void) { every_size(RC_RING_MODE_LATEST, RC_RING_KIND_EXCLUSIVE); }

static void full_ring_refuses(void)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	struct pair p = open_pair("full", &config, NULL);
	rc_received r;
	for (int i = 0; i < 64; i++)
		WANT(RC_OK, rc_publisher_publish(p.publisher, &i, sizeof i, 0));
	WANT(RC_FULL, rc_publisher_publish(p.publisher, "x", 1, 0));
	WANT(RC_TIMED_OUT, rc_publisher_publish(p.publisher, "x", 1, 5 * MS));
	for (int i = 0; i < 64; i++) {
		WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
		CHECK(r.sequence == (uint64_t)i + 1 && memcmp(r.data, &i, sizeof i) == 0);
	}
	WANT(RC_NOTHING, rc_subscription_poll(p.subscription, &r));
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, SECOND));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	CHECK(r.sequence == 65); /* a refused message uses no sequence up */
	close_pair(&p);
}

static void claims(void)
{
	struct pair p = open_pair("claims", NULL, NULL);
	rc_claim claim, second;
	rc_received r;
	WANT(RC_OK, rc_publisher_claim(p.publisher, 100, 0, &claim));
	WANT(RC_ERROR_BUSY, rc_publisher_claim(p.publisher, 100, 0, &second));
	WANT(RC_ERROR_INVALID, rc_claim_commit(&claim, (uint8_t *)claim.data - 1, 1, NULL));
	WANT(RC_OK, rc_claim_abort(&claim));
	WANT(RC_ERROR_INVALID, rc_claim_abort(&claim));
	WANT(RC_OK, rc_publisher_claim(p.publisher, 2048, 0, &claim));
	CHECK((uintptr_t)claim.data % 64 == 0 && claim.capacity == 2048);
	memcpy((uint8_t *)claim.data + 2045, "end", 3);
	rc_marks marks = {.timestamp_ns = 7, .schema = 9, .content = RC_CONTENT_FLAT_BUFFER};
	WANT(RC_OK, rc_claim_commit(&claim, (uint8_t *)claim.data + 2045, 3, &marks));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	CHECK(r.sequence == 1 && r.size == 3 && memcmp(r.data, "end", 3) == 0);
	CHECK(r.timestamp_ns == 7 && r.schema == 9 && r.content == RC_CONTENT_FLAT_BUFFER);
	WANT(RC_ERROR_TOO_LARGE, rc_publisher_claim(p.publisher, 2049, 0, &claim));
	close_pair(&p);
}

static void slow_claim_is_fenced(void)
{
	struct pair p = open_pair("fenced", NULL, NULL);
	rc_publisher *other;
	rc_claim claim;
	rc_received r;
	WANT(RC_OK, rc_publisher_open(p.domain, "fenced", NULL, &other));
	WANT(RC_OK, rc_publisher_claim(p.publisher, 1, 0, &claim));
	WANT(RC_OK, rc_publisher_publish(other, "b", 1, SECOND));
	WANT(RC_OK, rc_subscription_wait(p.subscription, 5 * SECOND, &r)); /* steps over the claim */
	CHECK(r.size == 1 && memcmp(r.data, "b", 1) == 0);
	WANT(RC_ERROR_FENCED, rc_claim_commit(&claim, claim.data, 1, NULL));
	WANT(RC_OK, rc_publisher_publish(p.publisher, "a", 1, SECOND));
	WANT(RC_OK, rc_subscription_wait(p.subscription, SECOND, &r));
	CHECK(r.sequence == 1 && memcmp(r.data, "a", 1) == 0);
	rc_publisher_close(other);
	close_pair(&p);
}

static void stopped_reader_is_put_out(void)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	struct pair p = open_pair("slow", &config, NULL);
	rc_received r;
	rc_topic_info info;
	for (int i = 0; i < 200; i++)
		WANT(RC_OK, rc_publisher_publish(p.publisher, &i, sizeof i, 10 * SECOND));
	WANT(RC_OK, rc_publisher_info(p.publisher, &info));
	CHECK(info.evicted == 1 && info.tail >= 200);
	uint64_t lagged = 0;
	while (rc_subscription_poll(p.subscription, &r) == RC_OK)
		if (r.type == RC_TYPE_LAGGED)
			lagged += r.count;
	CHECK(lagged > 0);
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, SECOND));
	WANT(RC_OK, rc_subscription_wait(p.subscription, SECOND, &r));
	CHECK(r.sequence == 201);
	close_pair(&p);
}

static void latest_reader_is_told(void)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64, .mode = RC_RING_MODE_LATEST};
	struct pair p = open_pair("latest", &config, NULL);
	rc_received r;
	for (uint64_t i = 1; i <= 1000; i++)
		WANT(RC_OK, rc_publisher_publish(p.publisher, &i, sizeof i, 0));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	CHECK(r.type == RC_TYPE_LAGGED && r.first == 0 && r.count == 968);
	for (uint64_t i = 969; i <= 1000; i++) {
		WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
		CHECK(r.type == RC_TYPE_MESSAGE && r.sequence == i);
	}
	WANT(RC_NOTHING, rc_subscription_poll(p.subscription, &r));
	close_pair(&p);
}

static void history(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	rc_received r;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "h", NULL, &publisher));
	for (int i = 0; i < 10; i++)
		WANT(RC_OK, rc_publisher_publish(publisher, &i, sizeof i, 0));
	rc_subscription_config config = {.history = 4};
	WANT(RC_OK, rc_subscription_open(domain, "h", &config, &subscription));
	for (uint64_t i = 7; i <= 11; i++) {
		if (i == 11)
			WANT(RC_OK, rc_publisher_publish(publisher, "x", 1, 0));
		WANT(RC_OK, rc_subscription_poll(subscription, &r));
		CHECK(r.sequence == i);
	}
	rc_subscription_close(subscription);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

static void handle_goes_on(void)
{
	struct pair p = open_pair("again", NULL, NULL);
	rc_received r;
	struct rc_address first, second;
	uint64_t sequence;
	WANT(RC_OK, rc_publisher_publish(p.publisher, "a", 1, 0));
	WANT(RC_OK, rc_publisher_source(p.publisher, &first, NULL));
	rc_publisher_close(p.publisher);
	WANT(RC_OK, rc_publisher_open(p.domain, "again", NULL, &p.publisher));
	WANT(RC_OK, rc_publisher_source(p.publisher, &second, &sequence));
	CHECK(memcmp(&first, &second, sizeof first) == 0 && sequence == 1);
	WANT(RC_OK, rc_publisher_publish(p.publisher, "b", 1, 0));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	CHECK(r.sequence == 2);
	close_pair(&p);
}

static void shapes(void)
{
	struct pair p = open_pair("shape", NULL, NULL); /* the subscription has made the default ring */
	rc_publisher_config other = {.slots = 256, .slot_size = 100, .history = 7};
	rc_topic_info info;
	rc_received r;
	rc_publisher_close(p.publisher);
	WANT(RC_OK, rc_publisher_open(p.domain, "shape", &other, &p.publisher)); /* replaces it: nobody wrote it */
	WANT(RC_OK, rc_publisher_info(p.publisher, &info));
	CHECK(info.slots == 256 && info.slot_size == 128 && info.history == 7 && info.mode == RC_RING_MODE_RELIABLE);
	WANT(RC_OK, rc_publisher_publish(p.publisher, "first", 5, 0));
	WANT(RC_OK, rc_subscription_wait(p.subscription, SECOND, &r)); /* the reader was entered, and misses nothing */
	CHECK(r.type == RC_TYPE_MESSAGE && r.sequence == 1 && r.position == 0);
	rc_publisher *refused;
	other.slots = 512;
	WANT(RC_ERROR_SHAPE, rc_publisher_open(p.domain, "shape", &other, &refused));
	CHECK(strstr(rc_error_detail(), "256 slots") != NULL && strstr(rc_error_detail(), "512 slots") != NULL);
	close_pair(&p);
}

static void exclusive_has_one_owner(void)
{
	rc_publisher_config config = {.kind = RC_RING_KIND_EXCLUSIVE};
	struct pair p = open_pair("one", &config, NULL);
	rc_domain *second;
	rc_publisher *other;
	WANT(RC_OK, rc_domain_open(NULL, &second));
	WANT(RC_ERROR_NOT_EXCLUSIVE, rc_publisher_open(second, "one", &config, &other));
	rc_publisher_close(p.publisher);
	p.publisher = NULL;
	WANT(RC_OK, rc_publisher_open(second, "one", &config, &other));
	rc_publisher_close(other);
	WANT(RC_OK, rc_domain_close(second));
	close_pair(&p);
}

static void too_large_names_the_shape(void)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	struct pair p = open_pair("large", &config, NULL);
	uint8_t bytes[4096] = {0};
	WANT(RC_OK, rc_publisher_publish(p.publisher, bytes, 2048, 0));
	WANT(RC_ERROR_TOO_LARGE, rc_publisher_publish(p.publisher, bytes, 2049, 0));
	CHECK(strstr(rc_error_detail(), "slot size of 128") != NULL);
	close_pair(&p);
}

static void copying_reads(void)
{
	struct pair p = open_pair("copy", NULL, NULL);
	rc_received r;
	char small[2], large[8];
	WANT(RC_OK, rc_publisher_publish(p.publisher, "hello", 5, 0));
	WANT(RC_ERROR_BUFFER, rc_subscription_read(p.subscription, small, sizeof small, 0, &r));
	CHECK(r.size == 5);
	WANT(RC_OK, rc_subscription_read(p.subscription, large, sizeof large, 0, &r));
	CHECK(r.size == 5 && r.data == large && memcmp(large, "hello", 5) == 0 && r.sequence == 1);
	WANT(RC_NOTHING, rc_subscription_read(p.subscription, large, sizeof large, 0, &r));
	close_pair(&p);
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

struct stream {
	rc_publisher *publisher;
	uint64_t count;
};

static void *publish_stream(void *argument)
{
	struct stream *s = argument;
	for (uint64_t i = 1; i <= s->count; i++)
		if (rc_publisher_publish(s->publisher, &i, sizeof i, 30 * SECOND) != RC_OK)
			return s;
	return NULL;
}

/* Two producers and a reader at once; each source's sequences come in order, each once. */
static void stream_of(uint32_t kind, unsigned publishers, uint64_t count)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64, .kind = kind};
	struct pair p = open_pair("stream", &config, NULL);
	struct stream streams[2] = {{p.publisher, count}, {NULL, count}};
	pthread_t threads[2];
	uint64_t next[4] = {1, 1, 1, 1};
	void *failed;
	if (publishers > 1)
		WANT(RC_OK, rc_publisher_open(p.domain, "stream", &config, &streams[1].publisher));
	for (unsigned i = 0; i < publishers; i++)
		CHECK(pthread_create(&threads[i], NULL, publish_stream, &streams[i]) == 0);
	bool good = true;
	for (uint64_t i = 0; good && i < publishers * count; i++) {
		rc_received r;
		good = rc_subscription_wait(p.subscription, 30 * SECOND, &r) == RC_OK && r.type == RC_TYPE_MESSAGE && r.source.handle < 4 &&
			r.sequence == next[r.source.handle]++ && r.size == 8 && memcmp(r.data, &r.sequence, 8) == 0;
	}
	for (unsigned i = 0; i < publishers; i++)
		CHECK(pthread_join(threads[i], &failed) == 0 && failed == NULL);
	CHECK(good);
	rc_publisher_close(streams[1].publisher);
	close_pair(&p);
}

static void two_publishers_in_order(void) { stream_of(RC_RING_KIND_SHARED, 2, 50000); }
static void exclusive_in_order(void) { stream_of(RC_RING_KIND_EXCLUSIVE, 1, 100000); }

/* A child that claims, and is killed there. */
static void killed_writer_is_stepped_over(void)
{
	struct pair p = open_pair("killed", NULL, NULL);
	rc_received r;
	for (int round = 0; round < 3; round++) {
		int ready[2];
		CHECK(pipe(ready) == 0);
		pid_t child = fork();
		if (child == 0) {
			rc_domain *domain;
			rc_publisher *publisher;
			rc_claim claim;
			bool good = rc_domain_open(NULL, &domain) == RC_OK && rc_publisher_open(domain, "killed", NULL, &publisher) == RC_OK &&
				rc_publisher_claim(publisher, 8, SECOND, &claim) == RC_OK;
			(void)!write(ready[1], good ? "y" : "n", 1);
			for (;;)
				(void)pause();
		}
		char answer = 'n';
		CHECK(child > 0 && read(ready[0], &answer, 1) == 1);
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
		(void)close(ready[0]);
		(void)close(ready[1]);
		CHECK(answer == 'y');
		WANT(RC_OK, rc_publisher_publish(p.publisher, &round, sizeof round, SECOND));
		uint64_t start = now_ns();
		WANT(RC_OK, rc_subscription_wait(p.subscription, 10 * SECOND, &r));
		CHECK(r.sequence == (uint64_t)round + 1);
		printf("# a dead writer cost %.1f ms\n", (double)(now_ns() - start) / 1e6);
	}
	close_pair(&p);
}

/* A killed reader does not hold its producers up. */
static void killed_reader_frees_the_ring(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	int ready[2];
	char answer = 'n';
	CHECK(pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		rc_domain *own;
		rc_subscription *subscription;
		bool good = rc_domain_open(NULL, &own) == RC_OK && rc_subscription_open(own, "r", NULL, &subscription) == RC_OK;
		(void)!write(ready[1], good ? "y" : "n", 1);
		for (;;)
			(void)pause();
	}
	bool came = child > 0 && read(ready[0], &answer, 1) == 1 && answer == 'y';
	int opened = rc_domain_open(NULL, &domain);
	if (opened == RC_OK)
		opened = rc_publisher_open(domain, "r", &config, &publisher);
	for (int i = 0; opened == RC_OK && i < 64; i++)
		opened = rc_publisher_publish(publisher, &i, sizeof i, 0);
	int full = opened == RC_OK ? rc_publisher_publish(publisher, "x", 1, 0) : -100;
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	CHECK(came);
	WANT(RC_OK, opened);
	WANT(RC_FULL, full);
	WANT(RC_OK, rc_publisher_publish(publisher, "x", 1, 10 * SECOND));
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

static void forked_child_is_told(void)
{
	struct pair p = open_pair("fork", NULL, NULL);
	rc_received r;
	pid_t child = fork();
	if (child == 0) {
		rc_domain *own;
		bool good = rc_publisher_publish(p.publisher, "x", 1, 0) == RC_ERROR_FORKED && rc_subscription_poll(p.subscription, &r) == RC_ERROR_FORKED;
		rc_publisher_close(p.publisher);
		rc_subscription_close(p.subscription);
		good = good && rc_domain_close(p.domain) == RC_OK && rc_domain_open(NULL, &own) == RC_OK && rc_domain_close(own) == RC_OK;
		_exit(good ? 0 : 1);
	}
	int status = 1;
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 0));
	WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
	close_pair(&p);
}

/* The death of a parent is seen though a child of it lives on. */
static void parent_dies_child_lives(void)
{
	int ready[2];
	pid_t pids[2] = {0, 0};
	CHECK(pipe(ready) == 0);
	pid_t parent = fork();
	if (parent == 0) {
		rc_domain *domain;
		rc_publisher *publisher;
		rc_claim claim;
		if (rc_domain_open(NULL, &domain) != RC_OK || rc_publisher_open(domain, "orphan", NULL, &publisher) != RC_OK || rc_publisher_claim(publisher, 1, 0, &claim) != RC_OK)
			_exit(1);
		pid_t mine[2] = {getpid(), fork()};
		if (mine[1] == 0)
			for (;;)
				(void)pause();
		(void)!write(ready[1], mine, sizeof mine);
		for (;;)
			(void)pause();
	}
	ssize_t n = read(ready[0], pids, sizeof pids);
	(void)usleep(20000);
	(void)kill(parent, SIGKILL);
	(void)waitpid(parent, NULL, 0);
	rc_domain *domain;
	int result = rc_domain_open(NULL, &domain); /* recovers the dead */
	struct rc_address address = {0};
	if (result == RC_OK)
		result = rc_domain_address(domain, &address);
	(void)kill(pids[1], SIGKILL);
	CHECK(n == (ssize_t)sizeof pids);
	WANT(RC_OK, result);
	CHECK(address.index == 0 && address.generation == 2);
	WANT(RC_OK, rc_domain_close(domain));
}

int main(void)
{
	int failures = 0;
	RUN(every_size_reliable_shared);
	RUN(every_size_latest_shared);
	RUN(every_size_reliable_exclusive);
	RUN(every_size_latest_exclusive);
	RUN(full_ring_refuses);
	RUN(claims);
	RUN(slow_claim_is_fenced);
	RUN(stopped_reader_is_put_out);
	RUN(latest_reader_is_told);
	RUN(history);
	RUN(handle_goes_on);
	RUN(shapes);
	RUN(exclusive_has_one_owner);
	RUN(too_large_names_the_shape);
	RUN(copying_reads);
	RUN(wait_for_several);
	RUN(patterns);
	RUN(sleeping_pattern_is_woken);
	RUN(sleeper_is_woken);
	RUN(descriptor_becomes_readable);
	RUN(two_publishers_in_order);
	RUN(exclusive_in_order);
	RUN(killed_writer_is_stepped_over);
	RUN(killed_reader_frees_the_ring);
	RUN(forked_child_is_told);
	RUN(parent_dies_child_lives);
	return failures;
}
