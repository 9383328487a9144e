/* The header of a segment and the checks of an opener: segment.md, 2. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

#define MAX_FIXED_SIZE 65536

static uint64_t boot_hash;
static pthread_once_t boot_once = PTHREAD_ONCE_INIT;

static void read_boot_id(void)
{
	char text[128];
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, text, sizeof text);
	(void)close(fd);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (n > 0)
		boot_hash = rci_fnv1a(RCI_FNV_BASIS, text, (size_t)n);
}

uint64_t rci_boot_hash(void)
{
	(void)pthread_once(&boot_once, read_boot_id);
	return boot_hash;
}

void rci_header_fill(uint8_t *base, const struct segment_spec *spec, uint64_t id)
{
	struct rc_segment_header *h = (struct rc_segment_header *)(void *)base;
	h->magic = RC_MAGIC;
	h->major = RC_MAJOR;
	h->minor = RC_MINOR;
	h->kind = spec->kind;
	h->layout_hash = RC_LAYOUT_HASH;
	h->segment_size = spec->size;
	h->segment_id = id;
	h->created_ns = rci_wall();
	h->fixed_size = (uint32_t)spec->fixed_size;
	h->boot_hash = rci_boot_hash();
	h->state = RC_SEGMENT_STATE_BUILDING;
}

static uint32_t checksum(const uint8_t *fixed, size_t fixed_size)
{
	uint8_t line[64];
	memcpy(line, fixed, sizeof line);
	memset(line + RC_SEGMENT_HEADER_CHECKSUM_OFFSET, 0, 4);
	uint32_t crc = rci_crc32c(0, line, sizeof line);
	return rci_crc32c(crc, fixed + RC_SEGMENT_HEADER_SIZE, fixed_size - RC_SEGMENT_HEADER_SIZE);
}

void rci_header_seal(uint8_t *base)
{
	struct rc_segment_header *h = (struct rc_segment_header *)(void *)base;
	h->checksum = checksum(base, h->fixed_size);
}

/* Reads up to size bytes from the start; returns how many there are, or -1. */
static ssize_t read_start(int fd, void *to, size_t size)
{
	size_t have = 0;
	while (have < size) {
		ssize_t n = pread(fd, (uint8_t *)to + have, size - have, (off_t)have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Checks 8: the fixed bytes, which h has been read from, match their checksum. */
static int check_sum(int fd, const char *path, const struct rc_segment_header *h)
{
	uint8_t *fixed = malloc(h->fixed_size);
	if (fixed == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "open %s: %u bytes", path, (unsigned)h->fixed_size);
	ssize_t n = read_start(fd, fixed, h->fixed_size);
	bool good = n == (ssize_t)h->fixed_size && memcmp(fixed, h, 64) == 0 && checksum(fixed, h->fixed_size) == h->checksum;
	free(fixed);
	return good ? RC_OK : rci_fail(RC_ERROR_DAMAGED, "%s: checksum of its header does not match: remove the file when nobody uses it", path);
}

static int check_kind(const char *path, const struct rc_segment_header *h, uint32_t kind)
{
	if (h->layout_hash != RC_LAYOUT_HASH)
		return rci_fail(RC_ERROR_OTHER_VERSION, "%s: layout %016llx, this library has %016llx: end the other program, or use another directory",
			path, (unsigned long long)h->layout_hash, (unsigned long long)RC_LAYOUT_HASH);
	if (h->segment_id >> RC_SEGMENT_ID_BITS != 0)
		return rci_fail(RC_ERROR_DAMAGED, "%s: its id has more than %d bits", path, RC_SEGMENT_ID_BITS);
	if (h->kind != kind)
		return rci_fail(RC_ERROR_NOT_OURS, "%s: segment of kind %u, want %u", path, (unsigned)h->kind, (unsigned)kind);
	return RC_OK;
}

int rci_header_check(int fd, const char *path, uint32_t kind, struct rc_segment_header *h)
{
	struct stat st;
	memset(h, 0, sizeof *h);
	if (fstat(fd, &st) != 0)
		return rci_fail_system("stat", path);
	if (!S_ISREG(st.st_mode))
		return rci_fail(RC_ERROR_NOT_OURS, "%s: not a regular file", path);
	ssize_t n = read_start(fd, h, sizeof *h);
	if (n < 0)
		return rci_fail_system("read", path);
	if (n < 8 || h->magic != RC_MAGIC)
		return rci_fail(RC_ERROR_NOT_OURS, "%s: no magic word of Ringcast", path);
	if (n < 10)
		return rci_fail(RC_ERROR_DAMAGED, "%s: ends in its header", path);
	if (h->major != RC_MAJOR)
		return rci_fail(RC_ERROR_OTHER_VERSION, "%s: layout %u, this library has %d: end the other program, or use another directory",
			path, (unsigned)h->major, RC_MAJOR);
	if (n < (ssize_t)sizeof *h)
		return rci_fail(RC_ERROR_DAMAGED, "%s: ends in its header", path);
	if (h->segment_size != (uint64_t)st.st_size || h->segment_size > PTRDIFF_MAX)
		return rci_fail(RC_ERROR_DAMAGED, "%s: %lld bytes, its header says %llu", path, (long long)st.st_size, (unsigned long long)h->segment_size);
	if (h->fixed_size < RC_SEGMENT_HEADER_SIZE || h->fixed_size > MAX_FIXED_SIZE || h->fixed_size > h->segment_size)
		return rci_fail(RC_ERROR_DAMAGED, "%s: %u fixed bytes", path, (unsigned)h->fixed_size);
	int result = check_sum(fd, path, h);
	return result != RC_OK ? result : check_kind(path, h, kind);
}
