/* Readers that flush what they have read, seen from within. */
#define _GNU_SOURCE
#include "pair.h"
#include "subscription.h"

/* What a message takes in ns, kept in the caches and flushed. */
struct pace {
	double kept, flushed;
};

/* Runs so many laps, and says how many of them were flushed. The first lap behind a turn costs what the lap
 * before did. */
static int flushed_laps(struct flushing *f, struct pace pace, int laps)
{
	int flushed = 0;
	bool before = f->on;
	for (int i = 0; i < laps; i++) {
		double cost = before ? pace.flushed : pace.kept;
		before = f->on;
		flushed += f->on;
		rci_flush_judge(f, cost);
	}
	return flushed;
}

/* Far away a reader comes to flush and stays with it, near it does not and tries seldom, and it changes when the
 * distance does. */
static void goes_by_the_faster_way(void)
{
	struct pace near = {80, 130}, far = {1100, 225}, same = {1000, 1000};
	struct flushing f = {.left = 4};
	int n = flushed_laps(&f, near, 2000);
	CHECK(n >= 2 && n <= 100);
	n = flushed_laps(&f, far, 2000);
	CHECK(n >= 1600);
	n = flushed_laps(&f, near, 2000);
	CHECK(n <= 400);
	n = flushed_laps(&f, same, 2000);
	CHECK(n <= 100);
}

/* Flushing is a hint and no more: several laps come as without it. */
static void flushed_slots_are_read(uint32_t kind)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 256, .kind = kind};
	struct pair p = open_pair("flush", &config, NULL);
	uint8_t payload[1000];
	for (uint64_t i = 0; i < 1000; i++) {
		struct flushing *flush = &p.subscription->first->reader.flush;
		flush->on = flush->end != UINT64_MAX; /* where the processor can */
		size_t size = 8 + i * 7 % (sizeof payload - 8); /* fragments, too */
		memset(payload, (int)(i & 0xff), sizeof payload);
		WANT(RC_OK, rc_publisher_publish(p.publisher, payload, size, LONG));
		rc_received r;
		WANT(RC_OK, rc_subscription_wait(p.subscription, LONG, &r));
		CHECK(r.type == RC_TYPE_MESSAGE && r.size == size && memcmp(r.data, payload, size) == 0);
	}
	close_pair(&p);
}

static void flushed_slots_are_read_shared(void) { flushed_slots_are_read(RC_RING_KIND_SHARED); }
static void flushed_slots_are_read_exclusive(void) { flushed_slots_are_read(RC_RING_KIND_EXCLUSIVE); }

static void read_all(rc_subscription *s, int n)
{
	rc_received r;
	for (int i = 0; i < n; i++) {
		WANT(RC_OK, rc_subscription_wait(s, LONG, &r));
		CHECK(r.type == RC_TYPE_MESSAGE);
	}
	WANT(RC_NOTHING, rc_subscription_poll(s, &r)); /* releases what was read */
}

/* A reader flushes what all others have passed, and nothing that one of them has yet to read. */
static void the_last_flushes(void)
{
	struct pair p = open_pair("last", NULL, NULL);
	rc_subscription *other;
	WANT(RC_OK, rc_subscription_open(p.domain, "last", NULL, &other));
	const struct reader *d = &p.subscription->first->reader;
	for (int i = 0; i < 10; i++)
		WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, LONG));
	read_all(p.subscription, 10);
	CHECK(rci_flush_passed(d->ring, d->entry, 10) == 0); /* the other has read nothing */
	read_all(other, 10);
	CHECK(rci_flush_passed(d->ring, d->entry, 10) == 10);
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, LONG));
	read_all(p.subscription, 1);
	CHECK(rci_flush_passed(d->ring, d->entry, 11) == 10);
	rc_subscription_close(other);
	CHECK(rci_flush_passed(d->ring, d->entry, 11) == 11);
	close_pair(&p);
}

/* Who polls waits for no lead of the publisher, who waits does, in a stream. */
static void who_waits_gives_a_lead(void)
{
	rc_publisher_config config = {.slots = 1024, .slot_size = 64};
	struct pair p = open_pair("lead", &config, NULL);
	const struct flushing *f = &p.subscription->first->reader.flush;
	rc_received r;
	for (int waits = 0; waits < 2; waits++) {
		for (int i = 0; i < 200; i++)
			WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, LONG));
		for (int i = 0; i < 200; i++)
			WANT(RC_OK, waits ? rc_subscription_wait(p.subscription, LONG, &r) : rc_subscription_poll(p.subscription, &r));
		CHECK((f->vain > 0) == (waits > 0));
		WANT(RC_NOTHING, rc_subscription_poll(p.subscription, &r));
	}
	close_pair(&p);
}

int main(void)
{
	int failures = 0;
	RUN(goes_by_the_faster_way);
	RUN(flushed_slots_are_read_shared);
	RUN(flushed_slots_are_read_exclusive);
	RUN(the_last_flushes);
	RUN(who_waits_gives_a_lead);
	return failures;
}
