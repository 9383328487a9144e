/* Replacing a ring that nobody has written, and finishing what a replacer left: ring.md, 9. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

/* A successor has mode and group of the old data, unless its maker asks for others. */
static int successor_rights(struct making *making, const char *path, const char *old_data, const struct grant *asked)
{
	struct stat st;
	struct grant domain;
	int result = rci_grant_in(path, &domain);
	if (result != RC_OK)
		return result;
	making->id = rci_random_id();
	making->data = domain;
	if (stat(old_data, &st) == 0) {
		if (access(old_data, W_OK) != 0)
			return rci_fail_system("replace the ring of", old_data);
		making->data.mode = st.st_mode & 0666;
		if (st.st_gid != getegid())
			making->data.group = st.st_gid;
	}
	if (asked != NULL)
		making->data = rci_grant_over(making->data, *asked);
	making->control = rci_control_grant(making->data, domain);
	return RC_OK;
}

/* Makes a successor, READY, under its own name. */
static int make_successor(rc_domain *d, struct ring *r, const char *path, const struct shape *shape, const struct wish *want, const char *old_data)
{
	struct making making = {.memory = want->memory};
	int result = successor_rights(&making, path, old_data, want->rights);
	if (result == RC_OK)
		result = rci_ring_build(d, r, path, shape, &making);
	if (result != RC_OK)
		return result;
	result = rci_segment_link(&r->control_segment);
	if (result == RC_OK)
		return RC_OK;
	rci_ring_discard(r);
	return result == RCI_EXISTS ? RCI_AGAIN : result;
}

static void throw_away(struct ring *successor)
{
	if (successor->control_segment.path != NULL)
		(void)unlink(successor->control_segment.path);
	rci_ring_discard(successor);
}

/* Enters the readers of the old ring into its successor. */
static void enter_readers(const struct ring *old, const struct ring *successor)
{
	for (uint64_t i = 0; i < RC_ENTRY_COUNT; i++) {
		uint64_t word = load_acquire(&old->entries[i].state);
		if (entry_state(word) != RC_ENTRY_STATE_ACTIVE)
			continue;
		struct rc_consumer_entry *e = &successor->entries[i];
		uint32_t mode = load_relaxed(&old->entries[i].mode);
		bool group = entry_participant(word) == NOBODY;
		if (mode == RC_ENTRY_MODE_MEMBER || (group && !successor->gated))
			continue; /* members join anew; a latest ring has no groups */
		store_relaxed(&e->mode, group || successor->gated ? mode : RC_ENTRY_MODE_LATEST);
		store_relaxed(&e->group, load_relaxed(&old->entries[i].group));
		store_relaxed(&e->joined, group ? UINT64_MAX : 0);
		store_relaxed(&e->blocked_ns, blocked_word(word, 0));
		store_relaxed(&e->blocked_at_ns, rci_now());
		store_release(&e->cursor, 0);
		store_release(&e->lease_end, 0);
		store_seq(&e->state, word); /* pairs(entry) */
		if (load_acquire(&successor->control->entry_high) <= i)
			store_seq(&successor->control->entry_high, i + 1);
	}
}

/* Wakes all readers of a ring that was given up. */
static void call_readers(const struct ring *old)
{
	for (uint64_t i = 0; i < RC_ENTRY_COUNT; i++) {
		uint64_t word = load_acquire(&old->entries[i].state);
		if (entry_state(word) != RC_ENTRY_STATE_FREE)
			rci_ring_bell(old->domain, entry_participant(word));
	}
	rci_wake_producers(old);
}

/* Seals a ring against all who would write it: false if it was written, or has a living owner. */
static bool seal(const struct ring *r)
{
	if (!r->exclusive)
		return ring_sealed(r) || cas(&r->claims[0], 0, claim_word(RC_LAP_LIMIT, 0, RC_CLAIM_STATE_HOLE)); /* pairs(seal) */
	uint64_t word = load_acquire(&r->control->owner); /* pairs(exclusive) */
	uint32_t owner = (uint32_t)word;
	if (owner == RC_OWNER_SEALED)
		return true;
	if (load_acquire(&r->control->tail) != 0 || (owner != 0 && rci_alive(r->domain, owner - 1)))
		return false;
	return cas(&r->control->owner, word, ((word >> 32) + 1) << 32 | RC_OWNER_SEALED); /* pairs(seal) */
}

static int in_use(const struct ring *r, const struct shape *want)
{
	char have_text[128], want_text[128];
	if (r->exclusive && !ring_written(r))
		return rci_fail(RC_ERROR_NOT_EXCLUSIVE, "%s: exclusive, and owned by another publisher of this node", r->path);
	return rci_fail(RC_ERROR_SHAPE, "%s: was written with %s; asked for %s: ask for the shape that it has, or for none", r->path,
		rci_shape_text(&r->shape, have_text, sizeof have_text), rci_shape_text(want, want_text, sizeof want_text));
}

/* Puts the successor under the ring's name. RCI_AGAIN in any case but an error. */
static int rename_successor(const struct ring *old, struct ring *successor, const char *old_data)
{
	char name[RCI_PATH];
	(void)snprintf(name, sizeof name, "%.*s.ctl", RCI_PATH - 64, successor->path);
	if (rename(successor->control_segment.path, name) != 0) {
		int result = errno == ENOENT ? RCI_AGAIN : rci_fail_system("replace", name);
		throw_away(successor); /* another was faster */
		return result;
	}
	(void)unlink(old_data);
	call_readers(old);
	rci_ring_detach(successor);
	return RCI_AGAIN;
}

