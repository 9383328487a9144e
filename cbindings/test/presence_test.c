/* Who is there, and who comes and goes. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

static void want_event(rc_watch *w, bool up, uint32_t kind, const char *name, uint8_t reason)
{
	rc_presence_event e;
	WANT(RC_OK, rc_watch_wait(w, LONG, &e));
	if (e.up != up || e.kind != kind || strcmp(e.name, name) != 0 || e.reason != reason)
		FAIL("%s %u %s (%u), want %s %u %s (%u)", e.up ? "up" : "down", (unsigned)e.kind, e.name, (unsigned)e.reason, up ? "up" : "down", (unsigned)kind, name, (unsigned)reason);
}

static void comes_and_goes(void)
{
	rc_config config = {.name = "other"};
	rc_domain *d, *other;
	rc_watch *w;
	rc_presence_event e;
	rc_publisher *p;
	rc_subscription *s;
	rc_service *service;
	rc_service_config serve = {.concurrency = 3};
	WANT(RC_OK, rc_domain_open(NULL, &d));
	WANT(RC_OK, rc_watch_open(d, NULL, &w));
	WANT(RC_OK, rc_watch_wait(w, 0, &e));
	CHECK(e.kind == RC_PRESENCE_PARTICIPANT && e.first && e.up && e.language == RC_LANGUAGE_C);
	WANT(RC_NOTHING, rc_watch_wait(w, 0, &e));
	WANT(RC_OK, rc_domain_open(&config, &other));
	want_event(w, true, RC_PRESENCE_PARTICIPANT, "other", 0);
	WANT(RC_OK, rc_publisher_open(other, "orders.eu", NULL, &p));
	want_event(w, true, RC_PRESENCE_PUBLISHER, "orders.eu", 0);
	WANT(RC_OK, rc_subscription_open(other, "orders.>", NULL, &s));
	want_event(w, true, RC_PRESENCE_SUBSCRIBER, "orders.>", 0);
	WANT(RC_OK, rc_service_open(other, "pricing", &serve, &service));
	WANT(RC_OK, rc_watch_wait(w, LONG, &e));
	CHECK(e.kind == RC_PRESENCE_INSTANCE && e.limit == 3 && strcmp(e.program, "other") == 0);
	rc_service_close(service);
	want_event(w, false, RC_PRESENCE_INSTANCE, "pricing", RC_REASON_LEFT);
	rc_subscription_close(s);
	want_event(w, false, RC_PRESENCE_SUBSCRIBER, "orders.>", RC_REASON_LEFT);
	rc_publisher_close(p);
	want_event(w, false, RC_PRESENCE_PUBLISHER, "orders.eu", RC_REASON_LEFT);
	WANT(RC_OK, rc_domain_close(other));
	want_event(w, false, RC_PRESENCE_PARTICIPANT, "other", RC_REASON_LEFT);
	WANT(RC_ERROR_BUSY, rc_domain_close(d));
	rc_watch_close(w);
	WANT(RC_OK, rc_domain_close(d));
}

/* A listing of what has to do with a name, and a count of subscriptions. */
static void by_name(void)
{
	rc_domain *d;
	rc_watch *w;
	rc_presence_event e;
	rc_publisher *p;
	rc_subscription *s, *t;
	uint32_t have;
	rc_watch_config config = {.kinds = 1 << RC_PRESENCE_PUBLISHER | 1 << RC_PRESENCE_SUBSCRIBER, .name = "a.*", .once = true};
	WANT(RC_OK, rc_domain_open(NULL, &d));
	WANT(RC_OK, rc_publisher_open(d, "a.b", NULL, &p));
	WANT(RC_OK, rc_subscription_open(d, ">", NULL, &s));
	WANT(RC_OK, rc_subscription_open(d, "b.c", NULL, &t));
	WANT(RC_OK, rc_watch_open(d, &config, &w));
	want_event(w, true, RC_PRESENCE_PUBLISHER, "a.b", 0);
	want_event(w, true, RC_PRESENCE_SUBSCRIBER, ">", 0);
	WANT(RC_END, rc_watch_wait(w, LONG, &e));
	rc_watch_close(w);
	WANT(RC_OK, rc_wait_for_subscribers(d, "b.c", 2, LONG, &have));
	CHECK(have == 2);
	WANT(RC_TIMED_OUT, rc_wait_for_subscribers(d, "b.c", 3, MS, &have));
	config.name = "a..b";
	WANT(RC_ERROR_NAME, rc_watch_open(d, &config, &w));
	config.name = NULL;
	config.kinds = 1 << 9;
	WANT(RC_ERROR_INVALID, rc_watch_open(d, &config, &w));
	rc_publisher_close(p);
	rc_subscription_close(s);
	rc_subscription_close(t);
	WANT(RC_OK, rc_domain_close(d));
}

