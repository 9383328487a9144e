/* What goes wrong in odd moments: rings that can't be made again, and arguments that make no sense. */
#define _GNU_SOURCE
#include <pthread.h>

#include "check.h"
#include "desk.h"
#include "publisher.h"

/* A folder of the domain goes away, or comes back. */
static void move_folder(const rc_domain *d, const char *from, const char *to)
{
	char old[RCI_PATH], new[RCI_PATH];
	(void)snprintf(old, sizeof old, "%.*s/%s", RCI_PATH - 64, rc_domain_directory(d), from);
	(void)snprintf(new, sizeof new, "%.*s/%s", RCI_PATH - 64, rc_domain_directory(d), to);
	CHECK(rename(old, new) == 0);
}

/* Answers with what was asked until the service ends. */
static void *echo(void *argument)
{
	rc_task *t;
	while (rc_service_wait(argument, LONG, &t) == RC_OK)
		(void)rc_task_reply(t, t->data, t->size);
	return NULL;
}

/* The ring of answers is damaged, and for a while no other can be made: callers are told, and later all is well. */
static void no_ring_for_answers(void)
{
	pthread_t thread;
	rc_service *s;
	rc_reply r = {0};
	rc_domain *server = open_domain(), *caller = open_domain();
	WANT(RC_OK, rc_service_open(server, "echo", NULL, &s));
	CHECK(pthread_create(&thread, NULL, echo, s) == 0);
	rc_ask ask = {.timeout = LONG};
	WANT(RC_OK, rc_request(caller, "echo", "x", 1, &ask, &r));
	move_folder(caller, "inbox", "elsewhere");
	rci_ring_damaged(caller->post->desk->ring);
	int result = RC_OK;
	for (int i = 0; i < 1000 && result == RC_OK; i++) /* what was put there before may still be read */
		result = rc_request(caller, "echo", "x", 1, &ask, &r);
	WANT(RC_ERROR_NOT_FOUND, result);
	CHECK(strstr(rc_error_detail(), "inbox") != NULL);
	WANT(RC_ERROR_NOT_FOUND, rc_request(caller, "echo", "x", 1, &ask, &r));
	move_folder(caller, "elsewhere", "inbox");
	WANT(RC_OK, rc_request(caller, "echo", "y", 1, &ask, &r));
	CHECK(r.size == 1 && memcmp(r.data, "y", 1) == 0);
	WANT(RC_OK, rc_service_stop(s));
	CHECK(pthread_join(thread, NULL) == 0);
	rc_service_close(s);
	rc_reply_clear(&r);
	WANT(RC_OK, rc_domain_close(caller));
	WANT(RC_OK, rc_domain_close(server));
}

/* A message of several slots, in a ring that has just been given up: it goes into the next one at once, or the error says why not. */
static void no_ring_for_a_large_message(void)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	uint8_t large[1000] = {0};
	rc_topic_info info;
	rc_publisher *p;
	rc_domain *d = open_domain();
	WANT(RC_OK, rc_publisher_open(d, "t", &config, &p));
	WANT(RC_OK, rc_publisher_publish(p, large, sizeof large, 0));
	rci_ring_damaged(p->producer.ring);
	WANT(RC_OK, rc_publisher_publish(p, large, sizeof large, 0));
	move_folder(d, "topics", "elsewhere");
	rci_ring_damaged(p->producer.ring);
	WANT(RC_ERROR_NOT_FOUND, rc_publisher_publish(p, large, sizeof large, LONG));
	WANT(RC_ERROR_NOT_FOUND, rc_publisher_publish(p, large, sizeof large, LONG));
	WANT(RC_ERROR_NOT_FOUND, rc_publisher_info(p, &info));
	move_folder(d, "elsewhere", "topics");
	rc_publisher_close(p);
	WANT(RC_OK, rc_domain_close(d));
}

