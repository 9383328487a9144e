/* Messages to an address, requests, streams and surveys, with both ends in one process. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>

#include "check.h"

static rc_service *serve(rc_domain *d, const char *name, uint32_t concurrency)
{
	rc_service_config config = {.concurrency = concurrency};
	rc_service *s;
	WANT(RC_OK, rc_service_open(d, name, &config, &s));
	return s;
}

/* Answers with the request's bytes doubled, "fail" with an error, "drop" not at all, until the service ends. */
static void *answer_all(void *argument)
{
	rc_service *s = argument;
	rc_task *t;
	uint8_t bytes[4096];
	while (rc_service_wait(s, LONG, &t) == RC_OK) {
		if (t->size == 4 && memcmp(t->data, "fail", 4) == 0) {
			(void)rc_task_fail(t, 7, "seven");
		} else if (t->size == 4 && memcmp(t->data, "drop", 4) == 0) {
			rc_task_drop(t);
		} else if (t->size == 4 && memcmp(t->data, "huge", 4) == 0) {
			if (rc_task_reply(t, bytes, sizeof bytes) != RC_ERROR_TOO_LARGE)
				return "a huge answer was sent";
		} else if (t->streams) {
			int result = RC_OK;
			for (uint32_t i = 0; result == RC_OK && i < 100; i++)
				result = rc_task_more(t, &i, sizeof i, LONG);
			if (result == RC_OK)
				result = rc_task_reply(t, "end", 3);
			else
				rc_task_drop(t);
		} else {
			memcpy(bytes, t->data, t->size);
			memcpy(bytes + t->size, t->data, t->size);
			(void)rc_task_reply(t, bytes, 2 * t->size);
		}
	}
	return NULL;
}

struct server {
	rc_domain *domain;
	rc_service *service;
	pthread_t thread;
};

static struct server begin(const char *name)
{
	struct server s;
	s.domain = open_domain();
	s.service = serve(s.domain, name, 1);
	CHECK(pthread_create(&s.thread, NULL, answer_all, s.service) == 0);
	return s;
}

static void end(struct server *s)
{
	void *wrong = "";
	WANT(RC_OK, rc_service_stop(s->service));
	CHECK(pthread_join(s->thread, &wrong) == 0);
	if (wrong != NULL)
		FAIL("%s", (const char *)wrong);
	rc_service_close(s->service);
	WANT(RC_OK, rc_domain_close(s->domain));
}

static void request_and_answer(void)
{
	struct server s = begin("double");
	rc_domain *d = open_domain();
	rc_reply r = {0};
	for (int i = 0; i < 1000; i++) {
		char text[16], want[32];
		int n = snprintf(text, sizeof text, "%d.", i);
		(void)snprintf(want, sizeof want, "%s%s", text, text);
		WANT(RC_OK, rc_request(d, "double", text, (size_t)n, NULL, &r));
		CHECK(r.size == 2 * (size_t)n && memcmp(r.data, want, r.size) == 0);
	}
	WANT(RC_OK, rc_request(d, "double", NULL, 0, NULL, &r));
	CHECK(r.size == 0);
	WANT(RC_ERROR_REPLY, rc_request(d, "double", "fail", 4, NULL, &r));
	CHECK(r.code == 7 && r.size == 5 && strcmp(r.data, "seven") == 0);
	WANT(RC_ERROR_NO_REPLY, rc_request(d, "double", "drop", 4, NULL, &r));
	WANT(RC_ERROR_REPLY_TOO_LARGE, rc_request(d, "double", "huge", 4, NULL, &r));
	uint8_t large[2049];
	memset(large, 1, sizeof large);
	WANT(RC_ERROR_TOO_LARGE, rc_request(d, "double", large, sizeof large, NULL, &r));
	WANT(RC_OK, rc_request(d, "double", large, 1024, NULL, &r));
	CHECK(r.size == 2048);
	end(&s);
	WANT(RC_ERROR_NO_SERVICE, rc_request(d, "double", "x", 1, NULL, &r));
	WANT(RC_ERROR_NO_SERVICE, rc_request(d, "never", "x", 1, NULL, &r));
	WANT(RC_ERROR_NAME, rc_request(d, "a..b", "x", 1, NULL, &r));
	rc_reply_clear(&r);
	WANT(RC_OK, rc_domain_close(d));
}

