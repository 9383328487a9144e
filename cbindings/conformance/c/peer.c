/* The C side of the conformance run. See doc.go for what its commands do. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ringcast.h"

#include "asked.h"
#include "images.h"
#include "message.h"
#include "refuse.h"

#define SECOND INT64_C(1000000000)

static int fail(const char *what, int code)
{
	printf("%s: %s: %s\n", what, rc_error_text(code), code < 0 ? rc_error_detail() : "");
	return 1;
}

static void say(const char *line)
{
	(void)puts(line);
	(void)fflush(stdout);
}

/* The publisher of TOPIC KIND MODE. */
static rc_publisher_config config_of(char **args)
{
	rc_publisher_config config = {.slot_size = SLOT_SIZE, .schema = ORDER_SCHEMA};
	config.kind = strcmp(args[1], "exclusive") == 0 ? RC_RING_KIND_EXCLUSIVE : RC_RING_KIND_SHARED;
	config.mode = strcmp(args[2], "latest") == 0 ? RC_RING_MODE_LATEST : RC_RING_MODE_RELIABLE;
	config.slots = strcmp(args[2], "few") == 0 ? 4 : 64;
	return config;
}

/* The sizes of WHAT. */
static const size_t *sizes_of(const char *what)
{
	return strcmp(what, "whole") == 0 ? whole_sizes : strcmp(what, "half") == 0 ? half_sizes : sizes;
}

/* Sends message n: orders and every third of the others in place, at the end of the slot. */
static int publish(rc_publisher *publisher, uint64_t n, const size_t *like)
{
	uint8_t bytes[LARGEST];
	rc_marks marks = {.content = n % 8 == ORDER ? RC_CONTENT_FLAT_BUFFER : RC_CONTENT_RAW};
	size_t size = fill(bytes, n, like);
	rc_claim claim;
	if (n % 8 != ORDER && (n % 3 != 0 || size > SLOT_SIZE))
		return rc_publisher_publish(publisher, bytes, size, 30 * SECOND);
	int result = rc_publisher_claim(publisher, size, 30 * SECOND, &claim);
	if (result != RC_OK)
		return result;
	uint8_t *at = (uint8_t *)claim.data + (claim.capacity - size) / 8 * 8;
	memcpy(at, bytes, size);
	return rc_claim_commit(&claim, at, size, &marks);
}

/* write TOPIC KIND MODE WHAT COUNT */
static int write_stream(rc_domain *domain, char **args)
{
	rc_publisher_config config = config_of(args);
	rc_publisher *publisher;
	const size_t *like = sizes_of(args[3]);
	uint64_t count = strtoull(args[4], NULL, 10);
	int result = rc_publisher_open(domain, args[0], &config, &publisher);
	if (result != RC_OK)
		return fail("open publisher", result);
	for (uint64_t n = 1; n <= count; n++) {
		do
			result = publish(publisher, n, like);
		while (result == RC_ERROR_FENCED); /* this process was stopped for long: nothing was sent */
		if (result != RC_OK)
			return fail("publish", result);
		if (config.mode == RC_RING_MODE_LATEST && n % 8 == 0)
			(void)usleep(200);
	}
	rc_publisher_close(publisher);
	return 0;
}

/* claim TOPIC KIND MODE: holds a claim until it is killed */
static int hold_claim(rc_domain *domain, char **args)
{
	rc_publisher_config config = config_of(args);
	rc_publisher *publisher;
	rc_claim claim;
	int result = rc_publisher_open(domain, args[0], &config, &publisher);
	if (result == RC_OK)
		result = rc_publisher_claim(publisher, 1, 30 * SECOND, &claim);
	if (result != RC_OK)
		return fail("claim", result);
	say("claimed");
	for (;;)
		(void)pause();
}

/* Waits for the next message or event, which has to come. */
static int next(rc_subscription *subscription, rc_received *received)
{
	int result = rc_subscription_wait(subscription, 30 * SECOND, received);
	return result == RC_OK ? 0 : fail("read", result);
}

/* read TOPIC READING HISTORY COUNT: until sequence COUNT */
static int read_stream(rc_domain *domain, char **args)
{
	rc_subscription_config config = {.history = strtoull(args[2], NULL, 10)};
	rc_subscription *subscription;
	rc_received r;
	uint64_t count = strtoull(args[3], NULL, 10), last = 0, got = 0, missed = 0;
	bool lagged = false;
	config.reading = strcmp(args[1], "latest") == 0 ? RC_READ_LATEST : RC_READ_RELIABLE;
	int result = rc_subscription_open(domain, args[0], &config, &subscription);
	if (result != RC_OK)
		return fail("subscribe", result);
	say("ready");
	while (last < count) {
		if (next(subscription, &r) != 0)
			return 1;
		if (r.type == RC_TYPE_LAGGED) {
			lagged = true;
			continue;
		}
		if (r.sequence <= last || (r.sequence != last + 1 && !lagged) || !right(&r)) {
			printf("after %" PRIu64 ": type %u, sequence %" PRIu64 ", %zu bytes\n", last, (unsigned)r.type, r.sequence, r.size);
			return 1;
		}
		missed += r.sequence - last - 1;
		last = r.sequence;
		lagged = false;
		got++;
	}
	printf("got %" PRIu64 " missed %" PRIu64 "\n", got, missed);
	rc_subscription_close(subscription);
	return 0;
}

