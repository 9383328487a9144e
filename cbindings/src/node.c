/* The segments that every domain has: segment.md, 4. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domain.h"

#define FIXED_SIZE 192

struct node_request {
	const char *directory;
	uint32_t node;
};

static size_t machine_id(char *text, size_t size)
{
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, size) : 0;
	if (fd >= 0)
		(void)close(fd);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n > 0)
		return (size_t)n;
	return gethostname(text, size - 1) == 0 ? strnlen(text, size - 1) : 0;
}

static uint32_t fresh_node(const char *directory)
{
	char machine[256] = "";
	size_t n = machine_id(machine, sizeof machine);
	uint64_t hash = rci_fnv1a(RCI_FNV_BASIS, machine, n), random = rci_random64();
	hash = rci_fnv1a(hash, "", 1);
	hash = rci_fnv1a(hash, directory, strlen(directory));
	hash = rci_fnv1a(hash, &random, sizeof random);
	uint32_t id = (uint32_t)hash ^ (uint32_t)(hash >> 32);
	return id != 0 ? id : 1;
}

static void fill_node(uint8_t *base, const void *argument)
{
	const struct node_request *request = argument;
	struct rc_node_record *node = (void *)(base + RC_SEGMENT_HEADER_SIZE);
	uint32_t epoch = (uint32_t)rci_random64();
	node->node = request->node != 0 ? request->node : fresh_node(request->directory);
	node->epoch = epoch != 0 ? epoch : 1;
}

static void fill_participants(uint8_t *base, const void *argument)
{
	struct rc_participants_header *h = (void *)(base + RC_SEGMENT_HEADER_SIZE);
	(void)argument;
	h->record_count = RC_PARTICIPANT_COUNT;
	h->record_stride = RC_PARTICIPANT_RECORD_STRIDE;
	h->records_start = RC_PAGE_SIZE;
	for (size_t i = 0; i < RC_PARTICIPANT_COUNT; i++) {
		struct rc_participant_record *r = (void *)(base + RC_PAGE_SIZE + i * RC_PARTICIPANT_RECORD_STRIDE);
		r->state = UINT64_C(1) << 32 | RC_PARTICIPANT_STATE_FREE;
	}
}

static void fill_directory(uint8_t *base, const void *argument)
{
	struct rc_directory_header *h = (void *)(base + RC_SEGMENT_HEADER_SIZE);
	(void)argument;
	h->area_start = RC_PAGE_SIZE;
	h->area_size = RC_DIRECTORY_AREA_SIZE;
}

static int open_node(rc_domain *d, uint32_t node)
{
	char path[RCI_PATH];
	struct node_request request = {d->directory, node};
	struct segment_spec spec = {.path = path, .kind = RC_SEGMENT_KIND_NODE, .fixed_size = FIXED_SIZE,
		.size = RC_SEGMENT_HEADER_SIZE + RC_NODE_RECORD_SIZE, .fill = fill_node, .argument = &request};
	(void)snprintf(path, sizeof path, "%.*s/node", RCI_PATH - 16, d->directory);
	int result = rci_segment_open_or_make(&d->node, &spec);
	if (result != RC_OK)
		return result;
	if (d->node.size < spec.size)
		return rci_fail(RC_ERROR_DAMAGED, "%s: %zu bytes: no room for its record", path, d->node.size);
	d->node_id = rci_node_record(d)->node;
	d->epoch = rci_node_record(d)->epoch;
	if (d->node_id == 0 || d->epoch == 0)
		return rci_fail(RC_ERROR_DAMAGED, "%s: node %u, epoch %u", path, (unsigned)d->node_id, (unsigned)d->epoch);
	if (node != 0 && node != d->node_id)
		return rci_fail(RC_ERROR_INVALID, "config: node %u: the directory %s is of node %u", (unsigned)node, d->directory, (unsigned)d->node_id);
	return RC_OK;
}

/* Copies the geometry of the participants, and checks the copy. */
static int check_participants(rc_domain *d)
{
	const struct rc_participants_header *h = (const void *)(d->participants.base + RC_SEGMENT_HEADER_SIZE);
	uint64_t size = d->participants.size;
	if (size < RC_SEGMENT_HEADER_SIZE + RC_PARTICIPANTS_HEADER_SIZE)
		return rci_fail(RC_ERROR_DAMAGED, "%s: ends in its header", d->participants.path);
	d->record_count = h->record_count;
	d->record_stride = h->record_stride;
	d->records_start = h->records_start;
	if (d->record_count == 0 || d->record_count > UINT16_MAX || d->record_stride % 64 != 0 || d->records_start % 64 != 0 ||
		d->record_stride < RC_PARTICIPANT_RECORD_SIZE || d->records_start < RC_SEGMENT_HEADER_SIZE + RC_PARTICIPANTS_HEADER_SIZE ||
		d->records_start > size || (size - d->records_start) / d->record_stride < d->record_count)
		return rci_fail(RC_ERROR_DAMAGED, "%s: %u records of %u bytes from %llu do not fit", d->participants.path, (unsigned)d->record_count,
			(unsigned)d->record_stride, (unsigned long long)d->records_start);
	return RC_OK;
}

int rci_domain_segments(rc_domain *d, uint32_t node)
{
	char path[RCI_PATH];
	struct segment_spec spec = {.path = path, .fixed_size = FIXED_SIZE};
	int result = open_node(d, node);
	if (result != RC_OK)
		return result;
	(void)snprintf(path, sizeof path, "%.*s/participants", RCI_PATH - 16, d->directory);
	spec.kind = RC_SEGMENT_KIND_PARTICIPANTS;
	spec.size = RC_PAGE_SIZE + (size_t)RC_PARTICIPANT_COUNT * RC_PARTICIPANT_RECORD_STRIDE;
	spec.fill = fill_participants;
	result = rci_segment_open_or_make(&d->participants, &spec);
	if (result == RC_OK)
		result = check_participants(d);
	if (result != RC_OK)
		return result;
	(void)snprintf(path, sizeof path, "%.*s/directory", RCI_PATH - 16, d->directory);
	spec.kind = RC_SEGMENT_KIND_DIRECTORY;
	spec.size = RC_PAGE_SIZE + RC_DIRECTORY_AREA_SIZE;
	spec.fill = fill_directory;
	return rci_segment_open_or_make(&d->directory_segment, &spec);
}

struct rc_node_record *rci_node_record(const rc_domain *d)
{
	return (void *)(d->node.base + RC_SEGMENT_HEADER_SIZE);
}
