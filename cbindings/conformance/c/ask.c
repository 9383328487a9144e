/* The client of the request cells. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asked.h"

#define MANY 300
#define ANOTHER (-1000) /* not the answer that was to come */

static rc_domain *domain;
static struct rc_address server;
static rc_reply reply;
static const rc_ask patient = {.timeout = PATIENCE};

/* The word of doc/errors.md. */
static const char *word(int result)
{
	static char text[700];
	static const struct {
		int code;
		const char *word;
	} words[] = {{RC_OK, "ok"}, {RC_TIMED_OUT, "timed_out"}, {RC_ERROR_TOO_LARGE, "too_large"}, {RC_ERROR_NO_SERVICE, "no_service"},
		{RC_ERROR_OVERLOADED, "overloaded"}, {RC_ERROR_INSTANCE_DIED, "instance_died"}, {RC_ERROR_GONE, "gone"}, {RC_ERROR_NO_INBOX, "no_inbox"},
		{RC_ERROR_NODE_DOWN, "node_down"}, {RC_ERROR_NO_REPLY, "no_reply"}, {RC_ERROR_REPLY_TOO_LARGE, "reply_too_large"},
		{RC_ERROR_CANCELED, "canceled"}, {ANOTHER, "another answer"}};
	if (result == RC_ERROR_REPLY) {
		(void)snprintf(text, sizeof text, "reply %u %.512s", (unsigned)reply.code, (const char *)reply.data);
		return text;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].code == result)
			return words[i].word;
	return rc_error_text(result);
}

static void say(const char *what, int result)
{
	printf("%s %s\n", what, word(result));
	(void)fflush(stdout);
}

static int want(int result, const void *data, size_t size)
{
	return result == RC_OK && (reply.size != size || (size != 0 && memcmp(reply.data, data, size) != 0)) ? ANOTHER : result;
}

static int echo(size_t size)
{
	char bytes[4096];
	memset(bytes, 'e', sizeof bytes);
	return want(rc_request(domain, SERVICE, bytes, size, &patient, &reply), bytes, size);
}

static int request(const char *service, const char *text) { return rc_request(domain, service, text, strlen(text), &patient, &reply); }

static void simple(void)
{
	say("empty", echo(0));
	say("small", echo(10));
	say("slot", echo(2048));
	say("too-large", echo(2049));
	say("error", request(SERVICE, "f"));
	say("no-reply", request(SERVICE, "n"));
	say("reply-too-large", request(SERVICE, "l"));
	say("no-service", request("nobody", "e"));
}

static int deadline(void)
{
	const rc_ask soon = {.timeout = 50 * INT64_C(1000000)};
	return rc_request(domain, SERVICE, "w", 1, &soon, &reply);
}

static int cancel(void)
{
	rc_future *f;
	int result = rc_request_start(domain, SERVICE, "w", 1, &patient, &f);
	if (result != RC_OK)
		return result;
	(void)usleep(20000);
	(void)rc_future_cancel(f);
	result = rc_future_wait(f, PATIENCE, &reply);
	rc_future_close(f);
	return result;
}

static int stream(int count, int take)
{
	char text[16];
	rc_future *f;
	int n = snprintf(text, sizeof text, "s%d", count);
	int result = rc_stream_start(domain, SERVICE, text, (size_t)n, &patient, &f);
	if (result != RC_OK)
		return result;
	for (int i = 0; result == RC_OK && i < take; i++) {
		n = snprintf(text, sizeof text, "%d", i);
		result = want(rc_future_wait(f, PATIENCE, &reply), text, (size_t)n);
	}
	if (result == RC_OK && take == count)
		result = want(rc_future_wait(f, PATIENCE, &reply), "end", 3);
	if (result == RC_OK && take == count)
		result = rc_future_wait(f, PATIENCE, &reply) == RC_END ? RC_OK : ANOTHER;
	rc_future_close(f);
	return result;
}

static int take(rc_future *f, int i)
{
	char text[16];
	int n = snprintf(text, sizeof text, "e%d", i);
	int result = want(rc_future_wait(f, PATIENCE, &reply), text, (size_t)n);
	rc_future_close(f);
	return result;
}

static int many(void)
{
	rc_future *open[MANY];
	char text[16];
	int sent = 0, taken = 0, result = RC_OK;
	while (taken < MANY && result == RC_OK) {
		int n = snprintf(text, sizeof text, "e%d", sent);
		result = sent < MANY ? rc_request_start(domain, SERVICE, text, (size_t)n, &patient, &open[sent]) : RC_FULL;
		if (result == RC_OK)
			sent++;
		else if (result == RC_FULL)
			result = take(open[taken], taken), taken++;
	}
	return result;
}