/* An answer that makes no sense ends its task, too: the only hand is free again. */
static void an_answer_without_data(void)
{
	rc_domain *d = open_domain();
	rc_service *s;
	rc_task *t;
	rc_reply r = {0};
	WANT(RC_OK, rc_service_open(d, "s", NULL, &s));
	rc_ask ask = {.timeout = LONG};
	for (int i = 0; i < 2; i++) {
		rc_future *f;
		WANT(RC_OK, rc_request_start(d, "s", "x", 1, &ask, &f));
		WANT(RC_OK, rc_service_wait(s, LONG, &t));
		WANT(RC_ERROR_INVALID, rc_task_reply(t, NULL, 5));
		WANT(RC_ERROR_NO_REPLY, rc_future_wait(f, LONG, &r));
		rc_future_close(f);
	}
	rc_service_close(s);
	WANT(RC_OK, rc_domain_close(d));
}

/* A service that could not be told of is not told of later. */
static void an_offer_that_was_not_told(void)
{
	enum { MANY = 60 }; /* so many long names do not fit a record: they go into a file */
	rc_domain *d = open_domain();
	char name[RC_MAX_NAME + 1];
	rc_service *s;
	int refused = 0;
	move_folder(d, "live", "elsewhere");
	for (int i = 0; i < MANY && refused == 0; i++) {
		(void)snprintf(name, sizeof name, "%0*d", RC_MAX_NAME - 8, i);
		refused = rci_offer_add(d, name, 1);
	}
	WANT(RC_ERROR_NOT_FOUND, refused);
	for (const struct offer *o = d->offers; o != NULL; o = o->next)
		CHECK(strcmp(o->name, name) != 0);
	move_folder(d, "elsewhere", "live");
	WANT(RC_OK, rc_service_open(d, name, NULL, &s));
	rc_service_close(s);
	for (const struct offer *o = d->offers; o != NULL; o = o->next)
		CHECK(strcmp(o->name, name) != 0);
	WANT(RC_OK, rc_domain_close(d));
}

/* What waits when a service is closed: who asks is told, and a message without an answer is no obstacle. */
static void a_close_with_messages_that_wait(void)
{
	rc_domain *server = open_domain(), *caller = open_domain();
	rc_service *s;
	rc_future *f;
	rc_reply r = {0};
	WANT(RC_OK, rc_service_open(server, "s", NULL, &s));
	WANT(RC_OK, rc_send_service(caller, "s", "1", 1));
	rc_ask ask = {.timeout = LONG};
	WANT(RC_OK, rc_request_start(caller, "s", "2", 1, &ask, &f));
	struct group *g = rci_group_find(f->callee->ring, INSTANCES);
	rc_service_close(s);
	CHECK(g != NULL && !rci_group_unstarted(g)); /* it has looked at all */
	WANT(RC_ERROR_NO_SERVICE, rc_future_wait(f, LONG, &r));
	rc_future_close(f);
	WANT(RC_OK, rc_domain_close(caller));
	WANT(RC_OK, rc_domain_close(server));
}

static void nothing_for_something(void)
{
	rc_domain *d = open_domain();
	rc_subscription *sub, *several[2];
	rc_future *f;
	rc_topic_info info;
	struct rc_address a;
	size_t ready;
	int fd;
	WANT(RC_OK, rc_survey_start(d, "who", "?", 1, NULL, &f));
	rc_future_close(f);
	WANT(RC_ERROR_NAME, rc_survey_start(d, NULL, "?", 1, NULL, &f));
	WANT(RC_ERROR_NAME, rc_survey_start(d, "a..b", "?", 1, NULL, &f));
	WANT(RC_ERROR_INVALID, rc_subscription_fd(NULL, &fd));
	WANT(RC_ERROR_INVALID, rc_publisher_info(NULL, &info));
	WANT(RC_ERROR_INVALID, rc_subscription_info(NULL, &info));
	WANT(RC_ERROR_INVALID, rc_publisher_source(NULL, &a, NULL));
	WANT(RC_OK, rc_subscription_open(d, "t", NULL, &sub));
	WANT(RC_ERROR_INVALID, rc_subscription_info(sub, NULL));
	several[0] = sub;
	several[1] = NULL;
	WANT(RC_ERROR_INVALID, rc_subscriptions_wait(several, 2, 0, &ready));
	rc_subscription_close(sub);
	CHECK(rc_domain_directory(NULL) == NULL && rc_task_time_left(NULL) == 0);
	rc_task_mark(NULL, 0, 0);
	WANT(RC_OK, rc_domain_close(d));
}

