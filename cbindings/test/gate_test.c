/* How producers wait for readers, seen from within. */
#define _GNU_SOURCE
#include "pair.h"
#include "publisher.h"

/* What the only reader of the ring was charged, in ns. */
static uint64_t charged(const rc_publisher *p)
{
	return load_relaxed(&p->producer.ring->entries[0].blocked_ns) & BLOCKED_MASK;
}

/* What is charged where a producer looked for room for two, went on with one, and was away for two steps. */
static uint64_t charged_meanwhile(uint32_t kind)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64, .kind = kind};
	struct pair p = open_pair("gate", &config, NULL);
	static const char two[100];
	for (int i = 0; i < 63; i++)
		WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 0));
	WANT(RC_FULL, rc_publisher_publish(p.publisher, two, sizeof two, 0));
	WANT(RC_OK, rc_publisher_publish(p.publisher, "x", 1, 0));
	rci_sleep(2 * RCI_MAX_STEP);
	WANT(RC_FULL, rc_publisher_publish(p.publisher, "x", 1, 0));
	uint64_t before = charged(p.publisher);
	rci_sleep(2 * RCI_MAX_STEP); /* and now it waits */
	WANT(RC_FULL, rc_publisher_publish(p.publisher, "x", 1, 0));
	CHECK(charged(p.publisher) >= RCI_MAX_STEP);
	close_pair(&p);
	return before;
}

/* It has waited no longer than until it went on. Each wait's first look charges nobody; on a loaded machine
 * time may pass before its second, in one try or another. */
static void room_for_less_ends_the_wait(uint32_t kind)
{
	uint64_t least = UINT64_MAX;
	for (int tries = 0; tries < 50 && least >= RCI_MAX_STEP; tries++) {
		uint64_t c = charged_meanwhile(kind);
		least = c < least ? c : least;
	}
	if (least >= RCI_MAX_STEP)
		FAIL("%llu ns were charged in which nobody waited", (unsigned long long)least);
}

static void room_for_less_ends_the_wait_shared(void) { room_for_less_ends_the_wait(RC_RING_KIND_SHARED); }
static void room_for_less_ends_the_wait_exclusive(void) { room_for_less_ends_the_wait(RC_RING_KIND_EXCLUSIVE); }

int main(void)
{
	int failures = 0;
	RUN(room_for_less_ends_the_wait_shared);
	RUN(room_for_less_ends_the_wait_exclusive);
	return failures;
}