static void addresses(bool away)
{
	struct rc_address gone = server, far = server, self;
	say("send", rc_send(domain, &server, "mail", 4));
	say("request-to", want(rc_request_to(domain, &server, "question", 8, &patient, &reply), "question", 8));
	say("error-from", rc_request_to(domain, &server, "error", 5, &patient, &reply));
	gone.generation++;
	far.node++;
	(void)rc_domain_address(domain, &self);
	say("gone", away ? rc_request_to(domain, &gone, NULL, 0, &patient, &reply) : rc_send(domain, &gone, NULL, 0));
	say("no-inbox", rc_send(domain, &self, NULL, 0));
	say("node-down", rc_send(domain, &far, NULL, 0));
}

static int survey(void)
{
	rc_future *f;
	int result = rc_survey_start(domain, SURVEY_TOPIC, "who?", 4, &patient, &f);
	if (result != RC_OK)
		return result;
	result = want(rc_future_wait(f, PATIENCE, &reply), "here", 4);
	if (result == RC_OK && (memcmp(&reply.source, &server, sizeof server) != 0 || rc_future_wait(f, PATIENCE, &reply) != RC_END))
		result = ANOTHER;
	rc_future_close(f);
	return result;
}

/* Takes the next event, which has to be of the server. */
static int seen(rc_watch *w, bool up)
{
	rc_presence_event e;
	int result = rc_watch_wait(w, PATIENCE, &e);
	if (result == RC_OK && (e.up != up || strcmp(e.name, SERVICE) != 0 || memcmp(&e.address, &server, sizeof server) != 0))
		result = ANOTHER;
	return result;
}

/* Waits until the server is known to serve, and to take questions. */
static int known(void)
{
	const rc_watch_config all = {.kinds = 1 << RC_PRESENCE_INSTANCE | 1 << RC_PRESENCE_SUBSCRIBER};
	bool serves = false, subscribes = false;
	rc_presence_event e;
	rc_watch *w;
	int result = rc_watch_open(domain, &all, &w);
	if (result != RC_OK)
		return result;
	while (result == RC_OK && !(serves && subscribes)) {
		result = rc_watch_wait(w, PATIENCE, &e);
		if (result != RC_OK || !e.up || memcmp(&e.address, &server, sizeof server) != 0)
			continue;
		serves |= strcmp(e.name, SERVICE) == 0;
		subscribes |= strcmp(e.name, SURVEY_TOPIC) == 0;
	}
	rc_watch_close(w);
	return result == RC_OK ? rc_wait_for_subscribers(domain, SURVEY_TOPIC, 1, PATIENCE, NULL) : result;
}

/* Sees a server die that holds a request; one on this node with its queue full. */
static int death(bool away)
{
	const rc_watch_config instances = {.kinds = 1 << RC_PRESENCE_INSTANCE, .name = SERVICE};
	rc_watch *w;
	rc_future *f;
	int result = rc_watch_open(domain, &instances, &w);
	if (result != RC_OK)
		return result;
	say("presence", seen(w, true));
	result = rc_stream_start(domain, SERVICE, "h", 1, &patient, &f);
	if (result == RC_OK)
		result = want(rc_future_wait(f, PATIENCE, &reply), "holding", 7);
	while (!away && result == RC_OK)
		result = rc_send_service(domain, SERVICE, "e", 1);
	say(away ? "holding" : "overloaded", result);
	say("instance-died", rc_future_wait(f, PATIENCE, &reply));
	say("presence-died", seen(w, false));
	say("after-death", request(SERVICE, "e"));
	rc_future_close(f);
	rc_watch_close(w);
	return RC_OK;
}

int ask_all(rc_domain *d, const char *address, bool away)
{
	domain = d;
	if (rc_address_parse(address, &server) != RC_OK) {
		printf("ask: %s\n", rc_error_detail());
		return 1;
	}
	if (away)
		say("known", known());
	simple();
	say("deadline", deadline());
	say("cancel", cancel());
	say("stream", stream(100, 100));
	say("stream-left", stream(1000, 5));
	say("many", many());
	addresses(away);
	say("survey", survey());
	int result = death(away);
	rc_reply_clear(&reply);
	if (result != RC_OK)
		printf("ask: %s\n", rc_error_detail());
	return result != RC_OK;
}

int ask_again(rc_domain *d, const char *address)
{
	const rc_ask twice = {.timeout = PATIENCE, .idempotent = true};
	domain = d;
	int result = rc_address_parse(address, &server);
	if (result == RC_OK)
		result = known();
	if (result != RC_OK) {
		printf("ask-again: %s\n", rc_error_detail());
		return 1;
	}
	say("again", rc_request(domain, SERVICE, "w", 1, &twice, &reply));
	rc_reply_clear(&reply);
	return 0;
}

int drop_request(rc_domain *d)
{
	rc_future *f;
	if (rc_request_start(d, SERVICE, "w", 1, &patient, &f) != RC_OK) {
		printf("drop: %s\n", rc_error_detail());
		return 1;
	}
	(void)sleep(30);
	return 1;
}