static void count_ready(void *argument, rc_future *f)
{
	rc_reply r = {0};
	size_t *good = argument;
	if (rc_future_wait(f, 0, &r) == RC_OK && rc_future_wait(f, 0, &r) == RC_END)
		++*good;
	rc_future_close(f);
	rc_reply_clear(&r);
}

/* Many in flight, through a descriptor. */
static void many_in_flight(void)
{
	enum { ALL = 3000 };
	struct server s = begin("double");
	rc_config config = {.in_flight = 200};
	rc_domain *d;
	size_t good = 0, sent = 0, called;
	int fd;
	WANT(RC_OK, rc_domain_open(&config, &d));
	WANT(RC_OK, rc_replies_fd(d, &fd));
	rc_ask ask = {.ready = count_ready, .argument = &good, .timeout = LONG};
	while (good < ALL) {
		int result = RC_OK;
		while (sent < ALL && result == RC_OK) {
			rc_future *f;
			result = rc_request_start(d, "double", &sent, sizeof sent, &ask, &f);
			sent += result == RC_OK;
		}
		CHECK(result == RC_OK || result == RC_FULL || result == RC_ERROR_OVERLOADED);
		struct pollfd p = {fd, POLLIN, 0};
		CHECK(poll(&p, 1, 60000) == 1);
		result = rc_replies_dispatch(d, 0, &called);
		CHECK(result == RC_OK || result == RC_NOTHING);
	}
	end(&s);
	WANT(RC_OK, rc_domain_close(d));
}

static void stream_of_answers(void)
{
	struct server s = begin("double");
	rc_domain *d = open_domain();
	rc_future *f;
	rc_reply r = {0};
	for (int round = 0; round < 3; round++) {
		WANT(RC_OK, rc_stream_start(d, "double", "x", 1, NULL, &f));
		for (uint32_t i = 0; i < 100; i++) {
			WANT(RC_OK, rc_future_wait(f, LONG, &r));
			CHECK(r.size == sizeof i && memcmp(r.data, &i, sizeof i) == 0);
			if (round == 1 && i == 20)
				break;
		}
		if (round != 1) {
			WANT(RC_OK, rc_future_wait(f, LONG, &r));
			CHECK(r.size == 3 && memcmp(r.data, "end", 3) == 0);
			WANT(RC_END, rc_future_wait(f, LONG, &r));
		}
		rc_future_close(f); /* gives it up in the middle the second time */
	}
	WANT(RC_OK, rc_request(d, "double", "x", 1, NULL, &r));
	rc_reply_clear(&r);
	end(&s);
	WANT(RC_OK, rc_domain_close(d));
}

/* Several threads ask through one domain, and several answer for one service. */
static void *ask_many(void *argument)
{
	rc_domain *d = argument;
	rc_reply r = {0};
	const char *wrong = NULL;
	for (int i = 0; i < 300 && wrong == NULL; i++) {
		int twice[2] = {i, i};
		if (rc_request(d, "shared", &i, sizeof i, NULL, &r) != RC_OK)
			wrong = rc_error_detail();
		else if (r.size != sizeof twice || memcmp(r.data, twice, sizeof twice) != 0)
			wrong = "another's answer";
	}
	rc_reply_clear(&r);
	return (void *)(uintptr_t)wrong;
}

