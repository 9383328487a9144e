/* Rings that have a name: ring.md, 9. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "group.h"

/* How long an opener leaves a sealed ring to whoever sealed it, and how long it tries at all. */
#define SEAL_PATIENCE UINT64_C(20000000)
#define OPEN_PATIENCE UINT64_C(2000000000)
#define LOOK_AGAIN UINT64_C(100000)

void rci_data_path(char *text, const char *path, uint64_t id)
{
	(void)snprintf(text, RCI_PATH, "%.*s.%015llx.dat", RCI_PATH - 64, path, (unsigned long long)id);
}

void rci_successor_path(char *text, const char *path, uint64_t id)
{
	(void)snprintf(text, RCI_PATH, "%.*s.ctl.%015llx", RCI_PATH - 64, path, (unsigned long long)id);
}

/* Sets what follows from the mappings. */
static void place_parts(rc_domain *d, struct ring *r, const char *path)
{
	uint8_t *control = r->control_segment.base;
	(void)snprintf(r->path, sizeof r->path, "%s", path);
	(void)pthread_mutex_init(&r->group_mutex, NULL);
	r->domain = d;
	r->me = (uint16_t)d->index;
	r->slot_count = r->shape.slots;
	r->mask = r->slot_count - 1;
	r->shift = (unsigned)__builtin_ctz(r->shape.slots);
	r->stride = r->shape.payload + RC_SLOT_HEADER_SIZE;
	r->gated = r->shape.mode == RC_RING_MODE_RELIABLE;
	r->exclusive = r->shape.kind == RC_RING_KIND_EXCLUSIVE;
	r->header = rci_header(&r->control_segment);
	control += RC_SEGMENT_HEADER_SIZE + RC_RING_GEOMETRY_SIZE;
	r->control = (void *)control;
	r->claims = (void *)(control + RC_RING_CONTROL_SIZE);
	r->entries = (void *)(r->control_segment.base + rci_control_size(&r->shape) - RC_ENTRY_COUNT * RC_CONSUMER_ENTRY_SIZE);
	r->slots = r->data.base + RC_PAGE_SIZE;
}

int rci_ring_attach(rc_domain *d, struct ring *r, const char *path, bool write)
{
	char data[RCI_PATH];
	uint64_t id = 0;
	int result = rci_get_geometry(r->control_segment.base, r->control_segment.size, r->control_segment.path, &r->shape, &id);
	if (result != RC_OK)
		return result;
	rci_data_path(data, path, id);
	result = rci_segment_open(&r->data, data, RC_SEGMENT_KIND_RING_DATA, write);
	if (result == RC_ERROR_NOT_FOUND || result == RCI_RETIRED)
		return RCI_AGAIN; /* removed between the two opens */
	if (result != RC_OK)
		return result;
	if (r->data.id != id || r->data.size != rci_data_size(&r->shape)) {
		rci_segment_close(&r->data);
		return rci_fail(RC_ERROR_DAMAGED, "%s: not the slots that its ring names", data);
	}
	place_parts(d, r, path);
	return RC_OK;
}

struct ring_fill {
	const struct shape *shape;
	uint64_t data_id;
};

static void fill_control(uint8_t *base, const void *argument)
{
	const struct ring_fill *fill = argument;
	rci_put_geometry(base, fill->shape, fill->data_id);
}

/* Makes the slots, under their own name. */
static int build_data(struct segment *data, const char *path, const struct shape *shape, const struct making *making)
{
	char name[RCI_PATH];
	uint64_t id = rci_random_id();
	struct segment_spec spec = {.path = name, .kind = RC_SEGMENT_KIND_RING_DATA, .size = rci_data_size(shape),
		.fixed_size = RC_SEGMENT_HEADER_SIZE, .id = id, .grant = &making->data, .memory = making->memory};
	rci_data_path(name, path, id);
	int result = rci_segment_build(data, &spec);
	if (result != RC_OK)
		return result;
	result = rci_segment_link(data);
	if (result != RC_OK)
		rci_segment_close(data);
	return result == RCI_EXISTS ? RCI_AGAIN : result;
}

