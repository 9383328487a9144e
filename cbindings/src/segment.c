/* Opening and removing segments: segment.md, 3. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "segment.h"

/* How long an opener looks again for a remover, for others of another boot, and for those who use a retired segment. */
#define REMOVER_PATIENCE UINT64_C(200000000)
#define RETIRED_PATIENCE UINT64_C(20000000)
#define LOOK_AGAIN UINT64_C(100000)

enum found { FOUND_READY, FOUND_REMOVER, FOUND_RETIRED, FOUND_OTHER_BOOT, FOUND_ERROR };

static int map_file(struct segment *s, const char *path)
{
	s->base = rci_memory_map(s->file.fd, s->size, s->write);
	return s->base != NULL ? RC_OK : rci_fail_system("map", path);
}

/* Check 12: a sparse copy would be a SIGBUS later. */
static int reserve_pages(const struct segment *s, const char *path, const struct stat *st)
{
	if ((uint64_t)st->st_blocks * 512 >= s->size)
		return RC_OK;
	if (!s->write)
		return rci_fail(RC_ERROR_NO_SPACE, "%s: pages are missing, and it can't be written", path);
	int result;
	do
		result = fallocate(s->file.fd, 0, 0, (off_t)s->size);
	while (result != 0 && errno == EINTR);
	return result == 0 ? RC_OK : rci_fail_system("reserve", path);
}

/* Opens the file and checks what does not change; everything before the state. */
static int open_file(struct segment *s, const char *path, uint32_t kind, uint64_t *boot)
{
	struct rc_segment_header header;
	struct stat st;
	int fd = rci_fd_open(&s->file, path, (s->write ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return rci_fail(RC_ERROR_NOT_OURS, "%s: not a regular file", path);
	if (fd < 0)
		return rci_fail_system("open", path);
	int result = rci_header_check(fd, path, kind, &header);
	if (result != RC_OK)
		return result;
	if (fstat(fd, &st) != 0)
		return rci_fail_system("stat", path);
	s->size = (size_t)header.segment_size;
	s->id = header.segment_id;
	s->kind = kind;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	*boot = header.boot_hash;
	return reserve_pages(s, path, &st);
}

static enum found look_at_state(struct segment *s, const char *path, uint64_t boot, int *result)
{
	uint64_t state = load_acquire(&rci_header(s)->state); /* pairs(ready) */
	s->successor = state >> RC_STATE_BITS;
	if ((state & RC_STATE_MASK) == RC_SEGMENT_STATE_RETIRED) {
		*result = RCI_RETIRED;
		return FOUND_RETIRED;
	}
	if (state != RC_SEGMENT_STATE_READY) {
		*result = rci_fail(RC_ERROR_DAMAGED, "%s: state %llx", path, (unsigned long long)state);
		return FOUND_ERROR;
	}
	if (boot != 0 && rci_boot_hash() != 0 && boot != rci_boot_hash()) {
		*result = rci_fail(RC_ERROR_IN_USE, "%s: of another boot, and in use: do two machines share this directory?", path);
		return FOUND_OTHER_BOOT;
	}
	return FOUND_READY;
}

static enum found open_once(struct segment *s, const char *path, uint32_t kind, bool write, int *result)
{
	uint64_t boot = 0;
	memset(s, 0, sizeof *s);
	s->file.fd = -1;
	s->write = write;
	s->path = strdup(path);
	*result = s->path == NULL ? rci_fail(RC_ERROR_NO_MEMORY, "open %s", path) : open_file(s, path, kind, &boot);
	if (*result != RC_OK)
		return FOUND_ERROR;
	int held = rci_lock_shared(s->file.fd, RC_LOCK_BYTE_USAGE);
	if (held < 0) {
		*result = rci_fail_system("lock", path);
		return FOUND_ERROR;
	}
	if (held == 0) {
		*result = rci_fail(RC_ERROR_IN_USE, "%s: is being removed by a process that does not go on", path);
		return FOUND_REMOVER;
	}
	*result = map_file(s, path);
	return *result != RC_OK ? FOUND_ERROR : look_at_state(s, path, boot, result);
}

int rci_segment_open(struct segment *s, const char *path, uint32_t kind, bool write)
{
	uint64_t start = rci_now();
	for (;;) {
		int result = RC_OK;
		enum found found = open_once(s, path, kind, write, &result);
		if (found == FOUND_READY)
			return RC_OK;
		uint64_t successor = s->successor;
		if (found == FOUND_OTHER_BOOT && !write)
			result = rci_fail(RC_ERROR_NOT_FOUND, "%s: of another boot", path);
		bool removed = (found == FOUND_RETIRED || found == FOUND_OTHER_BOOT) && write && rci_segment_remove(s);
		rci_segment_close(s);
		s->successor = successor;
		uint64_t patience = found == FOUND_RETIRED ? RETIRED_PATIENCE : REMOVER_PATIENCE;
		if (found == FOUND_ERROR || (found == FOUND_OTHER_BOOT && !write) || rci_now() - start > patience)
			return result;
		if (!removed)
			rci_sleep(LOOK_AGAIN);
	}
}

void rci_segment_close(struct segment *s)
{
	if (s->base != NULL)
		(void)munmap(s->base, s->size);
	s->base = NULL;
	rci_fd_close(&s->file);
	free(s->path);
	s->path = NULL;
}

/* Steps 3 to 5 of the remover's rule, with the exclusive lock held. */
static bool remove_name(struct segment *s)
{
	struct stat st;
	if (lstat(s->path, &st) != 0 || st.st_dev != s->device || st.st_ino != s->inode)
		return false;
	for (;;) {
		uint64_t state = load_acquire(&rci_header(s)->state);
		if ((state & RC_STATE_MASK) == RC_SEGMENT_STATE_RETIRED || cas(&rci_header(s)->state, state, (state & ~(uint64_t)RC_STATE_MASK) | RC_SEGMENT_STATE_RETIRED))
			break;
	}
	return unlink(s->path) == 0;
}

bool rci_segment_remove(struct segment *s)
{
	bool removed = false;
	if (s->file.fd >= 0 && s->write && s->base != NULL) {
		/* one's own lock first, or two users that leave at once would each find the other's */
		(void)rci_unlock(s->file.fd, RC_LOCK_BYTE_USAGE);
		if (rci_lock_exclusive(s->file.fd, RC_LOCK_BYTE_USAGE) == 1) {
			removed = remove_name(s);
			(void)rci_unlock(s->file.fd, RC_LOCK_BYTE_USAGE);
		}
	}
	rci_segment_close(s);
	return removed;
}

void rci_remove_unlocked(const char *path)
{
	struct stat name, file;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	if (rci_lock_exclusive(fd, RC_LOCK_BYTE_USAGE) == 1 && lstat(path, &name) == 0 && fstat(fd, &file) == 0 &&
		name.st_dev == file.st_dev && name.st_ino == file.st_ino)
		(void)unlink(path);
	(void)close(fd);
}
