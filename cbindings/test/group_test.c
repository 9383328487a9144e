/* Queue groups: each message goes to one member, whoever comes, goes, stands or dies. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

static const rc_publisher_config small = {.slots = 64, .slot_size = 64};

static rc_subscription *join(rc_domain *domain, const char *topic)
{
	rc_subscription_config config = {.reading = RC_READ_GROUP, .group = "g"};
	rc_subscription *subscription;
	WANT(RC_OK, rc_subscription_open(domain, topic, &config, &subscription));
	return subscription;
}

static void publish(rc_publisher *publisher, uint64_t first, uint64_t last)
{
	for (uint64_t n = first; n <= last; n++)
		WANT(RC_OK, rc_publisher_publish(publisher, &n, sizeof n, 10 * SECOND));
}

/* Takes the next message, which has to be number n. */
static void want_message(rc_subscription *member, uint64_t n)
{
	rc_received r;
	WANT(RC_OK, rc_subscription_wait(member, 10 * SECOND, &r));
	if (r.type != RC_TYPE_MESSAGE || r.sequence != n || r.size != sizeof n || memcmp(r.data, &n, sizeof n) != 0)
		FAIL("type %u, sequence %llu, want message %llu", (unsigned)r.type, (unsigned long long)r.sequence, (unsigned long long)n);
}

static void want_nothing(rc_subscription *member)
{
	rc_received r;
	for (int i = 0; i < 100; i++)
		WANT(RC_NOTHING, rc_subscription_poll(member, &r));
}

static void each_goes_to_one(uint32_t kind)
{
	rc_publisher_config config = small;
	rc_domain *domain;
	rc_publisher *publisher;
	config.kind = kind;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	rc_subscription *members[2] = {join(domain, "t"), join(domain, "t")};
	WANT(RC_OK, rc_publisher_open(domain, "t", &config, &publisher)); /* replaces the ring that the first member made */
	for (uint64_t n = 1; n <= 1000; n++) {
		publish(publisher, n, n);
		want_message(members[n % 2], n);
		want_nothing(members[(n + 1) % 2]);
	}
	want_nothing(members[0]);
	rc_subscription_close(members[0]);
	rc_subscription_close(members[1]);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

static void shared_each_goes_to_one(void) { each_goes_to_one(RC_RING_KIND_SHARED); }
static void exclusive_each_goes_to_one(void) { each_goes_to_one(RC_RING_KIND_EXCLUSIVE); }

/* A member that has taken three and then stands still; the gate is at 0, since three are no batch. The
 * publisher moves it: 64 and 3 messages fit, and not one more, since the fourth nobody has taken. */
static void publisher_moves_the_gate(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "t", &small, &publisher));
	rc_subscription *member = join(domain, "t");
	publish(publisher, 1, 3);
	for (uint64_t n = 1; n <= 3; n++)
		want_message(member, n);
	publish(publisher, 4, 67);
	WANT(RC_FULL, rc_publisher_publish(publisher, "x", 1, 0));
	WANT(RC_TIMED_OUT, rc_publisher_publish(publisher, "x", 1, 20 * MS));
	for (uint64_t n = 4; n <= 67; n++)
		want_message(member, n);
	want_nothing(member);
	rc_subscription_close(member);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

/* Joins in a child, takes message 1, does with it what `how` says, and is killed. */
static void child_takes(char how)
{
	int ready[2];
	CHECK(pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		rc_domain *domain;
		rc_subscription *member;
		rc_subscription_config config = {.reading = RC_READ_GROUP, .group = "g"};
		rc_received r;
		if (rc_domain_open(NULL, &domain) != RC_OK || rc_subscription_open(domain, "t", &config, &member) != RC_OK || write(ready[1], "j", 1) != 1 ||
			rc_subscription_wait(member, 10 * SECOND, &r) != RC_OK)
			_exit(1);
		if (how == 'r')
			rc_subscription_release(member);
		if (how == 'c')
			rc_subscription_close(member);
		(void)!write(ready[1], "t", 1);
		for (;;)
			(void)pause();
	}
	char byte = 0;
	CHECK(read(ready[0], &byte, 1) == 1 && byte == 'j');
	rc_domain *domain;
	rc_publisher *publisher;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "t", &small, &publisher));
	publish(publisher, 1, 2);
	CHECK(read(ready[0], &byte, 1) == 1 && byte == 't');
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain)); /* the ring stays: it has a group that somebody was in */
}

