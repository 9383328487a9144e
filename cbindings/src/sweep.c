/* Recovery of all the dead of a node: segment.md, 5. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"

#define CONTROL_SUFFIX ".ctl"

/* Takes back what the dead holds in one ring; false if that can't be done. */
static bool recover_ring(rc_domain *d, const char *path, uint32_t index)
{
	char name[RCI_PATH];
	struct ring *r = calloc(1, sizeof *r);
	if (r == NULL)
		return false;
	r->data.file.fd = -1;
	(void)snprintf(name, sizeof name, "%.*s%s", RCI_PATH - 64, path, CONTROL_SUFFIX);
	int result = rci_segment_open(&r->control_segment, name, RC_SEGMENT_KIND_RING_CONTROL, true);
	bool done = result != RC_ERROR_PERMISSION; /* gone, damaged or given up: nothing is there to take back */
	if (result == RC_OK) {
		result = rci_ring_attach(d, r, path, true);
		if (result == RC_OK)
			done = rci_ring_recover(r, index) && rci_groups_recover(r, index);
		else
			done = result != RC_ERROR_PERMISSION;
		rci_ring_detach(r);
	}
	free(r);
	return done;
}

static bool recover_folder(rc_domain *d, const char *folder, uint32_t index)
{
	char path[RCI_PATH];
	(void)snprintf(path, sizeof path, "%.*s/%s", RCI_PATH - 64, d->directory, folder);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return false;
	bool done = true;
	struct dirent *entry;
	while (done && (entry = readdir(dir)) != NULL) {
		size_t n = strlen(entry->d_name), suffix = strlen(CONTROL_SUFFIX);
		if (n <= suffix || strcmp(entry->d_name + n - suffix, CONTROL_SUFFIX) != 0)
			continue;
		(void)snprintf(path, sizeof path, "%.*s/%s/%.*s", RCI_PATH - 512, d->directory, folder, (int)(n - suffix), entry->d_name);
		done = recover_ring(d, path, index);
	}
	(void)closedir(dir);
	return done;
}

static void remove_files(const rc_domain *d, uint32_t index)
{
	static const char *const forms[] = {"%.*s/live/%u", "%.*s/live/%u.info", "%.*s/live/.%u.info", "%.*s/counters/%u.cnt"};
	char path[RCI_PATH];
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(path, sizeof path, forms[i], RCI_PATH - 64, d->directory, (unsigned)index);
#pragma GCC diagnostic pop
		rci_remove_unlocked(path);
	}
}

static void recover(rc_domain *d, uint32_t index, uint64_t state)
{
	static const char *const folders[] = {"topics", "services", "inbox"};
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		if (!recover_folder(d, folders[i], index))
			return; /* the index stays unusable */
	remove_files(d, index);
	if (!rci_mark_died(d, index, state))
		return;
	uint32_t generation = (uint32_t)(state >> 32);
	uint64_t next = generation == UINT32_MAX ? 1 : (uint64_t)generation + 1;
	if (cas(&rci_record(d, index)->state, state, next << 32 | RC_PARTICIPANT_STATE_FREE)) /* pairs(ending) */
		rci_changed(d);
}

bool rci_recover(rc_domain *d, const struct rc_address *a)
{
	if (rci_gone(d, a) || a->node != d->node_id)
		return rci_gone(d, a);
	if (rci_alive(d, a->index))
		return false;
	recover(d, a->index, (uint64_t)a->generation << 32 | RC_PARTICIPANT_STATE_LIVE);
	return true;
}

void rci_sweep(rc_domain *d)
{
	for (uint32_t i = 0; i < d->record_count; i++) {
		uint64_t state = load_acquire(&rci_record(d, i)->state); /* pairs(live) */
		if ((uint32_t)state == RC_PARTICIPANT_STATE_LIVE && !rci_alive(d, i))
			recover(d, i, state);
	}
}
