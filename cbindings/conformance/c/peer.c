/* The C side of the conformance run. See doc.go for what its commands do. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ringcast.h"

#define SECOND INT64_C(1000000000)
#define LARGEST 400

static const size_t sizes[] = {0, 1, 63, 128, 129, LARGEST, 0, 17};
#define SIZES (sizeof sizes / sizeof *sizes)

static size_t fill(uint8_t *bytes, uint64_t number)
{
	size_t size = sizes[number % SIZES];
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number * 31 + i * 7);
	return size;
}

static int fail(const char *what, int code)
{
	printf("%s: %s: %s\n", what, rc_error_text(code), code < 0 ? rc_error_detail() : "");
	return 1;
}

static rc_publisher_config config_of(char **args)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 128};
	config.kind = strcmp(args[1], "exclusive") == 0 ? RC_RING_KIND_EXCLUSIVE : RC_RING_KIND_SHARED;
	config.mode = strcmp(args[2], "latest") == 0 ? RC_RING_MODE_LATEST : RC_RING_MODE_RELIABLE;
	return config;
}

/* write TOPIC KIND MODE COUNT */
static int write_stream(rc_domain *domain, char **args)
{
	rc_publisher_config config = config_of(args);
	rc_publisher *publisher;
	uint8_t bytes[LARGEST];
	uint64_t count = strtoull(args[3], NULL, 10);
	int result = rc_publisher_open(domain, args[0], &config, &publisher);
	if (result != RC_OK)
		return fail("open publisher", result);
	for (uint64_t n = 1; n <= count; n++) {
		size_t size = fill(bytes, n);
		rc_claim claim;
		if (n % 3 == 0 && size <= 128) { /* in place, at the end of the slot */
			result = rc_publisher_claim(publisher, size, 30 * SECOND, &claim);
			if (result == RC_OK) {
				uint8_t *at = (uint8_t *)claim.data + claim.capacity - size;
				memcpy(at, bytes, size);
				result = rc_claim_commit(&claim, at, size, NULL);
				if (result == RC_ERROR_FENCED) /* this process was stopped for long: nothing was sent */
					result = rc_publisher_publish(publisher, bytes, size, 30 * SECOND);
			}
		} else {
			result = rc_publisher_publish(publisher, bytes, size, 30 * SECOND);
		}
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
	printf("claimed\n");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

/* read TOPIC COUNT: until sequence COUNT */
static int read_stream(rc_domain *domain, char **args)
{
	rc_subscription *subscription;
	uint8_t bytes[LARGEST];
	uint64_t count = strtoull(args[1], NULL, 10), last = 0, got = 0, missed = 0;
	bool lagged = false;
	int result = rc_subscription_open(domain, args[0], NULL, &subscription);
	if (result != RC_OK)
		return fail("subscribe", result);
	printf("ready\n");
	(void)fflush(stdout);
	while (last < count) {
		rc_received r;
		result = rc_subscription_wait(subscription, 30 * SECOND, &r);
		if (result != RC_OK)
			return fail("read", result);
		if (r.type == RC_TYPE_LAGGED) {
			lagged = true;
			continue;
		}
		size_t size = fill(bytes, r.sequence);
		if (r.type != RC_TYPE_MESSAGE || r.sequence <= last || (r.sequence != last + 1 && !lagged) || r.size != size || memcmp(r.data, bytes, size) != 0) {
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

int main(int argc, char **argv)
{
	rc_domain *domain;
	int result = rc_domain_open(NULL, &domain);
	if (result != RC_OK)
		return fail("open domain", result);
	if (argc == 6 && strcmp(argv[1], "write") == 0)
		result = write_stream(domain, argv + 2);
	else if (argc == 5 && strcmp(argv[1], "claim") == 0)
		result = hold_claim(domain, argv + 2);
	else if (argc == 4 && strcmp(argv[1], "read") == 0)
		result = read_stream(domain, argv + 2);
	else
		result = 2;
	if (result == 0)
		(void)rc_domain_close(domain);
	return result;
}