/* The topic's publisher and all members are gone: what the dead one had in hand is told to the next. */
static void dead_member_is_told_of(void)
{
	rc_domain *domain;
	rc_received r;
	child_takes('h');
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	rc_subscription *member = join(domain, "t");
	WANT(RC_OK, rc_subscription_wait(member, 10 * SECOND, &r));
	CHECK(r.type == RC_TYPE_ABANDONED && r.sequence == 1 && r.position == 0 && r.source.handle == 1 && r.source.index == 1);
	CHECK(r.taker.handle == 0 && r.taker.index == 0 && r.taker.generation != 0 && r.taker.node == r.source.node);
	want_message(member, 2);
	want_nothing(member);
	rc_subscription *second = join(domain, "t");
	want_nothing(second); /* once */
	rc_subscription_close(second);
	rc_subscription_close(member);
	WANT(RC_OK, rc_domain_close(domain));
}

static void want_only_second(char how)
{
	rc_domain *domain;
	child_takes(how);
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	rc_subscription *member = join(domain, "t");
	want_message(member, 2);
	want_nothing(member);
	rc_subscription_close(member);
	WANT(RC_OK, rc_domain_close(domain));
}

/* What was released was handled: its taker's death is nobody's business. */
static void released_is_done(void) { want_only_second('r'); }

/* A report that was told and not acknowledged, since who told it died, is told again. */
static void report_is_told_again(void)
{
	int told[2];
	char byte = 0;
	rc_domain *domain;
	rc_received r;
	child_takes('h');
	CHECK(pipe(told) == 0);
	pid_t child = fork();
	if (child == 0) {
		rc_subscription_config config = {.reading = RC_READ_GROUP, .group = "g"};
		rc_subscription *member;
		if (rc_domain_open(NULL, &domain) == RC_OK && rc_subscription_open(domain, "t", &config, &member) == RC_OK &&
			rc_subscription_wait(member, 10 * SECOND, &r) == RC_OK && r.type == RC_TYPE_ABANDONED)
			(void)!write(told[1], "t", 1);
		_exit(0);
	}
	(void)close(told[1]);
	(void)waitpid(child, NULL, 0);
	CHECK(read(told[0], &byte, 1) == 1);
	(void)close(told[0]);
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	rc_subscription *member = join(domain, "t");
	WANT(RC_OK, rc_subscription_wait(member, 10 * SECOND, &r));
	CHECK(r.type == RC_TYPE_ABANDONED && r.sequence == 1 && r.position == 0);
	want_message(member, 2);
	want_nothing(member);
	rc_subscription_close(member);
	WANT(RC_OK, rc_domain_close(domain));
}

/* A group that all have left holds nobody back; the next member is told what the ring has no more. */
static void left_group_holds_nobody(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_received r;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "t", &small, &publisher));
	rc_subscription *member = join(domain, "t");
	publish(publisher, 1, 1);
	want_message(member, 1);
	rc_subscription_close(member);
	for (uint64_t n = 2; n <= 200; n++)
		WANT(RC_OK, rc_publisher_publish(publisher, &n, sizeof n, 0));
	member = join(domain, "t");
	WANT(RC_OK, rc_subscription_wait(member, 10 * SECOND, &r));
	/* the middle of the ring is at 200 - 32 = 168; position 0, where the gate stood, was taken */
	CHECK(r.type == RC_TYPE_LAGGED && r.first == 0 && r.count == 167);
	for (uint64_t n = 169; n <= 200; n++)
		want_message(member, n);
	want_nothing(member);
	rc_subscription_close(member);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

/* A group that stands is put out after its stall budget; what it has missed is told exactly. */
static void standing_group_is_put_out(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_received r;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "t", &small, &publisher));
	rc_subscription *member = join(domain, "t");
	publish(publisher, 1, 1);
	want_message(member, 1); /* in hand while the group is put out */
	publish(publisher, 2, 300);
	uint64_t got = 1, missed = 0, last = 1;
	while (last < 300) {
		WANT(RC_OK, rc_subscription_wait(member, 10 * SECOND, &r));
		if (r.type == RC_TYPE_LAGGED) {
			missed += r.count;
			continue;
		}
		CHECK(r.type == RC_TYPE_MESSAGE && r.sequence > last);
		last = r.sequence;
		got++;
	}
	if (got + missed != 300 || missed == 0)
		FAIL("%llu came, %llu were missed, of 300", (unsigned long long)got, (unsigned long long)missed);
	rc_subscription_close(member);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

static void sleeping_member_is_woken(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "t", &small, &publisher));
	pid_t child = fork();
	if (child == 0) {
		rc_domain *own;
		rc_publisher *other;
		if (rc_domain_open(NULL, &own) != RC_OK || rc_publisher_open(own, "t", NULL, &other) != RC_OK)
			_exit(1);
		for (uint64_t n = 1; n <= 20; n++) {
			(void)usleep(5000);
			if (rc_publisher_publish(other, &n, sizeof n, SECOND) != RC_OK)
				_exit(1);
		}
		_exit(0);
	}
	rc_subscription *member = join(domain, "t");
	rc_received r;
	uint64_t n = 0;
	do {
		WANT(RC_OK, rc_subscription_wait(member, 10 * SECOND, &r));
		CHECK(r.type == RC_TYPE_MESSAGE && r.sequence > n);
		n = r.sequence;
	} while (n < 20);
	(void)waitpid(child, NULL, 0);
	rc_subscription_close(member);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