static void threads_share_a_domain(void)
{
	rc_domain *server = open_domain(), *d = open_domain();
	rc_service *s = serve(server, "shared", 3);
	pthread_t servers[3], callers[4];
	void *wrong, *first = NULL;
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&servers[i], NULL, answer_all, s) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&callers[i], NULL, ask_many, d) == 0);
	for (int i = 0; i < 4; i++) {
		CHECK(pthread_join(callers[i], &wrong) == 0);
		first = first != NULL ? first : wrong;
	}
	WANT(RC_OK, rc_service_stop(s));
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(servers[i], &wrong) == 0 && wrong == NULL);
	if (first != NULL)
		FAIL("%s", (const char *)first);
	rc_service_close(s);
	WANT(RC_OK, rc_domain_close(server));
	WANT(RC_OK, rc_domain_close(d));
}

static void time_and_cancel(void)
{
	rc_domain *d = open_domain(), *server = open_domain();
	rc_service *s = serve(server, "slow", 2);
	rc_ask ask = {.timeout = 20 * MS};
	rc_reply r = {0};
	rc_task *t, *none;
	rc_future *f;
	WANT(RC_TIMED_OUT, rc_request(d, "slow", "x", 1, &ask, &r)); /* nobody takes it: withdrawn */
	WANT(RC_NOTHING, rc_service_poll(s, &t));
	WANT(RC_OK, rc_request_start(d, "slow", "1", 1, NULL, &f));
	WANT(RC_NOTHING, rc_future_wait(f, 0, &r));
	WANT(RC_OK, rc_service_poll(s, &t));
	WANT(RC_OK, rc_task_wanted(t));
	WANT(RC_OK, rc_future_cancel(f));
	WANT(RC_ERROR_CANCELED, rc_future_wait(f, LONG, &r));
	WANT(RC_END, rc_future_wait(f, LONG, &r));
	WANT(RC_ERROR_CANCELED, rc_task_wanted(t));
	WANT(RC_ERROR_ONE_REPLY, rc_task_more(t, "x", 1, 0));
	WANT(RC_OK, rc_task_reply(t, "late", 4));
	rc_future_close(f);
	WANT(RC_OK, rc_request_start(d, "slow", "2", 1, NULL, &f));
	WANT(RC_OK, rc_service_poll(s, &t));
	CHECK(t->size == 1 && memcmp(t->data, "2", 1) == 0 && rc_task_time_left(t) > 0);
	WANT(RC_OK, rc_send_service(d, "slow", "3", 1));
	WANT(RC_OK, rc_service_poll(s, &none));
	CHECK(none->one_way && none->size == 1);
	WANT(RC_OK, rc_send_service(d, "slow", "4", 1));
	rc_task *third;
	WANT(RC_NOTHING, rc_service_poll(s, &third)); /* both hands are full */
	WANT(RC_OK, rc_task_reply(none, NULL, 0));
	WANT(RC_OK, rc_service_poll(s, &third));
	rc_task_drop(third);
	WANT(RC_OK, rc_task_reply(t, "two", 3));
	WANT(RC_OK, rc_future_wait(f, LONG, &r));
	CHECK(r.size == 3 && memcmp(r.data, "two", 3) == 0);
	WANT(RC_ERROR_BUSY, rc_domain_close(d));
	rc_future_close(f);
	rc_reply_clear(&r);
	rc_service_close(s);
	WANT(RC_OK, rc_domain_close(server));
	WANT(RC_OK, rc_domain_close(d));
}

static void full_queue(void)
{
	rc_domain *d = open_domain(), *server = open_domain();
	rc_service_config config = {.queue = 64};
	rc_service *s;
	rc_future *f[64], *more;
	rc_reply r = {0};
	WANT(RC_OK, rc_service_open(server, "full", &config, &s));
	for (int i = 0; i < 64; i++)
		WANT(RC_OK, rc_request_start(d, "full", "x", 1, NULL, &f[i]));
	WANT(RC_ERROR_OVERLOADED, rc_request_start(d, "full", "x", 1, NULL, &more));
	rc_service_close(s); /* what waits is refused */
	for (int i = 0; i < 64; i++) {
		WANT(RC_ERROR_NO_SERVICE, rc_future_wait(f[i], LONG, &r));
		rc_future_close(f[i]);
	}
	WANT(RC_OK, rc_domain_close(server));
	WANT(RC_OK, rc_domain_close(d));
}

