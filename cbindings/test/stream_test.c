/* Messages through rings of every kind and mode, in one process. */
#define _GNU_SOURCE
#include <pthread.h>

#include "pair.h"

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

/* Whoever does not read is put out when the topic's stall budget is over, and not before. */
static void stall_budget(void)
{
	rc_publisher_config configs[] = {{.slots = 4, .slot_size = 64, .stall_budget_ms = 100}, {.slots = 4, .slot_size = 64, .stall_budget_ms = 3600000}};
	static const char *const topics[] = {"short", "long"};
	rc_publisher_config wrong = {.stall_budget_ms = 99};
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_ERROR_INVALID, rc_publisher_open(domain, "wrong", &wrong, &publisher));
	for (int i = 0; i < 2; i++) {
		WANT(RC_OK, rc_publisher_open(domain, topics[i], &configs[i], &publisher));
		WANT(RC_OK, rc_subscription_open(domain, topics[i], NULL, &subscription));
		for (int n = 0; n < 4; n++)
			WANT(RC_OK, rc_publisher_publish(publisher, "x", 1, 0));
		WANT(i == 0 ? RC_OK : RC_TIMED_OUT, rc_publisher_publish(publisher, "x", 1, i == 0 ? LONG : 700 * MS));
		rc_subscription_close(subscription);
		rc_publisher_close(publisher);
	}
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

/* Who asks for large slots and for no number gets few: messaging.md, 1. */
static void large_slots_are_few(void)
{
	static const struct { uint32_t slots, size, history, have; } cases[] = {
		{0, 16384, 0, 1024}, {0, 16385, 0, 512}, {0, 65536, 0, 256}, {0, 262144, 0, 64}, {0, 262144, 33, 128}, {128, 65536, 0, 128}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p = open_pair("large", NULL, NULL); /* the default ring, which nobody writes */
		rc_publisher_config large = {.slots = cases[i].slots, .slot_size = cases[i].size, .history = cases[i].history};
		rc_topic_info info;
		for (int made = 0; made < 2; made++) { /* replaced, and then made anew */
			rc_publisher_close(p.publisher);
			p.publisher = NULL;
			if (made == 1) {
				rc_subscription_close(p.subscription);
				p.subscription = NULL;
			}
			WANT(RC_OK, rc_publisher_open(p.domain, "large", &large, &p.publisher));
			WANT(RC_OK, rc_publisher_info(p.publisher, &info));
			CHECK(info.slots == cases[i].have);
		}
		close_pair(&p);
	}
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

/* Messages that are committed in several runs (ring.md, 11), each also one byte to either side of a run's end. */
static void larger_than_a_run(void)
{
	static const size_t large[] = {(64 << 10) - 1, 64 << 10, (64 << 10) + 1, (64 << 10) + 129, 300001, 1 << 19};
	static uint8_t bytes[1 << 19];
	rc_publisher_config config = {.slots = 8192, .slot_size = 128};
	struct pair p = open_pair("runs", &config, NULL);
	for (uint64_t n = 1; n <= 2 * sizeof large / sizeof *large; n++) {
		size_t size = large[(n - 1) % (sizeof large / sizeof *large)];
		rc_received r;
		fill(bytes, size, n);
		WANT(RC_OK, rc_publisher_publish(p.publisher, bytes, size, 30 * SECOND));
		WANT(RC_OK, rc_subscription_wait(p.subscription, 30 * SECOND, &r));
		CHECK(r.sequence == n && r.size == size && filled(r.data, size, n));
	}
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
static void stream_of(uint32_t kind, unsigned publishers, uint64_t count, uint32_t slots)
{
	rc_publisher_config config = {.slots = slots, .slot_size = 64, .kind = kind};
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

static void two_publishers_in_order(void) { stream_of(RC_RING_KIND_SHARED, 2, 50000, 64); }
static void exclusive_in_order(void) { stream_of(RC_RING_KIND_EXCLUSIVE, 1, 100000, 64); }
static void four_slots_in_order(void) { stream_of(RC_RING_KIND_SHARED, 2, 500, 4); }
static void eight_slots_in_order(void) { stream_of(RC_RING_KIND_SHARED, 2, 500, 8); }
static void four_exclusive_slots_in_order(void) { stream_of(RC_RING_KIND_EXCLUSIVE, 1, 1000, 4); }

/* The smallest ring: half of it is the largest message, and a history goes round it. */
static void four_slots(uint32_t kind)
{
	rc_publisher_config config = {.slots = 4, .slot_size = 64, .kind = kind, .history = 2};
	struct pair p = open_pair("four", &config, NULL);
	rc_subscription_config back = {.history = 2};
	rc_subscription *late;
	rc_received r;
	uint8_t bytes[129];
	for (uint64_t n = 0; n < 50; n++) {
		fill(bytes, 128, n);
		for (int half = 0; half < 2; half++)
			WANT(RC_OK, rc_publisher_publish(p.publisher, bytes, 128 - n % 3, 0));
		WANT(RC_FULL, rc_publisher_publish(p.publisher, bytes, 1, 0));
		for (int half = 0; half < 2; half++) {
			WANT(RC_OK, rc_subscription_poll(p.subscription, &r));
			CHECK(r.type == RC_TYPE_MESSAGE && r.size == 128 - n % 3 && memcmp(r.data, bytes, r.size) == 0);
		}
		WANT(RC_NOTHING, rc_subscription_poll(p.subscription, &r));
	}
	WANT(RC_ERROR_TOO_LARGE, rc_publisher_publish(p.publisher, bytes, 129, 0));
	WANT(RC_OK, rc_subscription_open(p.domain, "four", &back, &late));
	WANT(RC_OK, rc_subscription_poll(late, &r));
	CHECK(r.type == RC_TYPE_MESSAGE && r.sequence == 100);
	rc_subscription_close(late);
	close_pair(&p);
}

static void four_slots_shared(void) { four_slots(RC_RING_KIND_SHARED); }
static void four_slots_exclusive(void) { four_slots(RC_RING_KIND_EXCLUSIVE); }

static void too_few_slots(void)
{
	rc_domain *domain;
	rc_publisher *p;
	rc_publisher_config config = {.slots = 2};
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_ERROR_INVALID, rc_publisher_open(domain, "few", &config, &p));
	CHECK(strstr(rc_error_detail(), "from 4 to") != NULL);
	config = (rc_publisher_config){.slots = 32, .mode = RC_RING_MODE_LATEST};
	WANT(RC_ERROR_INVALID, rc_publisher_open(domain, "few", &config, &p));
	CHECK(strstr(rc_error_detail(), "from 64 to") != NULL);
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
	RUN(stall_budget);
	RUN(handle_goes_on);
	RUN(shapes);
	RUN(large_slots_are_few);
	RUN(exclusive_has_one_owner);
	RUN(too_large_names_the_shape);
	RUN(larger_than_a_run);
	RUN(copying_reads);
	RUN(two_publishers_in_order);
	RUN(exclusive_in_order);
	RUN(four_slots_in_order);
	RUN(eight_slots_in_order);
	RUN(four_exclusive_slots_in_order);
	RUN(four_slots_shared);
	RUN(four_slots_exclusive);
	RUN(too_few_slots);
	return failures;
}