/* A copy is in hand as well, until it was worked on. */
static void copied_is_in_hand(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_received r;
	uint64_t n = 0;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "t", &small, &publisher));
	rc_subscription *member = join(domain, "t");
	publish(publisher, 1, 2);
	WANT(RC_ERROR_BUFFER, rc_subscription_read(member, &n, 4, SECOND, &r));
	WANT(RC_OK, rc_subscription_read(member, &n, sizeof n, SECOND, &r)); /* the same again */
	CHECK(n == 1 && r.sequence == 1 && r.data == &n);
	WANT(RC_OK, rc_subscription_read(member, &n, sizeof n, SECOND, &r));
	CHECK(n == 2 && r.sequence == 2);
	want_nothing(member);
	rc_subscription_close(member);
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
}

static void refusals(void)
{
	rc_domain *domain;
	rc_publisher *publisher, *latest;
	rc_subscription *s;
	rc_publisher_config config = {.mode = RC_RING_MODE_LATEST};
	rc_subscription_config group = {.group = "g"};
	uint8_t large[65] = {0};
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_ERROR_INVALID, rc_subscription_open(domain, "t", &group, &s));
	group = (rc_subscription_config){.reading = RC_READ_GROUP};
	WANT(RC_ERROR_INVALID, rc_subscription_open(domain, "t", &group, &s));
	group.group = "a.b";
	WANT(RC_ERROR_INVALID, rc_subscription_open(domain, "t", &group, &s));
	group.group = "123456789012345678901234567890123";
	WANT(RC_ERROR_INVALID, rc_subscription_open(domain, "t", &group, &s));
	group.group = "g";
	WANT(RC_ERROR_INVALID, rc_subscription_open(domain, "t.*", &group, &s));
	group.history = 1;
	WANT(RC_ERROR_INVALID, rc_subscription_open(domain, "t", &group, &s));
	WANT(RC_OK, rc_publisher_open(domain, "l", &config, &latest));
	group.history = 0;
	WANT(RC_ERROR_MODE, rc_subscription_open(domain, "l", &group, &s));
	WANT(RC_OK, rc_publisher_open(domain, "t", &small, &publisher));
	s = join(domain, "t");
	WANT(RC_ERROR_TOO_LARGE, rc_publisher_publish(publisher, large, sizeof large, 0));
	rc_subscription_close(s);
	WANT(RC_OK, rc_publisher_publish(publisher, large, sizeof large, 0)); /* nobody's group reads it now */
	s = join(domain, "t"); /* goes on behind what came in pieces, which is told as one missed */
	rc_received r;
	WANT(RC_OK, rc_subscription_poll(s, &r));
	CHECK(r.type == RC_TYPE_LAGGED && r.count == 1 && r.first == 0);
	want_nothing(s);
	rc_subscription_close(s);
	rc_publisher_close(publisher);
	rc_publisher_close(latest);
	WANT(RC_OK, rc_domain_close(domain));
}

/* One ring has 256 entries, the group's own included. */
static void table_of_readers_is_full(void)
{
	enum { MEMBERS = 255 };
	rc_domain *domain;
	static rc_subscription *members[MEMBERS];
	rc_subscription *more;
	rc_subscription_config config = {.reading = RC_READ_GROUP, .group = "g"};
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	for (int i = 0; i < MEMBERS; i++)
		members[i] = join(domain, "t");
	WANT(RC_ERROR_READERS_FULL, rc_subscription_open(domain, "t", &config, &more));
	rc_subscription_close(members[0]);
	members[0] = join(domain, "t");
	for (int i = 0; i < MEMBERS; i++)
		rc_subscription_close(members[i]);
	WANT(RC_OK, rc_domain_close(domain));
}

int main(void)
{
	int failures = 0;
	RUN(shared_each_goes_to_one);
	RUN(exclusive_each_goes_to_one);
	RUN(publisher_moves_the_gate);
	RUN(dead_member_is_told_of);
	RUN(released_is_done);
	RUN(report_is_told_again);
	RUN(left_group_holds_nobody);
	RUN(standing_group_is_put_out);
	RUN(sleeping_member_is_woken);
	RUN(copied_is_in_hand);
	RUN(refusals);
	RUN(table_of_readers_is_full);
	return failures;
}