int rci_ring_build(rc_domain *d, struct ring *r, const char *path, const struct shape *shape, const struct making *making)
{
	char name[RCI_PATH];
	struct ring_fill fill = {shape, 0};
	struct segment_spec spec = {.path = name, .kind = RC_SEGMENT_KIND_RING_CONTROL, .size = rci_control_size(shape),
		.id = making->id, .grant = &making->control, .memory = making->memory,
		.fixed_size = RC_SEGMENT_HEADER_SIZE + RC_RING_GEOMETRY_SIZE, .fill = fill_control, .argument = &fill};
	memset(r, 0, sizeof *r);
	r->control_segment.file.fd = r->data.file.fd = -1;
	r->shape = *shape;
	int result = build_data(&r->data, path, shape, making);
	if (result != RC_OK)
		return result;
	fill.data_id = r->data.id;
	if (making->id != 0)
		rci_successor_path(name, path, making->id);
	else
		(void)snprintf(name, sizeof name, "%.*s.ctl", RCI_PATH - 64, path);
	result = rci_segment_build(&r->control_segment, &spec);
	if (result != RC_OK) {
		(void)unlink(r->data.path);
		rci_segment_close(&r->data);
		return result;
	}
	place_parts(d, r, path);
	return RC_OK;
}

void rci_ring_detach(struct ring *r)
{
	rci_segment_close(&r->control_segment);
	rci_segment_close(&r->data);
}

void rci_ring_discard(struct ring *r)
{
	if (r->data.path != NULL)
		(void)unlink(r->data.path);
	rci_ring_detach(r);
}

struct grant rci_control_grant(struct grant data, struct grant domain)
{
	data.mode |= ((data.mode & 0444) >> 1) & domain.mode & 0222;
	return data;
}

static int create(rc_domain *d, struct ring *r, const char *path, const struct wish *want)
{
	struct shape shape = rci_shape_default(want->shape);
	struct making making = {.memory = want->memory};
	struct grant domain;
	int result = rci_grant_in(path, &domain);
	if (result != RC_OK)
		return result;
	making.data = want->rights != NULL ? rci_grant_over(domain, *want->rights) : domain;
	making.control = rci_control_grant(making.data, domain);
	result = rci_ring_build(d, r, path, &shape, &making);
	if (result != RC_OK)
		return result;
	result = rci_segment_link(&r->control_segment);
	if (result == RC_OK)
		return RC_OK;
	rci_ring_discard(r);
	return result == RCI_EXISTS ? RCI_AGAIN : result;
}

/* Whether a ring has the rights that are asked for: RC_OK, or what to say to who asks. */
static int check_rights(const struct ring *r, const struct wish *want)
{
	struct stat st;
	if (want->rights == NULL)
		return RC_OK;
	if (fstat(r->data.file.fd, &st) != 0)
		return rci_fail_system("look at", r->data.path);
	return rci_grant_compare(want->rights, &st, st.st_mode & 0777, r->data.path);
}

static int open_once(rc_domain *d, struct ring *r, const char *path, const struct wish *want, bool write, bool finish)
{
	char name[RCI_PATH];
	(void)snprintf(name, sizeof name, "%.*s.ctl", RCI_PATH - 64, path);
	memset(r, 0, sizeof *r);
	r->data.file.fd = -1;
	int result = rci_segment_open(&r->control_segment, name, RC_SEGMENT_KIND_RING_CONTROL, true);
	if (result == RC_ERROR_NOT_FOUND && want->existing)
		return result;
	if (result == RC_ERROR_NOT_FOUND)
		return create(d, r, path, want);
	if (result == RCI_RETIRED)
		return rci_ring_finish(d, path, want);
	if (result != RC_OK)
		return result;
	result = rci_ring_attach(d, r, path, write);
	if (result != RC_OK) {
		if (result == RCI_AGAIN && finish) /* its slots are gone for good: damaged */
			(void)cas(&rci_header(&r->control_segment)->state, RC_SEGMENT_STATE_READY, RC_SEGMENT_STATE_RETIRED); /* pairs(seal) */
		rci_ring_detach(r);
		return result;
	}
	struct shape shape = rci_shape_overlay(r->shape, want->shape);
	bool sealed = ring_sealed(r), same = rci_shape_equal(&shape, &r->shape);
	int other = check_rights(r, want);
	if (same && !sealed && other == RC_OK)
		return RC_OK;
	if (sealed && !finish)
		result = RCI_AGAIN;
	else if (other != RC_OK && ring_written(r))
		result = other;
	else
		result = rci_ring_replace(r, &shape, want);
	rci_ring_detach(r);
	return result;
}

