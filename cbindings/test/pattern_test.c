/* One subscription of many topics, whose messages are taken by the short ways: their order, their turns, and what is given back. */
#define _GNU_SOURCE
#include "check.h"

#define TOPICS 3
#define SLOTS 256
#define TURN 64

struct many {
	rc_domain *domain;
	rc_publisher *publishers[TOPICS];
	rc_subscription *subscription;
	uint64_t sent[TOPICS], seen[TOPICS];
};

static void send(struct many *m, int topic, unsigned count)
{
	while (count-- > 0) {
		uint64_t word = ++m->sent[topic] << 8 | (uint64_t)topic;
		WANT(RC_OK, rc_publisher_publish(m->publishers[topic], &word, sizeof word, 0));
	}
}

/* Takes a message, which has to be its topic's next; returns which topic's. */
static int take_one(struct many *m, rc_received *r)
{
	uint64_t word;
	WANT(RC_OK, rc_subscription_wait(m->subscription, LONG, r));
	CHECK(r->type == RC_TYPE_MESSAGE && r->size == sizeof word);
	memcpy(&word, r->data, sizeof word);
	int topic = (int)(word & 0xff);
	CHECK(topic < TOPICS && word >> 8 == ++m->seen[topic] && r->topic[5] == '0' + topic);
	CHECK(r->position == m->seen[topic] - 1 && r->sequence == m->seen[topic]);
	return topic;
}

/* All topics are joined, and one message of each is read: a subscription joins soon behind the publisher. */
static void open_many(struct many *m)
{
	rc_publisher_config config = {.slots = SLOTS, .slot_size = 64, .kind = RC_RING_KIND_EXCLUSIVE};
	char topic[] = "many.0";
	rc_received r;
	memset(m, 0, sizeof *m);
	WANT(RC_OK, rc_domain_open(NULL, &m->domain));
	WANT(RC_OK, rc_subscription_open(m->domain, "many.*", NULL, &m->subscription));
	for (int i = 0; i < TOPICS; i++) {
		topic[5] = (char)('0' + i);
		WANT(RC_OK, rc_publisher_open(m->domain, topic, &config, &m->publishers[i]));
		send(m, i, 1);
	}
	for (int i = 0; i < TOPICS; i++)
		take_one(m, &r);
	WANT(RC_NOTHING, rc_subscription_poll(m->subscription, &r));
	rc_subscription_release(m->subscription);
}

static void close_many(struct many *m)
{
	for (int i = 0; i < TOPICS; i++)
		rc_publisher_close(m->publishers[i]);
	rc_subscription_close(m->subscription);
	WANT(RC_OK, rc_domain_close(m->domain));
}

/* Each topic's messages come in order; no more than 64 of one while others wait. */
static void turns(void)
{
	struct many m;
	rc_received r;
	open_many(&m);
	for (int lap = 0; lap < 20; lap++) {
		int count = SLOTS - 3 * lap; /* so that turns begin in the middle of leases */
		for (int i = 0; i < TOPICS; i++)
			send(&m, i, (unsigned)count);
		int row = 0, last = -1;
		for (int n = 0; n < TOPICS * count; n++) {
			int topic = take_one(&m, &r);
			row = topic == last ? row + 1 : 1;
			last = topic;
			bool others = false;
			for (int i = 0; i < TOPICS; i++)
				others |= i != topic && m.seen[i] < m.sent[i];
			CHECK(row <= TURN || !others);
		}
		WANT(RC_NOTHING, rc_subscription_poll(m.subscription, &r));
	}
	close_many(&m);
}

/* A topic whose turn is over has its slots back although the reader looks at no more than another one, and the rest at the release. */
static void slots_come_back(void)
{
	struct many m;
	rc_received r;
	open_many(&m);
	for (int i = 0; i < TOPICS; i++)
		send(&m, i, SLOTS);
	int first = take_one(&m, &r), other = first;
	uint64_t word = 0;
	WANT(RC_FULL, rc_publisher_publish(m.publishers[first], &word, sizeof word, 0));
	while (other == first)
		other = take_one(&m, &r);
	CHECK(m.seen[first] == 1 + TURN);
	send(&m, first, TURN);
	take_one(&m, &r);
	rc_subscription_release(m.subscription);
	send(&m, other, (unsigned)m.seen[other] - 1);
	for (int i = 0; i < TOPICS; i++)
		while (m.seen[i] < m.sent[i])
			take_one(&m, &r);
	WANT(RC_NOTHING, rc_subscription_poll(m.subscription, &r));
	close_many(&m);
}

/* A message that was taken in the middle of a turn can be kept, and reading goes on. */
static void kept_in_turn(void)
{
	struct many m;
	rc_received r, other;
	rc_kept *kept;
	open_many(&m);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < TOPICS; i++)
			send(&m, i, 20);
		for (int n = 0; n < 30; n++)
			take_one(&m, &r);
		uint64_t before, now;
		memcpy(&before, r.data, sizeof before);
		WANT(RC_OK, rc_subscription_keep(m.subscription, &r, &kept));
		for (int n = 30; n < 20 * TOPICS; n++)
			take_one(&m, &other);
		memcpy(&now, r.data, sizeof now);
		CHECK(now == before);
		rc_kept_drop(kept);
		WANT(RC_NOTHING, rc_subscription_poll(m.subscription, &other));
	}
	close_many(&m);
}

/* A topic that comes in the middle of another one's turn is joined, and nothing of either is lost. */
static void topic_comes_in_a_turn(void)
{
	struct many m;
	rc_received r;
	open_many(&m);
	rc_publisher *late;
	send(&m, 0, 40);
	for (int n = 0; n < 10; n++)
		take_one(&m, &r);
	WANT(RC_OK, rc_publisher_open(m.domain, "many.late", NULL, &late));
	WANT(RC_OK, rc_publisher_publish(late, "x", 1, 0));
	bool came = false;
	for (int n = 0; n < 31; n++) {
		WANT(RC_OK, rc_subscription_wait(m.subscription, LONG, &r));
		CHECK(r.type == RC_TYPE_MESSAGE);
		if (strcmp(r.topic, "many.late") == 0)
			came = true;
		else
			CHECK(++m.seen[0] == r.sequence);
	}
	CHECK(came && m.seen[0] == 41);
	rc_publisher_close(late);
	close_many(&m);
}

int main(void)
{
	return run_test("pattern: turns", turns) | run_test("pattern: slots come back", slots_come_back) | run_test("pattern: kept in a turn", kept_in_turn) |
		run_test("pattern: a topic comes in a turn", topic_comes_in_a_turn);
}
