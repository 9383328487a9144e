/* Making segments that nobody sees half done: segment.md, 3. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "segment.h"

static int unnamed_file(struct fd_slot *slot, const char *path)
{
	char directory[RCI_PATH];
	const char *slash = strrchr(path, '/');
	if (slash == NULL || (size_t)(slash - path) >= sizeof directory) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = 0;
	return rci_fd_open(slot, directory, O_TMPFILE | O_RDWR);
}

static int apply_rights(int fd, const struct segment_spec *spec)
{
	struct grant grant;
	int result = spec->grant == NULL ? rci_grant_in(spec->path, &grant) : RC_OK;
	return result == RC_OK ? rci_grant_apply(spec->grant != NULL ? spec->grant : &grant, fd, spec->path) : result;
}

/* Maps the file, then takes its pages: where they lie is said of a mapping, and only of pages that are still to be taken. A full
 * file system is an error here and never a SIGBUS later. */
static int map_reserved(struct segment *s, const struct segment_spec *spec)
{
	int fd = s->file.fd;
	s->base = rci_memory_map(fd, spec->size, true);
	if (s->base == NULL)
		return rci_fail_system("map", spec->path);
	int result = rci_memory_bind(spec->memory, s->base, spec->size, spec->path);
	if (result != RC_OK)
		return result;
	do
		result = fallocate(fd, 0, 0, (off_t)spec->size);
	while (result != 0 && errno == EINTR);
	if (result == 0)
		return RC_OK;
	if (errno == ENOSPC)
		return rci_fail(RC_ERROR_NO_SPACE, "make %s: no space for %zu bytes: remove what is not needed, or name a directory on a larger file system with RINGCAST_SHM_DIR",
			spec->path, spec->size);
	return rci_fail_system("reserve", spec->path);
}

static int fill_segment(struct segment *s, const struct segment_spec *spec)
{
	struct stat st;
	if (rci_lock_shared(s->file.fd, RC_LOCK_BYTE_USAGE) != 1 || fstat(s->file.fd, &st) != 0)
		return rci_fail_system("lock", spec->path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	rci_header_fill(s->base, spec, s->id);
	if (spec->fill != NULL)
		spec->fill(s->base, spec->argument);
	rci_header_seal(s->base);
	(void)cas(&rci_header(s)->state, RC_SEGMENT_STATE_BUILDING, RC_SEGMENT_STATE_READY); /* pairs(ready) */
	return RC_OK;
}

int rci_segment_build(struct segment *s, const struct segment_spec *spec)
{
	memset(s, 0, sizeof *s);
	s->file.fd = -1;
	int fd = unnamed_file(&s->file, spec->path);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		return rci_fail(RC_ERROR_SYSTEM, "make %s: the file system knows no O_TMPFILE: use a tmpfs", spec->path);
	if (fd < 0)
		return rci_fail_system("make", spec->path);
	s->size = spec->size;
	s->write = true;
	s->kind = spec->kind;
	s->id = spec->id != 0 ? spec->id : rci_random_id();
	s->path = strdup(spec->path);
	int result = s->path == NULL ? rci_fail(RC_ERROR_NO_MEMORY, "make %s", spec->path) : apply_rights(fd, spec);
	if (result == RC_OK)
		result = map_reserved(s, spec);
	if (result == RC_OK)
		result = fill_segment(s, spec);
	if (result != RC_OK)
		rci_segment_close(s);
	return result;
}

int rci_segment_link(struct segment *s)
{
	char from[64];
	(void)snprintf(from, sizeof from, "/proc/self/fd/%d", s->file.fd);
	if (linkat(AT_FDCWD, from, AT_FDCWD, s->path, AT_SYMLINK_FOLLOW) == 0)
		return RC_OK;
	return errno == EEXIST ? RCI_EXISTS : rci_fail_system("name", s->path);
}

int rci_segment_open_or_make(struct segment *s, const struct segment_spec *spec)
{
	for (int try = 0; try < 100; try++) {
		int result = rci_segment_open(s, spec->path, spec->kind, true);
		if (result != RC_ERROR_NOT_FOUND)
			return result == RCI_RETIRED ? rci_fail(RC_ERROR_IN_USE, "%s: retired, and in use", spec->path) : result;
		result = rci_segment_build(s, spec);
		if (result != RC_OK)
			return result;
		result = rci_segment_link(s);
		if (result == RC_OK)
			return RC_OK;
		rci_segment_close(s);
		if (result != RCI_EXISTS)
			return result;
	}
	return rci_fail(RC_ERROR_IN_USE, "%s: comes and goes", spec->path);
}
