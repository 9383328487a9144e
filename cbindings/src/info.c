/* What a participant says of itself, in its record or in a file: segment.md, 6. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain.h"

/* How long a reader of an info looks at an odd version. */
#define INFO_PATIENCE UINT64_C(5000000)

static uint64_t *info_area(const rc_domain *d, uint32_t index)
{
	return (uint64_t *)(void *)((uint8_t *)rci_record(d, index) + RC_PARTICIPANT_RECORD_SIZE);
}

static void info_path(const rc_domain *d, uint32_t index, char *path, const char *dot)
{
	(void)snprintf(path, RCI_PATH, "%.*s/live/%s%u.info", RCI_PATH - 64, d->directory, dot, (unsigned)index);
}

/* Makes the file that holds a large table, under its first name. */
static int make_file(rc_domain *d, struct fd_slot *slot, const uint8_t *table, size_t size)
{
	char directory[RCI_PATH], from[64], fresh[RCI_PATH];
	struct grant grant;
	(void)snprintf(directory, sizeof directory, "%.*s/live", RCI_PATH - 64, d->directory);
	info_path(d, d->index, fresh, ".");
	if (rci_fd_open(slot, directory, O_TMPFILE | O_RDWR) < 0)
		return rci_fail_system("make", fresh);
	(void)snprintf(from, sizeof from, "/proc/self/fd/%d", slot->fd);
	(void)unlink(fresh);
	int result = rci_grant_in(fresh, &grant);
	if (result == RC_OK)
		result = rci_grant_apply(&grant, slot->fd, fresh);
	if (result != RC_OK)
		return result;
	if (pwrite(slot->fd, table, size, 0) != (ssize_t)size || rci_lock_shared(slot->fd, RC_LOCK_BYTE_USAGE) != 1 ||
		linkat(AT_FDCWD, from, AT_FDCWD, fresh, AT_SYMLINK_FOLLOW) != 0)
		return rci_fail_system("write", fresh);
	return RC_OK;
}

static void put_words(uint64_t *to, const uint8_t *table, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = 0;
		memcpy(&word, table + i, size - i < 8 ? size - i : 8);
		store_relaxed(to + i / 8, word);
	}
}

/* Publishes a table: in the record where it fits, otherwise in the file. */
static int write_table(rc_domain *d, const uint8_t *table, size_t size)
{
	struct rc_participant_record *r = rci_record(d, d->index);
	bool in_file = size > d->record_stride - RC_PARTICIPANT_RECORD_SIZE;
	struct fd_slot file = {.fd = -1};
	char fresh[RCI_PATH], path[RCI_PATH];
	int result = in_file ? make_file(d, &file, table, size) : RC_OK;
	if (result != RC_OK) {
		rci_fd_close(&file);
		return result;
	}
	uint64_t version = load_relaxed(&r->info_version) | 1;
	store_relaxed(&r->info_version, version);
	fence_release();
	if (in_file) {
		info_path(d, d->index, fresh, ".");
		info_path(d, d->index, path, "");
		if (rename(fresh, path) != 0)
			result = rci_fail_system("name", path);
	} else {
		put_words(info_area(d, d->index), table, size);
	}
	store_relaxed(&r->info_place, in_file);
	store_relaxed(&r->info_size, result == RC_OK ? (uint32_t)size : 0);
	store_release(&r->info_version, version + 1); /* pairs(info) */
	rci_fd_move(&d->info_file, &file); /* closes the one before: its lock goes with it */
	return result;
}

int rci_info_write(rc_domain *d)
{
	size_t size = 0;
	const struct said said = {d->name, RC_VERSION, d->interests, d->offers};
	uint8_t *table = rci_table_build(&said, &size);
	if (table == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "table of interests");
	int result = size <= RC_MAX_PARTICIPANT_INFO ? write_table(d, table, size)
		: rci_fail(RC_ERROR_TOO_LARGE, "interests of %zu bytes: at most %d", size, RC_MAX_PARTICIPANT_INFO);
	free(table);
	return result;
}

static struct interest **find_interest(rc_domain *d, const char *name, bool publisher, bool local_only, bool live, uint32_t history)
{
	struct interest **i = &d->interests;
	while (*i != NULL && (strcmp((*i)->name, name) != 0 || (*i)->publisher != publisher || (*i)->local_only != local_only || (*i)->live != live || (*i)->history != history))
		i = &(*i)->next;
	return i;
}