/* A ring of this process that is open already, as it is asked for. */
static struct ring *find_open(rc_domain *d, const char *path, const struct wish *want, bool write)
{
	for (struct ring *r = d->rings; r != NULL; r = r->next) {
		struct shape shape = rci_shape_overlay(r->shape, want->shape);
		if (strcmp(r->path, path) == 0 && (r->data.write || !write) && rci_shape_equal(&shape, &r->shape) && !ring_retired(r) && !ring_sealed(r) &&
			check_rights(r, want) == RC_OK)
			return r;
	}
	return NULL;
}

static int open_patiently(rc_domain *d, struct ring *r, const char *path, const struct wish *want, bool write)
{
	uint64_t start = rci_now();
	for (;;) {
		uint64_t waited = rci_now() - start;
		int result = open_once(d, r, path, want, write, waited > SEAL_PATIENCE);
		if (result != RCI_AGAIN)
			return result;
		if (waited > OPEN_PATIENCE)
			return rci_fail(RC_ERROR_IN_USE, "%s: is being made, replaced or removed by somebody who does not go on", path);
		rci_sleep(LOOK_AGAIN);
	}
}

int rci_ring_open(rc_domain *d, const char *path, const struct wish *want, bool write, struct ring **ring)
{
	struct shape shape = rci_shape_default(want->shape);
	int result = rci_shape_check(&shape);
	if (result != RC_OK)
		return result;
	(void)pthread_mutex_lock(&d->mutex);
	struct ring *r = find_open(d, path, want, write);
	if (r == NULL) {
		r = calloc(1, sizeof *r);
		result = r == NULL ? rci_fail(RC_ERROR_NO_MEMORY, "open %s", path) : open_patiently(d, r, path, want, write);
		if (result == RC_OK) {
			r->next = d->rings;
			d->rings = r;
		} else {
			free(r);
			r = NULL;
		}
	}
	bool fresh = r != NULL && r->users == 0;
	if (r != NULL)
		r->users++;
	(void)pthread_mutex_unlock(&d->mutex);
	if (fresh && want->memory != NULL)
		result = rci_memory_settle(want->memory, &r->data, &r->control_segment); /* takes long: not with the mutex held */
	if (result != RC_OK && r != NULL) {
		rci_ring_close(r);
		r = NULL;
	}
	*ring = r;
	return result;
}

static bool names_the_living(const struct ring *r)
{
	for (uint64_t i = 0; i < RC_ENTRY_COUNT; i++) {
		uint64_t word = load_acquire(&r->entries[i].state);
		if (entry_state(word) == RC_ENTRY_STATE_FREE)
			continue;
		if (entry_participant(word) == NOBODY ? entry_state(word) != RC_ENTRY_STATE_LEAVING : rci_alive(r->domain, entry_participant(word)))
			return true; /* a group keeps what its dead members had in hand */
	}
	return false;
}

/* Lets go of the files; the last user removes them, unless a reader was entered that has not come yet. */
static void leave_files(struct ring *r)
{
	char data[RCI_PATH];
	uint64_t id = r->control_segment.id;
	bool living = names_the_living(r);
	(void)snprintf(data, sizeof data, "%s", r->data.path);
	if (living) {
		(void)rci_unlock(r->control_segment.file.fd, RC_LOCK_BYTE_USAGE);
		living = names_the_living(r);
	}
	if (living) {
		rci_ring_detach(r);
		return;
	}
	if (rci_segment_remove(&r->control_segment)) {
		(void)unlink(data);
		rci_groups_remove(r->path, id);
	}
	rci_segment_close(&r->data);
}

void rci_ring_share(struct ring *ring)
{
	(void)pthread_mutex_lock(&ring->domain->mutex);
	ring->users++;
	(void)pthread_mutex_unlock(&ring->domain->mutex);
}

void rci_ring_close(struct ring *ring)
{
	rc_domain *d = ring->domain;
	(void)pthread_mutex_lock(&d->mutex);
	bool last = --ring->users == 0;
	for (struct ring **r = &d->rings; last && *r != NULL; r = &(*r)->next) {
		if (*r == ring) {
			*r = ring->next;
			break;
		}
	}
	(void)pthread_mutex_unlock(&d->mutex);
	if (!last)
		return;
	rci_groups_close(ring);
	if (load_relaxed(&d->forked) != 0)
		rci_ring_detach(ring);
	else
		leave_files(ring);
	free(ring);
}
