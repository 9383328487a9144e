/* A folder in /dev/shm for one test, in C or C++. Whoever has one holds its lock, so that what a run left that
 * was aborted is known, and removed when the next one begins. */
#ifndef RC_TEST_PLACE_H
#define RC_TEST_PLACE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES "/dev/shm"
#define PLACE_PREFIX "rc-test-place-"

struct test_place {
	char path[64];
	int lock; /* a child that lives on without exec has it, too */
};

static inline void place_remove(const char *path)
{
	char command[300];
	(void)snprintf(command, sizeof command, "rm -rf '%s'", path);
	if (system(command) != 0)
		printf("# can't remove %s\n", path);
}

/* Opens the folder and takes its lock; -1: it is gone, or somebody has it. */
static inline int place_lock(const char *path)
{
	struct stat s;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &s) != 0 || s.st_nlink == 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/* Removes what nobody has. */
static inline void place_sweep(void)
{
	DIR *all = opendir(PLACES);
	const struct dirent *entry;
	while (all != NULL && (entry = readdir(all)) != NULL) {
		char path[sizeof PLACES + sizeof entry->d_name];
		if (strncmp(entry->d_name, PLACE_PREFIX, sizeof PLACE_PREFIX - 1) != 0)
			continue;
		(void)snprintf(path, sizeof path, PLACES "/%s", entry->d_name);
		int fd = place_lock(path);
		if (fd < 0)
			continue;
		place_remove(path);
		(void)close(fd);
	}
	if (all != NULL)
		(void)closedir(all);
}

/* Makes a place. Another that sweeps may take it before its lock is ours: then it makes another. */
static inline bool place_make(struct test_place *p)
{
	static bool swept = false;
	if (!swept)
		place_sweep();
	swept = true;
	for (int tries = 0; tries < 100; tries++) {
		(void)strcpy(p->path, PLACES "/" PLACE_PREFIX "XXXXXX");
		if (mkdtemp(p->path) == NULL)
			return false;
		p->lock = place_lock(p->path);
		if (p->lock >= 0)
			return true;
	}
	return false;
}

static inline void place_end(struct test_place *p)
{
	place_remove(p->path);
	(void)close(p->lock);
}

#endif