static void a_stop_loses_nothing(void)
{
	rc_domain *d = open_domain(), *server = open_domain();
	rc_service *s = serve(server, "stop", 4);
	rc_future *f[20];
	rc_task *t;
	rc_reply r = {0};
	int served = 0;
	for (int i = 0; i < 20; i++)
		WANT(RC_OK, rc_request_start(d, "stop", &i, sizeof i, NULL, &f[i]));
	WANT(RC_OK, rc_service_stop(s));
	int result;
	while ((result = rc_service_wait(s, LONG, &t)) == RC_OK) {
		WANT(RC_OK, rc_task_reply(t, t->data, t->size));
		served++;
	}
	WANT(RC_END, result);
	WANT(20, served);
	WANT(RC_END, rc_service_poll(s, &t));
	for (int i = 0; i < 20; i++) {
		WANT(RC_OK, rc_future_wait(f[i], LONG, &r));
		CHECK(memcmp(r.data, &i, sizeof i) == 0);
		rc_future_close(f[i]);
	}
	WANT(RC_ERROR_NO_SERVICE, rc_request(d, "stop", "x", 1, NULL, &r));
	rc_reply_clear(&r);
	rc_service_close(s);
	WANT(RC_OK, rc_domain_close(server));
	WANT(RC_OK, rc_domain_close(d));
}

static void inbox_and_address(void)
{
	rc_domain *a = open_domain(), *b = open_domain();
	struct rc_address to, from, wrong;
	rc_subscription *inbox, *second;
	rc_received m;
	rc_reply r = {0};
	rc_future *f;
	WANT(RC_OK, rc_domain_address(a, &to));
	WANT(RC_OK, rc_domain_address(b, &from));
	WANT(RC_ERROR_NO_INBOX, rc_send(b, &to, "x", 1));
	WANT(RC_OK, rc_inbox_open(a, &inbox));
	WANT(RC_ERROR_BUSY, rc_inbox_open(a, &second));
	WANT(RC_OK, rc_send(b, &to, "hello", 5));
	WANT(RC_OK, rc_subscription_wait(inbox, LONG, &m));
	CHECK(m.size == 5 && memcmp(m.data, "hello", 5) == 0 && m.block != NULL && memcmp(&m.block->source, &from, sizeof from) == 0);
	WANT(RC_ERROR_NOT_ADDRESSED, rc_answer(a, m.block, "x", 1));
	wrong = to;
	wrong.generation++;
	WANT(RC_ERROR_GONE, rc_send(b, &wrong, "x", 1));
	wrong = to;
	wrong.node++;
	WANT(RC_ERROR_NODE_DOWN, rc_send(b, &wrong, "x", 1));
	WANT(RC_OK, rc_request_start_to(b, &to, "question", 8, NULL, &f));
	WANT(RC_OK, rc_subscription_wait(inbox, LONG, &m));
	CHECK(m.kind == RC_MESSAGE_KIND_REQUEST && m.size == 8 && rc_time_left(m.block) > 0);
	struct rc_address_block later = *m.block;
	rc_subscription_release(inbox);
	WANT(RC_OK, rc_answer(a, &later, "answer", 6));
	WANT(RC_OK, rc_future_wait(f, LONG, &r));
	CHECK(r.size == 6 && memcmp(r.data, "answer", 6) == 0 && memcmp(&r.source, &to, sizeof to) == 0);
	rc_future_close(f);
	WANT(RC_OK, rc_request_start_to(b, &to, "question", 8, NULL, &f));
	WANT(RC_OK, rc_subscription_wait(inbox, LONG, &m));
	WANT(RC_OK, rc_answer_error(a, m.block, 3, "no"));
	WANT(RC_ERROR_REPLY, rc_future_wait(f, LONG, &r));
	CHECK(r.code == 3 && strcmp(r.data, "no") == 0);
	rc_future_close(f);
	int sent = 0, result;
	while ((result = rc_send(b, &to, &sent, sizeof sent)) == RC_OK)
		sent++;
	WANT(RC_ERROR_OVERLOADED, result);
	for (int i = 0; i < sent; i++) {
		WANT(RC_OK, rc_subscription_wait(inbox, LONG, &m));
		CHECK(memcmp(m.data, &i, sizeof i) == 0);
	}
	WANT(RC_OK, rc_request_start_to(b, &to, "question", 8, NULL, &f));
	rc_subscription_close(inbox);
	WANT(RC_OK, rc_domain_close(a));
	WANT(RC_ERROR_INSTANCE_DIED, rc_future_wait(f, LONG, &r));
	rc_future_close(f);
	WANT(RC_ERROR_GONE, rc_request_to(b, &to, "x", 1, NULL, &r));
	rc_reply_clear(&r);
	WANT(RC_OK, rc_domain_close(b));
}

