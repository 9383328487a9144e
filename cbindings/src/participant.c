/* Joining and leaving a domain, and who is alive: segment.md, 5. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain.h"

struct rc_participant_record *rci_record(const rc_domain *d, uint32_t index)
{
	if (index >= d->record_count)
		return NULL;
	return (void *)(d->participants.base + d->records_start + (size_t)index * d->record_stride);
}

bool rci_alive(const rc_domain *d, uint32_t index)
{
	return index < d->record_count && rci_locked(d->participants.file.fd, RC_LOCK_BYTE_PARTICIPANT + index);
}

bool rci_gone(const rc_domain *d, const struct rc_address *a)
{
	const struct rc_participant_record *r = rci_record(d, a->index);
	if (a->node != d->node_id)
		return a->node == 0; /* its node knows */
	return a->epoch != d->epoch || r == NULL ||
		load_acquire(&r->state) != ((uint64_t)a->generation << 32 | RC_PARTICIPANT_STATE_LIVE); /* pairs(live) */
}

uint64_t *rci_changes(const rc_domain *d)
{
	struct rc_participants_header *h = (void *)(d->participants.base + RC_SEGMENT_HEADER_SIZE);
	return &h->changes;
}

void rci_changed(rc_domain *d)
{
	(void)add_seq(rci_changes(d), 1);
	uint64_t forwarder = load_acquire(&rci_node_record(d)->forwarder);
	uint32_t index = (uint32_t)forwarder - 1;
	struct rc_participant_record *r = (uint32_t)forwarder != 0 ? rci_record(d, index) : NULL;
	if (r != NULL && load_acquire(&r->state) == (forwarder >> 32 << 32 | RC_PARTICIPANT_STATE_LIVE))
		rci_ring_bell(d, index);
}

/* What we say of ourselves has changed: the bell's mode is set as it is, an event for watchers of live/. */
void rci_told(rc_domain *d)
{
	struct stat st;
	rci_changed(d);
	if (fstat(d->bell.fd, &st) == 0)
		(void)fchmod(d->bell.fd, st.st_mode & 07777);
}

static void live_path(const rc_domain *d, char *path, const char *before, const char *after)
{
	(void)snprintf(path, RCI_PATH, "%.*s/live/%s%u%s", RCI_PATH - 64, d->directory, before, (unsigned)d->index, after);
}

/* Makes the bell under a name of its own, locks it, and gives it its name. */
static int hang_up_bell(rc_domain *d)
{
	char fresh[RCI_PATH], path[RCI_PATH];
	struct grant grant;
	live_path(d, fresh, ".", "");
	live_path(d, path, "", "");
	(void)unlink(fresh);
	if (mkfifo(fresh, 0600) != 0)
		return rci_fail_system("make bell", fresh);
	if (rci_fd_open(&d->bell, fresh, O_RDWR | O_NONBLOCK | O_NOFOLLOW) < 0)
		return rci_fail_system("open bell", fresh);
	int result = rci_grant_in(path, &grant);
	if (result == RC_OK)
		result = rci_grant_apply(&grant, d->bell.fd, fresh);
	if (result != RC_OK)
		return result;
	if (rci_lock_shared(d->bell.fd, RC_LOCK_BYTE_USAGE) != 1)
		return rci_fail_system("lock bell", fresh);
	return rename(fresh, path) == 0 ? RC_OK : rci_fail_system("name bell", path);
}

static void unlink_rest(const rc_domain *d)
{
	char path[RCI_PATH];
	live_path(d, path, "", ".info");
	(void)unlink(path);
	live_path(d, path, ".", ".info");
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%.*s/counters/%u.cnt", RCI_PATH - 64, d->directory, (unsigned)d->index);
	(void)unlink(path);
}

static int announce(rc_domain *d, struct rc_participant_record *r, uint64_t state)
{
	store_seq(&r->sleeping, 0);
	r->pid = (uint32_t)getpid();
	r->uid = (uint32_t)geteuid();
	r->started_ns = rci_wall();
	r->language = RC_LANGUAGE_C;
	r->inbox = 0;
	d->generation = (uint32_t)(state >> 32);
	int result = rci_info_write(d);
	if (result != RC_OK)
		return result;
	if (!cas(&r->state, state, (state >> 32 << 32) | RC_PARTICIPANT_STATE_LIVE)) /* pairs(live) */
		return RCI_AGAIN;
	d->joined = true;
	rci_told(d);
	return RC_OK;
}

/* Tries one index: RCI_AGAIN if it is somebody's. */
static int try_index(rc_domain *d, uint32_t index)
{
	struct rc_participant_record *r = rci_record(d, index);
	if ((uint32_t)load_acquire(&r->state) != RC_PARTICIPANT_STATE_FREE)
		return RCI_AGAIN; /* a lock on a dead one's byte would make him look alive */
	int held = rci_lock_exclusive(d->lock.fd, RC_LOCK_BYTE_PARTICIPANT + index);
	if (held < 0)
		return rci_fail_system("lock", d->participants.path);
	if (held == 0)
		return RCI_AGAIN;
	uint64_t state = load_acquire(&r->state);
	int result = RCI_AGAIN;
	if ((uint32_t)state == RC_PARTICIPANT_STATE_FREE) {
		d->index = index;
		result = hang_up_bell(d);
		if (result == RC_OK) {
			unlink_rest(d);
			result = announce(d, r, state);
		}
		if (result != RC_OK)
			rci_fd_close(&d->bell);
	}
	if (result != RC_OK)
		(void)rci_unlock(d->lock.fd, RC_LOCK_BYTE_PARTICIPANT + index);
	return result;
}

int rci_join(rc_domain *d)
{
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", d->participants.file.fd);
	if (rci_fd_open(&d->lock, path, O_RDWR) < 0)
		return rci_fail_system("open", d->participants.path);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < d->record_count; i++) {
			int result = try_index(d, i);
			if (result != RCI_AGAIN)
				return result;
		}
		rci_sweep(d);
	}
	return rci_fail(RC_ERROR_DOMAIN_FULL, "join %s: all %u records are taken", d->directory, (unsigned)d->record_count);
}

void rci_leave(rc_domain *d)
{
	char path[RCI_PATH];
	if (d->joined && load_relaxed(&d->forked) == 0) {
		struct rc_participant_record *r = rci_record(d, d->index);
		uint64_t live = (uint64_t)d->generation << 32 | RC_PARTICIPANT_STATE_LIVE;
		uint64_t next = d->generation == UINT32_MAX ? 1 : (uint64_t)d->generation + 1;
		live_path(d, path, "", "");
		(void)unlink(path);
		unlink_rest(d);
		rci_fd_close(&d->bell);
		rci_fd_close(&d->info_file);
		rci_mark_left(d);
		(void)cas(&r->state, live, next << 32 | RC_PARTICIPANT_STATE_FREE); /* pairs(ending) */
		rci_changed(d);
	}
	d->joined = false;
	rci_fd_close(&d->bell);
	rci_fd_close(&d->info_file);
	rci_fd_close(&d->lock); /* last: the lock says that we live */
}
