/* Processes that are killed: an instance with a request in hand, and a caller with requests in flight. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include "check.h"

struct child {
	pid_t pid;
	int out;
};

static char heard(const struct child *c)
{
	char byte = 0;
	if (read(c->out, &byte, 1) != 1)
		return 0;
	return byte;
}

static void say(int out, char byte)
{
	if (write(out, &byte, 1) != 1)
		_exit(2);
}

/* Starts a child that says what it does on `out`. */
static struct child start(void (*run)(int out))
{
	int ends[2];
	CHECK(pipe(ends) == 0);
	struct child c = {fork(), ends[0]};
	if (c.pid == 0) {
		run(ends[1]);
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	return c;
}

static void end(struct child *c)
{
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	(void)close(c->out);
}

/* An instance that takes one request and stays with it. */
static void hold_one(int out)
{
	rc_domain *d;
	rc_service *s;
	rc_task *t;
	if (rc_domain_open(NULL, &d) != RC_OK || rc_service_open(d, "s", NULL, &s) != RC_OK)
		_exit(1);
	say(out, 'r');
	if (rc_service_wait(s, LONG, &t) != RC_OK)
		_exit(1);
	say(out, 't');
}

/* The request in its hand has died with it; the ones that wait run nowhere. Nobody else is there. */
static void the_only_instance(void)
{
	struct child c = start(hold_one);
	CHECK(heard(&c) == 'r');
	rc_domain *d = open_domain();
	rc_future *f[4];
	rc_reply r = {0};
	for (int i = 0; i < 4; i++)
		WANT(RC_OK, rc_request_start(d, "s", &i, sizeof i, NULL, &f[i]));
	CHECK(heard(&c) == 't');
	end(&c);
	WANT(RC_ERROR_INSTANCE_DIED, rc_future_wait(f[0], LONG, &r));
	for (int i = 1; i < 4; i++)
		WANT(RC_ERROR_NO_SERVICE, rc_future_wait(f[i], LONG, &r));
	WANT(RC_ERROR_NO_SERVICE, rc_request(d, "s", "x", 1, NULL, &r));
	for (int i = 0; i < 4; i++)
		rc_future_close(f[i]);
	WANT(RC_OK, rc_domain_close(d));
}

/* Another instance is told of it, and serves the rest. */
static void another_instance(void)
{
	struct child c = start(hold_one);
	CHECK(heard(&c) == 'r');
	rc_domain *d = open_domain();
	rc_future *f, *rest;
	rc_service *s;
	rc_task *t;
	rc_reply r = {0};
	WANT(RC_OK, rc_request_start(d, "s", "1", 1, NULL, &f));
	CHECK(heard(&c) == 't');
	WANT(RC_OK, rc_service_open(d, "s", NULL, &s));
	WANT(RC_OK, rc_request_start(d, "s", "2", 1, NULL, &rest));
	end(&c);
	WANT(RC_OK, rc_service_wait(s, LONG, &t));
	CHECK(t->size == 1 && memcmp(t->data, "2", 1) == 0);
	WANT(RC_OK, rc_task_reply(t, "two", 3));
	WANT(RC_OK, rc_future_wait(rest, LONG, &r));
	WANT(RC_ERROR_INSTANCE_DIED, rc_future_wait(f, LONG, &r));
	rc_future_close(f);
	rc_future_close(rest);
	rc_service_close(s);
	rc_reply_clear(&r);
	WANT(RC_OK, rc_domain_close(d));
}

/* Asks many, and is killed with all of them open. */
static void ask_many(int out)
{
	rc_domain *d;
	rc_future *f;
	if (rc_domain_open(NULL, &d) != RC_OK)
		_exit(1);
	for (int i = 0; i < 50; i++)
		if (rc_request_start(d, "s", &i, sizeof i, NULL, &f) != RC_OK)
			_exit(1);
	say(out, 'a');
}

/* What its caller does not wait for is dropped, and others are served as before. */
static void a_caller(void)
{
	rc_domain *d = open_domain();
	rc_service_config config = {.concurrency = 2};
	rc_service *s;
	rc_task *t, *first;
	rc_reply r = {0};
	rc_future *f;
	WANT(RC_OK, rc_service_open(d, "s", &config, &s));
	/* The child has no use for our handles, but the ring is there. */
	struct child c = start(ask_many);
	CHECK(heard(&c) == 'a');
	WANT(RC_OK, rc_service_wait(s, LONG, &first));
	WANT(RC_OK, rc_task_wanted(first));
	end(&c);
	int result = RC_OK;
	for (int i = 0; i < 60000 && result == RC_OK; i++) {
		result = rc_task_wanted(first);
		(void)usleep(1000);
	}
	WANT(RC_ERROR_CANCELED, result);
	WANT(RC_OK, rc_task_reply(first, "late", 4));
	for (int i = 1; i < 50; i++) {
		WANT(RC_OK, rc_service_wait(s, LONG, &t));
		WANT(RC_OK, rc_task_reply(t, "late", 4));
	}
	WANT(RC_OK, rc_request_start(d, "s", "x", 1, NULL, &f));
	WANT(RC_OK, rc_service_wait(s, LONG, &t));
	WANT(RC_OK, rc_task_reply(t, "good", 4));
	WANT(RC_OK, rc_future_wait(f, LONG, &r));
	rc_future_close(f);
	rc_reply_clear(&r);
	rc_service_close(s);
	WANT(RC_OK, rc_domain_close(d));
}

/* A server that answers all, and one that is killed again and again beside it: each request that may run twice has an answer. */
static void serve_all(int out)
{
	rc_domain *d;
	rc_service *s;
	rc_task *t;
	if (rc_domain_open(NULL, &d) != RC_OK || rc_service_open(d, "s", NULL, &s) != RC_OK)
		_exit(1);
	say(out, 'r');
	while (rc_service_wait(s, LONG, &t) == RC_OK)
		(void)rc_task_reply(t, t->data, t->size);
}

static void again_and_again(void)
{
	struct child steady = start(serve_all);
	CHECK(heard(&steady) == 'r');
	struct child other = start(serve_all);
	rc_domain *d = open_domain();
	rc_ask ask = {.idempotent = true, .timeout = LONG};
	rc_reply r = {0};
	for (int i = 0; i < 2000; i++) {
		if (i % 200 == 100) {
			end(&other);
			other = start(serve_all);
		}
		WANT(RC_OK, rc_request(d, "s", &i, sizeof i, &ask, &r));
		CHECK(r.size == sizeof i && memcmp(r.data, &i, sizeof i) == 0);
	}
	end(&other);
	end(&steady);
	rc_reply_clear(&r);
	WANT(RC_OK, rc_domain_close(d));
}

int main(void)
{
	int failures = 0;
	RUN(the_only_instance);
	RUN(another_instance);
	RUN(a_caller);
	RUN(again_and_again);
	return failures;
}