static void survey(void)
{
	rc_domain *d = open_domain(), *others[3];
	rc_subscription *s[3];
	rc_received m;
	rc_reply r = {0};
	rc_future *f;
	WANT(RC_OK, rc_survey_start(d, "who", "?", 1, NULL, &f)); /* nobody subscribes */
	WANT(RC_END, rc_future_wait(f, LONG, &r));
	rc_future_close(f);
	for (int i = 0; i < 3; i++) {
		others[i] = open_domain();
		WANT(RC_OK, rc_subscription_open(others[i], i == 2 ? "*" : "who", NULL, &s[i]));
	}
	for (int round = 0; round < 3; round++) {
		rc_ask ask = {.quorum = round == 1 ? 2 : 0};
		WANT(RC_OK, rc_survey_start(d, "who", "?", 1, &ask, &f));
		for (int i = 0; i < 3; i++) {
			WANT(RC_OK, rc_subscription_wait(s[i], LONG, &m));
			CHECK(m.kind == RC_MESSAGE_KIND_REQUEST && m.size == 1 && m.block != NULL);
			if (round != 2 || i != 1)
				WANT(RC_OK, rc_answer(others[i], m.block, &i, sizeof i));
		}
		if (round == 2) { /* it leaves without an answer */
			rc_subscription_close(s[1]);
			WANT(RC_OK, rc_domain_close(others[1]));
		}
		int want = round == 0 ? 3 : 2;
		for (int i = 0; i < want; i++)
			WANT(RC_OK, rc_future_wait(f, LONG, &r));
		WANT(RC_END, rc_future_wait(f, LONG, &r));
		rc_future_close(f);
	}
	for (int i = 0; i < 3; i += 2) {
		rc_subscription_close(s[i]);
		WANT(RC_OK, rc_domain_close(others[i]));
	}
	rc_reply_clear(&r);
	WANT(RC_OK, rc_domain_close(d));
}

static void a_name_is_a_topic_or_a_service(void)
{
	rc_domain *d = open_domain();
	rc_publisher *p;
	rc_subscription *sub;
	rc_service *s;
	WANT(RC_OK, rc_publisher_open(d, "a", NULL, &p));
	WANT(RC_ERROR_NAME_KIND, rc_service_open(d, "a", NULL, &s));
	rc_publisher_close(p);
	WANT(RC_OK, rc_service_open(d, "a", NULL, &s));
	WANT(RC_ERROR_NAME_KIND, rc_publisher_open(d, "a", NULL, &p));
	WANT(RC_ERROR_NAME_KIND, rc_subscription_open(d, "a", NULL, &sub));
	rc_service_close(s);
	WANT(RC_OK, rc_publisher_open(d, "a", NULL, &p));
	rc_publisher_close(p);
	WANT(RC_OK, rc_domain_close(d));
}

int main(void)
{
	int failures = 0;
	RUN(request_and_answer);
	RUN(many_in_flight);
	RUN(stream_of_answers);
	RUN(threads_share_a_domain);
	RUN(time_and_cancel);
	RUN(full_queue);
	RUN(a_stop_loses_nothing);
	RUN(inbox_and_address);
	RUN(survey);
	RUN(a_name_is_a_topic_or_a_service);
	return failures;
}
