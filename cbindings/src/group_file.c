/* The files of queue groups: ring.md, 14. */
#define _GNU_SOURCE
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "group.h"

#define TAKEN_START (RC_SEGMENT_HEADER_SIZE + RC_GROUP_HEADER_SIZE)
/* The part that never changes. */
#define FIXED_SIZE (RC_SEGMENT_HEADER_SIZE + RC_GROUP_HEADER_GATE_OFFSET)
#define OPEN_PATIENCE UINT64_C(2000000000)
#define LOOK_AGAIN UINT64_C(100000)
/* A producer that has not found a group's file looks for it again after so long. */
#define FIND_AGAIN UINT64_C(100000000)
#define SUFFIX ".group"

bool rci_group_name_valid(const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;
	return n > 0 && n <= GROUP_NAME_LIMIT && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static size_t rows_start(const struct ring *r) { return (TAKEN_START + 8 * (size_t)r->slot_count + 127) & ~(size_t)127; }
static size_t group_size(const struct ring *r) { return rows_start(r) + GROUP_ROWS * (size_t)RC_IN_HAND_ROW_SIZE; }

static void fill(uint8_t *base, const void *argument)
{
	const struct ring *r = argument;
	struct rc_group_header *h = (void *)(base + RC_SEGMENT_HEADER_SIZE);
	h->ring_id = r->control_segment.id;
	h->taken_start = TAKEN_START;
	h->rows_start = (uint32_t)rows_start(r);
	h->row_count = GROUP_ROWS;
}

/* Checks the header of a mapped group, and finds its parts. */
static int attach(struct group *g, struct ring *r)
{
	struct rc_group_header h;
	uint8_t *base = g->segment.base;
	if (g->segment.size != group_size(r))
		return rci_fail(RC_ERROR_DAMAGED, "%s: %zu bytes, want %zu", g->segment.path, g->segment.size, group_size(r));
	memcpy(&h, base + RC_SEGMENT_HEADER_SIZE, sizeof h);
	if (h.ring_id != r->control_segment.id || h.taken_start != TAKEN_START || h.rows_start != rows_start(r) || h.row_count != GROUP_ROWS)
		return rci_fail(RC_ERROR_DAMAGED, "%s: not a group of its ring", g->segment.path);
	g->ring = r;
	g->head = (void *)(base + RC_SEGMENT_HEADER_SIZE);
	g->taken = (void *)(base + TAKEN_START);
	g->rows = (void *)(base + rows_start(r));
	return RC_OK;
}

/* The rights of the ring's control file, and as little as possible of one's own. */
static int rights_of(const struct ring *r, struct grant *grant)
{
	struct stat st;
	int result = rci_grant_in(r->path, grant);
	if (result != RC_OK)
		return result;
	if (fstat(r->control_segment.file.fd, &st) != 0)
		return rci_fail_system("look at", r->control_segment.path);
	grant->mode = st.st_mode & 0666;
	if (st.st_gid != getegid())
		grant->group = st.st_gid;
	return RC_OK;
}

static int make(struct group *g, struct ring *r, const char *path)
{
	struct grant grant, domain;
	struct segment_spec spec = {.path = path, .kind = RC_SEGMENT_KIND_RING_GROUP, .size = group_size(r), .fixed_size = FIXED_SIZE,
		.grant = &grant, .fill = fill, .argument = r};
	int result = rights_of(r, &grant);
	if (result == RC_OK)
		result = rci_segment_build(&g->segment, &spec);
	if (result == RC_ERROR_PERMISSION && rci_grant_in(r->path, &domain) == RC_OK) { /* no member of the ring's user group */
		grant.group = domain.group;
		result = rci_segment_build(&g->segment, &spec);
	}
	if (result != RC_OK)
		return result;
	result = rci_segment_link(&g->segment);
	return result == RCI_EXISTS ? RCI_AGAIN : result;
}

/* Maps the file of that path, making it if that is asked for. */
static int map(struct group *g, struct ring *r, const char *path, bool may_make)
{
	int result = rci_segment_open(&g->segment, path, RC_SEGMENT_KIND_RING_GROUP, true);
	if (result == RC_ERROR_NOT_FOUND && may_make)
		result = make(g, r, path);
	if (result == RCI_RETIRED)
		result = rci_fail(RC_ERROR_IN_USE, "%s: was given up, and is in use", path);
	if (result == RC_OK)
		result = attach(g, r);
	if (result != RC_OK)
		rci_segment_close(&g->segment);
	return result;
}

static void free_group(struct group *g)
{
	rci_segment_close(&g->segment);
	free(g);
}

static struct group *new_group(const char *name, size_t size)
{
	struct group *g = calloc(1, sizeof *g);
	if (g == NULL)
		return NULL;
	g->segment.file.fd = -1;
	(void)snprintf(g->name, sizeof g->name, "%.*s", (int)size, name);
	return g;
}

/* Remembers a mapped group; the mutex is held. */
static void keep(struct ring *r, struct group *g)
{
	g->next = r->groups;
	r->groups = g;
}

static struct group *find(const struct ring *r, const char *name, size_t size)
{
	for (struct group *g = r->groups; g != NULL; g = g->next)
		if (strlen(g->name) == size && memcmp(g->name, name, size) == 0)
			return g;
	return NULL;
}

static int open_group(struct ring *r, const char *name, bool from_start, struct group *g)
{
	char path[RCI_PATH];
	uint64_t start = rci_now();
	int result;
	(void)snprintf(path, sizeof path, "%.*s.%015llx.%s" SUFFIX, RCI_PATH - 96, r->path, (unsigned long long)r->control_segment.id, name);
	while ((result = map(g, r, path, true)) == RCI_AGAIN) {
		if (rci_now() - start > OPEN_PATIENCE)
			return rci_fail(RC_ERROR_IN_USE, "%s: comes and goes", path);
		rci_sleep(LOOK_AGAIN);
	}
	return result == RC_OK ? rci_group_settle(g, rci_group_hash(name), from_start) : result;
}

int rci_group_open(struct ring *r, const char *name, bool from_start, struct group **group)
{
	int result = RC_OK;
	(void)pthread_mutex_lock(&r->group_mutex);
	struct group *g = find(r, name, strlen(name));
	if (g == NULL) {
		g = new_group(name, strlen(name));
		result = g == NULL ? rci_fail(RC_ERROR_NO_MEMORY, "group %s", name) : open_group(r, name, from_start, g);
		if (result == RC_OK)
			keep(r, g);
		else if (g != NULL)
			free_group(g);
	}
	(void)pthread_mutex_unlock(&r->group_mutex);
	*group = g;
	return result;
}

struct group *rci_group_find(struct ring *r, const char *name)
{
	char path[RCI_PATH];
	(void)pthread_mutex_lock(&r->group_mutex);
	struct group *g = find(r, name, strlen(name));
	if (g == NULL && (g = new_group(name, strlen(name))) != NULL) {
		(void)snprintf(path, sizeof path, "%.*s.%015llx.%s" SUFFIX, RCI_PATH - 96, r->path, (unsigned long long)r->control_segment.id, name);
		if (map(g, r, path, false) == RC_OK && rci_group_find_entry(g, load_acquire(&g->head->gate))) {
			keep(r, g);
		} else {
			free_group(g);
			g = NULL;
		}
	}
	(void)pthread_mutex_unlock(&r->group_mutex);
	return g;
}

/* The files of a ring's groups. */
static bool list(const char *path, uint64_t id, glob_t *found)
{
	char pattern[RCI_PATH];
	(void)snprintf(pattern, sizeof pattern, "%.*s.%015llx.*" SUFFIX, RCI_PATH - 64, path, (unsigned long long)id);
	return glob(pattern, GLOB_NOSORT, NULL, found) == 0;
}

/* The group's name in the path of its file, which is not ended by a zero. */
static const char *name_in(const char *path, const struct ring *r, size_t *size)
{
	const char *name = path + strlen(r->path) + 17; /* a dot, the id, a dot */
	*size = strlen(name) - strlen(SUFFIX);
	return name;
}

/* Maps the groups of the ring that are not open here; all are kept, so that one whose file is not
 * there does not take the others' turn. The mutex is held. */
static void open_all(struct ring *r)
{
	glob_t found;
	if (!list(r->path, r->control_segment.id, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t size;
		const char *name = name_in(found.gl_pathv[i], r, &size);
		struct group *g = size <= GROUP_NAME_LIMIT && find(r, name, size) == NULL ? new_group(name, size) : NULL;
		if (g == NULL)
			continue;
		if (map(g, r, found.gl_pathv[i], false) == RC_OK && rci_group_find_entry(g, load_acquire(&g->head->gate)))
			keep(r, g);
		else
			free_group(g);
	}
	globfree(&found);
}

static struct group *by_entry(const struct ring *r, uint64_t entry)
{
	for (struct group *g = r->groups; g != NULL; g = g->next)
		if (g->entry == entry)
			return g;
	return NULL;
}

struct group *rci_group_of_entry(struct ring *r, uint64_t entry)
{
	(void)pthread_mutex_lock(&r->group_mutex);
	struct group *g = by_entry(r, entry);
	uint64_t now = rci_now();
	if (g == NULL && (r->groups_sought == 0 || now - r->groups_sought >= FIND_AGAIN)) {
		r->groups_sought = now;
		open_all(r);
		g = by_entry(r, entry);
	}
	(void)pthread_mutex_unlock(&r->group_mutex);
	return g;
}

void rci_groups_close(struct ring *r)
{
	while (r->groups != NULL) {
		struct group *next = r->groups->next;
		free_group(r->groups);
		r->groups = next;
	}
}

void rci_groups_remove(const char *path, uint64_t id)
{
	glob_t found;
	if (!list(path, id, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		(void)unlink(found.gl_pathv[i]);
	globfree(&found);
}

bool rci_groups_recover(struct ring *r, uint32_t index)
{
	glob_t found;
	bool done = true;
	if (!list(r->path, r->control_segment.id, &found))
		return true;
	for (size_t i = 0; done && i < found.gl_pathc; i++) {
		struct group g = {.segment.file.fd = -1};
		int result = map(&g, r, found.gl_pathv[i], false);
		if (result == RC_OK) {
			done = rci_group_recover_rows(&g, index);
			rci_segment_close(&g.segment);
		} else if (result == RC_ERROR_PERMISSION) {
			done = false;
		}
	}
	globfree(&found);
	return done;
}
