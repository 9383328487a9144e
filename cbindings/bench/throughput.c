/* Throughput of one ring between two processes: one publisher, one reader in place, which reads
 * the first 8 bytes of each message and the last. Prints messages a second, best of ROUNDS.
 *
 *	throughput [SECONDS a round, default 0.5]
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ringcast.h"

#define ROUNDS 3

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, rc_error_detail());
	exit(1);
}

/* The reader: until the message that is all ones. */
static void read_all(int ready)
{
	rc_config config = {.name = "reader", .wait = RC_WAIT_BLOCK};
	rc_domain *domain;
	rc_subscription *subscription;
	rc_received r;
	if (rc_domain_open(&config, &domain) != RC_OK || rc_subscription_open(domain, "t", NULL, &subscription) != RC_OK)
		die("reader");
	if (write(ready, "r", 1) != 1)
		die("reader");
	for (uint64_t sum = 0;;) {
		uint64_t first;
		if (rc_subscription_wait(subscription, RC_FOREVER, &r) != RC_OK)
			die("read");
		memcpy(&first, r.data, sizeof first);
		sum += first + ((const uint8_t *)r.data)[r.size - 1];
		if (first == UINT64_MAX)
			_exit(sum == 1); /* the sum is used */
	}
}

/* One round: messages a second from the first publish until the reader has the last. */
static double round_of(uint32_t kind, size_t size, bool in_place, double seconds)
{
	rc_publisher_config config = {.slots = 1024, .slot_size = 2048, .kind = kind};
	rc_domain *domain;
	rc_publisher *publisher;
	uint8_t bytes[2048] = {0};
	char base[] = "/dev/shm/rc-bench-XXXXXX", command[64];
	int ready[2];
	char answer;
	if (mkdtemp(base) == NULL || setenv("RINGCAST_SHM_DIR", base, 1) != 0 || pipe(ready) != 0)
		die("bench");
	pid_t reader = fork();
	if (reader == 0)
		read_all(ready[1]);
	if (read(ready[0], &answer, 1) != 1 || rc_domain_open(NULL, &domain) != RC_OK || rc_publisher_open(domain, "t", &config, &publisher) != RC_OK)
		die("publisher");
	uint64_t count = 0;
	double start = now();
	for (uint64_t last = 0; last != UINT64_MAX; count++) {
		last = count % 1024 == 1023 && now() - start > seconds ? UINT64_MAX : count;
		memcpy(bytes, &last, sizeof last);
		rc_claim claim;
		int result;
		if (!in_place) {
			result = rc_publisher_publish(publisher, bytes, size, RC_FOREVER);
		} else if ((result = rc_publisher_claim(publisher, size, RC_FOREVER, &claim)) == RC_OK) {
			memcpy(claim.data, bytes, size);
			result = rc_claim_commit(&claim, claim.data, size, NULL);
		}
		if (result == RC_ERROR_FENCED && last != UINT64_MAX)
			continue;
		if (result != RC_OK)
			die("publish");
	}
	(void)waitpid(reader, NULL, 0);
	double took = now() - start;
	rc_publisher_close(publisher);
	(void)rc_domain_close(domain);
	(void)close(ready[0]);
	(void)close(ready[1]);
	(void)snprintf(command, sizeof command, "rm -rf %s", base);
	if (system(command) != 0)
		die("clean up");
	return (double)count / took;
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {64, 256, 2048};
	double seconds = argc > 1 ? atof(argv[1]) : 0.5;
	printf("%-10s %6s %14s %14s\n", "ring", "bytes", "publish, M/s", "claim, M/s");
	for (uint32_t kind = RC_RING_KIND_SHARED; kind <= RC_RING_KIND_EXCLUSIVE; kind++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			double best[2] = {0, 0};
			for (int round = 0; round < 2 * ROUNDS; round++) {
				double rate = round_of(kind, sizes[i], round % 2, seconds);
				best[round % 2] = rate > best[round % 2] ? rate : best[round % 2];
			}
			printf("%-10s %6zu %14.2f %14.2f\n", kind == RC_RING_KIND_SHARED ? "shared" : "exclusive", sizes[i], best[0] / 1e6, best[1] / 1e6);
			(void)fflush(stdout);
		}
	}
	return 0;
}