/* One who lives, and is fenced, holds the first slot of a lap, dead ones the two behind it: a publisher's first look takes those back. */
static void the_dead_behind_the_living(void)
{
	enum { DEAD = 200 };
	rc_publisher_config config = {.slots = 4, .slot_size = 64};
	rc_domain *d = open_domain(), *other = open_domain();
	rc_subscription *s;
	rc_publisher *p;
	rc_received got;
	WANT(RC_OK, rc_publisher_open(d, "t", &config, &p));
	WANT(RC_OK, rc_subscription_open(d, "t", NULL, &s));
	struct ring *r = p->producer.ring;
	for (int i = 0; i < 4; i++) {
		WANT(RC_OK, rc_publisher_publish(p, "x", 1, 0));
		WANT(RC_OK, rc_subscription_poll(s, &got));
	}
	WANT(RC_NOTHING, rc_subscription_poll(s, &got));
	r->claims[0] = claim_word(1, other->index, RC_CLAIM_STATE_QUARANTINED);
	r->claims[1] = r->claims[2] = claim_word(1, DEAD, RC_CLAIM_STATE_QUARANTINED);
	WANT(RC_OK, rc_publisher_publish(p, "y", 1, 0));
	CHECK(claim_owner(r->claims[0]) == other->index && claim_state(r->claims[0]) == RC_CLAIM_STATE_QUARANTINED);
	CHECK(claim_state(r->claims[1]) == RC_CLAIM_STATE_READY && r->claims[2] == claim_word(1, 0, RC_CLAIM_STATE_HOLE));
	CHECK(r->control->recovered == 2);
	WANT(RC_OK, rc_subscription_poll(s, &got));
	CHECK(got.sequence == 5);
	rc_publisher_close(p);
	rc_subscription_close(s);
	WANT(RC_OK, rc_domain_close(other));
	WANT(RC_OK, rc_domain_close(d));
}

/* The same with more slots than one look goes over: lap by lap all of the dead's are taken back. */
static void many_of_the_dead_behind_the_living(void)
{
	enum { DEAD = 200, SLOTS = 256, LARGE = 100 };
	rc_publisher_config config = {.slots = SLOTS, .slot_size = 64};
	rc_domain *d = open_domain(), *other = open_domain();
	rc_subscription *s;
	rc_publisher *p;
	rc_received got;
	WANT(RC_OK, rc_publisher_open(d, "t", &config, &p));
	WANT(RC_OK, rc_subscription_open(d, "t", NULL, &s));
	struct ring *r = p->producer.ring;
	for (int n = 0; n < 7 * SLOTS; n++) {
		for (int i = 0; n == SLOTS && i < LARGE; i++) {
			r->claims[i] = claim_word(1, other->index, RC_CLAIM_STATE_QUARANTINED);
			r->claims[LARGE + i] = claim_word(1, DEAD, RC_CLAIM_STATE_QUARANTINED);
		}
		if (n % 16 == 0)
			(void)nanosleep(&(struct timespec){0, 5000000}, NULL);
		WANT(RC_OK, rc_publisher_publish(p, "x", 1, 0));
		WANT(RC_OK, rc_subscription_poll(s, &got));
	}
	CHECK(r->control->recovered == LARGE);
	for (int i = 0; i < LARGE; i++)
		CHECK(claim_owner(r->claims[i]) == other->index && claim_state(r->claims[i]) == RC_CLAIM_STATE_QUARANTINED);
	rc_publisher_close(p);
	rc_subscription_close(s);
	WANT(RC_OK, rc_domain_close(other));
	WANT(RC_OK, rc_domain_close(d));
}

int main(void)
{
	int failures = 0;
	RUN(no_ring_for_answers);
	RUN(no_ring_for_a_large_message);
	RUN(an_answer_without_data);
	RUN(an_offer_that_was_not_told);
	RUN(a_close_with_messages_that_wait);
	RUN(nothing_for_something);
	RUN(the_dead_behind_the_living);
	RUN(many_of_the_dead_behind_the_living);
	return failures;
}