int rci_ring_replace(struct ring *old, const struct shape *shape, const struct wish *want)
{
	struct ring *successor = calloc(1, sizeof *successor);
	int result = rci_shape_check(shape);
	if (result == RC_OK && successor == NULL)
		result = rci_fail(RC_ERROR_NO_MEMORY, "replace %s", old->path);
	if (result == RC_OK && ring_written(old) && ring_sealed(old)) {
		rci_ring_damaged(old); /* only what nobody wrote is ever sealed */
		result = RCI_AGAIN;
	} else if (result == RC_OK && ring_written(old)) {
		result = in_use(old, shape);
	}
	if (result == RC_OK)
		result = make_successor(old->domain, successor, old->path, shape, want, old->data.path);
	if (result != RC_OK) {
		free(successor);
		return result;
	}
	uint64_t retired = successor->control_segment.id << RC_STATE_BITS | RC_SEGMENT_STATE_RETIRED;
	if (!seal(old)) {
		throw_away(successor);
		result = in_use(old, shape);
	} else if (!cas(&old->header->state, RC_SEGMENT_STATE_READY, retired)) { /* pairs(seal) */
		throw_away(successor);
		result = RCI_AGAIN;
	} else {
		fence_full();
		enter_readers(old, successor);
		result = rename_successor(old, successor, old->data.path);
	}
	free(successor);
	return result;
}

/* Maps a RETIRED control file, which rci_segment_open refuses, and checks it. */
static int map_retired(rc_domain *d, struct ring *old, const char *path, uint64_t *state, char *data)
{
	struct segment *s = &old->control_segment;
	struct rc_segment_header header;
	struct stat st;
	char name[RCI_PATH];
	uint64_t id = 0;
	(void)snprintf(name, sizeof name, "%.*s.ctl", RCI_PATH - 64, path);
	if (rci_fd_open(&s->file, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY) < 0)
		return errno == ENOENT ? RCI_AGAIN : rci_fail_system("open", name);
	int result = rci_header_check(s->file.fd, name, RC_SEGMENT_KIND_RING_CONTROL, &header);
	if (result != RC_OK)
		return result;
	if (fstat(s->file.fd, &st) != 0 || (s->path = strdup(name)) == NULL)
		return rci_fail_system("look at", name);
	s->size = (size_t)header.segment_size;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	void *base = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->file.fd, 0);
	if (base == MAP_FAILED)
		return rci_fail_system("map", name);
	s->base = base;
	result = rci_get_geometry(s->base, s->size, name, &old->shape, &id);
	if (result != RC_OK)
		return result;
	rci_data_path(data, path, id);
	old->domain = d;
	old->header = rci_header(s);
	old->slot_count = old->shape.slots;
	old->exclusive = old->shape.kind == RC_RING_KIND_EXCLUSIVE;
	old->control = (void *)(s->base + RC_SEGMENT_HEADER_SIZE + RC_RING_GEOMETRY_SIZE);
	old->claims = (void *)((uint8_t *)old->control + RC_RING_CONTROL_SIZE);
	old->entries = (void *)(s->base + rci_control_size(&old->shape) - RC_ENTRY_COUNT * RC_CONSUMER_ENTRY_SIZE);
	*state = load_acquire(&old->header->state); /* pairs(seal) */
	return (*state & RC_STATE_MASK) == RC_SEGMENT_STATE_RETIRED ? RC_OK : RCI_AGAIN;
}

/* Whether the name still leads to the file that is open. */
static bool still_named(const struct segment *s)
{
	struct stat st;
	return lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode;
}

static int finish(rc_domain *d, struct ring *old, struct ring *successor, const char *path, const struct wish *want)
{
	char data[RCI_PATH], name[RCI_PATH];
	uint64_t state = 0;
	int result = map_retired(d, old, path, &state, data);
	if (result != RC_OK)
		return result;
	if (state >> RC_STATE_BITS != 0) { /* so a replacer that was only stopped can never rename it */
		rci_successor_path(name, path, state >> RC_STATE_BITS);
		(void)unlink(name);
	}
	if (!still_named(&old->control_segment))
		return RCI_AGAIN;
	struct shape shape = rci_shape_overlay(old->shape, want->shape);
	result = rci_shape_check(&shape);
	if (result == RC_OK)
		result = make_successor(d, successor, path, &shape, want, data);
	if (result != RC_OK)
		return result;
	if (!cas(&old->header->state, state, successor->control_segment.id << RC_STATE_BITS | RC_SEGMENT_STATE_RETIRED)) { /* pairs(seal) */
		throw_away(successor);
		return RCI_AGAIN;
	}
	fence_full();
	if (!ring_written(old))
		enter_readers(old, successor);
	return rename_successor(old, successor, data);
}

int rci_ring_finish(rc_domain *d, const char *path, const struct wish *want)
{
	struct ring *rings = calloc(2, sizeof *rings);
	if (rings == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "replace %s", path);
	rings[0].control_segment.file.fd = rings[0].data.file.fd = rings[1].control_segment.file.fd = rings[1].data.file.fd = -1;
	int result = finish(d, &rings[0], &rings[1], path, want);
	rci_ring_detach(&rings[0]);
	free(rings);
	return result;
}
