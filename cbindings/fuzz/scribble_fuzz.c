/* A libFuzzer target: what others write. The first byte chooses: a table of a participant, a file
 * that is opened as a segment, or a ring that is scribbled while it is used.
 *
 *	make -C cbindings fuzz CC=clang FUZZ_SECONDS=60
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"

static char base[] = "/dev/shm/rc-fuzz-XXXXXX";
static rc_domain *domain;
static uint64_t touched;

static void clean_up(void)
{
	char command[64];
	(void)snprintf(command, sizeof command, "rm -rf %s", base);
	if (system(command) != 0)
		perror(base);
}

static void visit(void *argument, const char *name, bool pattern, bool publisher)
{
	(void)argument;
	touched += strlen(name) + pattern + publisher;
}

static void open_file(const uint8_t *data, size_t size)
{
	char path[64];
	struct segment segment;
	(void)snprintf(path, sizeof path, "%s/file", base);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)close(fd);
	if (rci_segment_open(&segment, path, RC_SEGMENT_KIND_NODE, true) == RC_OK)
		rci_segment_close(&segment);
}

/* Pairs of a place (2 bytes) and a word (8): each is written, then the ring is used. */
static void scribble(const uint8_t *data, size_t size)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	rc_subscription_config late = {.reading = RC_READ_LATEST, .history = 32};
	rc_publisher *publisher;
	rc_subscription *subscriptions[2] = {NULL, NULL};
	struct ring *ring = NULL;
	char path[RCI_PATH];
	const struct wish any = {0};
	(void)snprintf(path, sizeof path, "%s/default/topics/f", base);
	if (rc_publisher_open(domain, "f", &config, &publisher) != RC_OK)
		abort();
	if (rc_subscription_open(domain, "f", NULL, &subscriptions[0]) != RC_OK || rc_subscription_open(domain, "f", &late, &subscriptions[1]) != RC_OK ||
		rci_ring_open(domain, path, &any, true, &ring) != RC_OK)
		abort();
	for (; size >= 10; data += 10, size -= 10) {
		uint16_t place;
		uint64_t word;
		memcpy(&place, data, 2);
		memcpy(&word, data + 2, 8);
		size_t words = (rci_control_size(&ring->shape) - 256) / 8, at = place % (words + 64 * 8);
		if (at < words)
			((uint64_t *)(void *)ring->control)[at] = word;
		else
			((uint64_t *)(void *)ring_slot(ring, (at - words) / 8))[(at - words) % 8] = word;
		(void)rc_publisher_publish(publisher, data, size < 200 ? size : 200, 0);
		for (int s = 0; s < 2; s++) {
			rc_received r;
			for (int i = 0; i < 20 && rc_subscription_poll(subscriptions[s], &r) == RC_OK; i++)
				for (size_t b = 0; r.type == RC_TYPE_MESSAGE && b < r.size; b++)
					touched += ((const uint8_t *)r.data)[b];
		}
	}
	rci_ring_close(ring);
	rc_publisher_close(publisher);
	rc_subscription_close(subscriptions[0]);
	rc_subscription_close(subscriptions[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (domain == NULL && (mkdtemp(base) == NULL || setenv("RINGCAST_SHM_DIR", base, 1) != 0 || atexit(clean_up) != 0 || rc_domain_open(NULL, &domain) != RC_OK))
		abort();
	if (size == 0)
		return 0;
	switch (data[0] % 3) {
	case 0:
		(void)rci_table_interests(data + 1, size - 1, visit, NULL);
		break;
	case 1:
		open_file(data + 1, size - 1);
		break;
	default:
		scribble(data + 1, size - 1 < 100 ? size - 1 : 100);
	}
	return 0;
}