int rci_interest_add(rc_domain *d, const char *name, bool publisher, bool local_only, bool live, uint32_t history)
{
	int result = RC_OK;
	(void)pthread_mutex_lock(&d->mutex);
	struct interest **i = find_interest(d, name, publisher, local_only, live, history);
	if (*i == NULL && (*i = calloc(1, sizeof **i)) != NULL) {
		(void)snprintf((*i)->name, sizeof (*i)->name, "%s", name);
		(*i)->publisher = publisher;
		(*i)->local_only = local_only;
		(*i)->live = live;
		(*i)->history = history;
		result = rci_info_write(d);
		if (result == RC_OK)
			rci_told(d);
	}
	bool there = *i != NULL;
	if (there)
		(*i)->count++;
	else
		result = rci_fail(RC_ERROR_NO_MEMORY, "interest %s", name);
	(void)pthread_mutex_unlock(&d->mutex);
	if (result != RC_OK && there)
		rci_interest_remove(d, name, publisher, local_only, live, history);
	return result;
}

void rci_interest_remove(rc_domain *d, const char *name, bool publisher, bool local_only, bool live, uint32_t history)
{
	(void)pthread_mutex_lock(&d->mutex);
	struct interest **i = find_interest(d, name, publisher, local_only, live, history);
	if (*i != NULL && --(*i)->count == 0) {
		struct interest *gone = *i;
		*i = gone->next;
		free(gone);
		if (rci_info_write(d) == RC_OK)
			rci_told(d);
	}
	(void)pthread_mutex_unlock(&d->mutex);
}

static void change_offer(struct offer **o, int32_t limit)
{
	struct offer *offer = *o;
	offer->limit += (uint32_t)limit;
	if (offer->limit != 0)
		return;
	*o = offer->next;
	free(offer);
}

int rci_offer_add(rc_domain *d, const char *name, int32_t limit)
{
	int result = RC_OK;
	(void)pthread_mutex_lock(&d->mutex);
	struct offer **o = &d->offers;
	while (*o != NULL && strcmp((*o)->name, name) != 0)
		o = &(*o)->next;
	if (*o == NULL && (*o = calloc(1, sizeof **o)) == NULL) {
		result = rci_fail(RC_ERROR_NO_MEMORY, "service %s", name);
	} else {
		(void)snprintf((*o)->name, sizeof (*o)->name, "%s", name);
		change_offer(o, limit);
		result = rci_info_write(d);
		if (result == RC_OK)
			rci_told(d);
		else if (limit > 0)
			change_offer(o, -limit); /* or the next table would tell of what nobody serves */
	}
	(void)pthread_mutex_unlock(&d->mutex);
	return result;
}

/* Copies a table from the file of an info. */
static bool read_file(const rc_domain *d, uint32_t index, uint8_t *to, size_t size)
{
	char path[RCI_PATH];
	info_path(d, index, path, "");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return false;
	bool good = pread(fd, to, size, 0) == (ssize_t)size;
	(void)close(fd);
	return good;
}

/* One try to copy the table: its bytes, or NULL if it changed meanwhile or is impossible. */
static uint8_t *read_once(const rc_domain *d, uint32_t index, size_t *size)
{
	struct rc_participant_record *r = rci_record(d, index);
	uint64_t version = load_acquire(&r->info_version); /* pairs(info) */
	uint32_t bytes = load_relaxed(&r->info_size), place = load_relaxed(&r->info_place);
	size_t limit = place == 0 ? d->record_stride - RC_PARTICIPANT_RECORD_SIZE : RC_MAX_PARTICIPANT_INFO;
	if ((version & 1) != 0 || bytes > limit || place > 1)
		return NULL;
	uint8_t *copy = calloc(1, ((size_t)bytes + 15) & ~(size_t)7);
	if (copy == NULL)
		return NULL;
	bool good = true;
	if (place == 1)
		good = read_file(d, index, copy, bytes);
	else
		for (size_t i = 0; i < bytes; i += 8) {
			uint64_t word = load_relaxed(info_area(d, index) + i / 8);
			memcpy(copy + i, &word, 8);
		}
	fence_acquire();
	if (good && load_relaxed(&r->info_version) == version) {
		*size = bytes;
		return copy;
	}
	free(copy);
	return NULL;
}

uint8_t *rci_info_read(const rc_domain *d, uint32_t index, size_t *size)
{
	uint64_t start = rci_now();
	for (;;) {
		uint8_t *copy = read_once(d, index, size);
		if (copy != NULL || rci_now() - start > INFO_PATIENCE)
			return copy;
		rci_sleep(50000);
	}
}