/* The begin of member and hold. */
static int join_group(rc_domain *domain, char **args, rc_subscription **subscription)
{
	rc_subscription_config config = {.reading = RC_READ_GROUP, .group = args[1]};
	int result = rc_subscription_open(domain, args[0], &config, subscription);
	if (result != RC_OK)
		return fail("join", result);
	say("ready");
	return 0;
}

/* Whether the standard input has ended. */
static bool input_ended(void)
{
	char byte;
	struct pollfd in = {STDIN_FILENO, POLLIN, 0};
	return poll(&in, 1, 0) == 1 && read(STDIN_FILENO, &byte, 1) <= 0;
}

/* Prints what a member was given; a message is done with then. */
static int tell(rc_subscription *subscription, const rc_received *r)
{
	switch (r->type) {
	case RC_TYPE_ABANDONED:
		printf("abandoned %" PRIu64 "\n", r->sequence);
		break;
	case RC_TYPE_LAGGED:
		printf("missed %" PRIu64 "\n", r->count);
		break;
	default:
		if (!right(r)) {
			printf("message %" PRIu64 " of type %u is wrong\n", r->sequence, (unsigned)r->type);
			return 1;
		}
		rc_subscription_release(subscription);
		printf("took %" PRIu64 "\n", r->sequence);
	}
	(void)fflush(stdout);
	return 0;
}

/* member TOPIC GROUP: until the standard input ends */
static int take_stream(rc_domain *domain, char **args)
{
	rc_subscription *subscription;
	rc_received r;
	if (join_group(domain, args, &subscription) != 0)
		return 1;
	while (!input_ended()) {
		int result = rc_subscription_wait(subscription, SECOND / 20, &r);
		if (result != RC_OK && result != RC_TIMED_OUT)
			return fail("read", result);
		if (result == RC_OK && tell(subscription, &r) != 0)
			return 1;
	}
	rc_subscription_close(subscription);
	return 0;
}

/* hold TOPIC GROUP: with a message in hand until it is killed */
static int hold_message(rc_domain *domain, char **args)
{
	rc_subscription *subscription;
	rc_received r;
	if (join_group(domain, args, &subscription) != 0 || next(subscription, &r) != 0)
		return 1;
	if (!right(&r))
		return fail("wrong message", RC_OK);
	printf("holding %" PRIu64 "\n", r.sequence);
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

int main(int argc, char **argv)
{
	const rc_config config = {.domain = getenv("CONFORMANCE_DOMAIN")};
	rc_domain *domain;
	int result = rc_domain_open(&config, &domain);
	if (result != RC_OK)
		return fail("open domain", result);
	if (argc == 7 && strcmp(argv[1], "write") == 0)
		result = write_stream(domain, argv + 2);
	else if (argc == 5 && strcmp(argv[1], "claim") == 0)
		result = hold_claim(domain, argv + 2);
	else if (argc == 6 && strcmp(argv[1], "read") == 0)
		result = read_stream(domain, argv + 2);
	else if (argc == 4 && strcmp(argv[1], "member") == 0)
		result = take_stream(domain, argv + 2);
	else if (argc == 4 && strcmp(argv[1], "hold") == 0)
		result = hold_message(domain, argv + 2);
	else if (argc == 3 && strcmp(argv[1], "images") == 0)
		result = show_images(argv[2]);
	else if (argc == 2 && strcmp(argv[1], "refuse") == 0)
		refuse_all(domain), exit(0); /* with all that it has opened */
	else if (argc == 2 && strcmp(argv[1], "answer") == 0)
		result = answer_all(domain);
	else if (argc == 3 && strcmp(argv[1], "ask") == 0)
		result = ask_all(domain, argv[2], false);
	else if (argc == 3 && strcmp(argv[1], "ask-away") == 0)
		result = ask_all(domain, argv[2], true);
	else if (argc == 3 && strcmp(argv[1], "ask-again") == 0)
		result = ask_again(domain, argv[2]);
	else if (argc == 2 && strcmp(argv[1], "watch") == 0)
		result = watch_others(domain);
	else if (argc == 3 && strcmp(argv[1], "subscribers") == 0)
		result = count_subscribers(domain, argv[2]);
	else if (argc == 2 && strcmp(argv[1], "drop") == 0)
		result = drop_request(domain);
	else
		result = 2;
	if (result == 0)
		(void)rc_domain_close(domain);
	return result;
}