/* A process that is killed is told of as dead, through a descriptor. */
static void killed(void)
{
	int ready[2], fd;
	char byte;
	CHECK(pipe(ready) == 0);
	pid_t child = fork();
	if (child == 0) {
		rc_config config = {.name = "victim"};
		rc_domain *d;
		if (rc_domain_open(&config, &d) != RC_OK || write(ready[1], "j", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	rc_domain *d;
	rc_watch *w;
	rc_presence_event e;
	rc_watch_config config = {.kinds = 1 << RC_PRESENCE_PARTICIPANT};
	WANT(RC_OK, rc_domain_open(NULL, &d));
	WANT(RC_OK, rc_watch_open(d, &config, &w));
	WANT(RC_OK, rc_watch_wait(w, 0, &e));
	WANT(RC_OK, rc_watch_wait(w, 0, &e));
	WANT(RC_NOTHING, rc_watch_wait(w, 0, &e));
	WANT(RC_OK, rc_watch_fd(w, &fd));
	(void)kill(child, SIGKILL);
	int result = RC_NOTHING;
	while (result == RC_NOTHING) {
		struct pollfd p = {fd, POLLIN, 0};
		CHECK(poll(&p, 1, 60000) == 1);
		result = rc_watch_wait(w, 0, &e);
	}
	WANT(RC_OK, result);
	CHECK(!e.up && strcmp(e.name, "victim") == 0 && e.reason == RC_REASON_DIED);
	(void)waitpid(child, NULL, 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	rc_watch_close(w);
	WANT(RC_OK, rc_domain_close(d));
}

/* One who was killed, and whom somebody else recovered before the watch looks, has died all the same: its record is another's by
 * then, or free again. */
static void recovered_by_another(void)
{
	for (int again = 0; again < 2; again++) {
		int ready[2];
		char byte;
		CHECK(pipe(ready) == 0);
		rc_config config = {.name = "third"};
		rc_watch_config kinds = {.kinds = 1 << RC_PRESENCE_PARTICIPANT};
		rc_domain *d, *third;
		rc_watch *w;
		rc_presence_event e;
		pid_t child = fork();
		if (child == 0) {
			config.name = "victim";
			if (rc_domain_open(&config, &d) != RC_OK || write(ready[1], "j", 1) != 1)
				_exit(1);
			for (;;)
				(void)pause();
		}
		CHECK(read(ready[0], &byte, 1) == 1);
		WANT(RC_OK, rc_domain_open(NULL, &d));
		WANT(RC_OK, rc_watch_open(d, &kinds, &w));
		WANT(RC_OK, rc_watch_wait(w, 0, &e));
		WANT(RC_OK, rc_watch_wait(w, 0, &e));
		WANT(RC_NOTHING, rc_watch_wait(w, 0, &e));
		(void)kill(child, SIGKILL);
		(void)waitpid(child, NULL, 0);
		WANT(RC_OK, rc_domain_open(&config, &third)); /* it recovers the dead, and takes the free index */
		if (!again)
			WANT(RC_OK, rc_domain_close(third));
		want_event(w, false, RC_PRESENCE_PARTICIPANT, "victim", RC_REASON_DIED);
		if (again) {
			want_event(w, true, RC_PRESENCE_PARTICIPANT, "third", 0);
			WANT(RC_OK, rc_domain_close(third));
			want_event(w, false, RC_PRESENCE_PARTICIPANT, "third", RC_REASON_LEFT);
		}
		(void)close(ready[0]);
		(void)close(ready[1]);
		rc_watch_close(w);
		WANT(RC_OK, rc_domain_close(d));
	}
}

int main(void)
{
	int failures = 0;
	RUN(comes_and_goes);
	RUN(by_name);
	RUN(killed);
	RUN(recovered_by_another);
	return failures;
}
