/* How the pages of rings are had: doc/operations.md, Memory settings. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "segment.h"

#define VARIABLE "RINGCAST_MEMORY"
#define NODES "/sys/devices/system/node/has_memory"
#define HUGE ((size_t)2 << 20)
#define MOST_NODES 64
/* Headers before Linux 5.14 and 6.1 have no names for these, and those of mbind are in a library of its own. */
#define POPULATE_READ 22
#define POPULATE_WRITE 23
#define COLLAPSE 25
#define COLLAPSE_TRIES 10
#define POLICY_BIND 2
#define POLICY_INTERLEAVE 3

/* One setting of a list, and who said it. */
struct setting {
	const char *who, *text;
	int length;
};

/* Whether the setting is a word, or begins with it where that ends in =. */
static bool is(const struct setting *s, const char *word)
{
	size_t n = strlen(word);
	return strncmp(s->text, word, n) == 0 && (word[n - 1] == '=' ? s->length > (int)n : s->length == (int)n);
}

/* Reads a list of nodes as the kernel writes it, such as 0-1,4; those from 64 on are left out. */
static uint64_t nodes_of(const char *list)
{
	uint64_t mask = 0;
	for (char *end; isdigit((unsigned char)*list); list = *end == ',' ? end + 1 : end) {
		unsigned long first = strtoul(list, &end, 10), last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < MOST_NODES; first++)
			mask |= UINT64_C(1) << first;
	}
	return mask;
}

/* The nodes of this machine that have memory, as text and as a mask. */
static int nodes_here(const struct setting *s, char *text, int size, uint64_t *mask)
{
	FILE *f = fopen(NODES, "re");
	const char *line = f != NULL ? fgets(text, size, f) : NULL;
	if (f != NULL)
		(void)fclose(f);
	*mask = line != NULL ? nodes_of(text) : 0;
	if (*mask == 0)
		return rci_fail(RC_ERROR_INVALID, "%s: memory setting %.*s: this kernel knows no NUMA nodes (%s): leave it away", s->who, s->length, s->text, NODES);
	text[strcspn(text, "\n")] = 0;
	return RC_OK;
}

/* numa=local, numa=interleave, or nodes with + between. */
static int numa(const struct setting *s, struct memory *m)
{
	char text[256];
	uint64_t have, mask = 0;
	m->policy = 0;
	if (is(s, "numa=local"))
		return RC_OK;
	int result = nodes_here(s, text, (int)sizeof text, &have);
	if (result != RC_OK)
		return result;
	m->policy = is(s, "numa=interleave") ? POLICY_INTERLEAVE : POLICY_BIND;
	m->nodes = have;
	if (m->policy == POLICY_INTERLEAVE)
		return RC_OK;
	const char *end = s->text + s->length;
	for (const char *at = s->text + strlen("numa="), *stop; at <= end; at = stop + 1) {
		char *read = NULL;
		unsigned long n = strtoul(at, &read, 10);
		for (stop = at; stop < end && *stop != '+'; stop++)
			;
		if (!isdigit((unsigned char)*at) || read != stop || n >= MOST_NODES || (have >> n & 1) == 0)
			return rci_fail(RC_ERROR_INVALID, "%s: memory setting %.*s: there is no node \"%.*s\" here: want local, interleave, or some of %s",
				s->who, s->length, s->text, (int)(stop - at), at, text);
		mask |= UINT64_C(1) << n;
	}
	m->nodes = mask;
	return RC_OK;
}

int rci_memory_asked(const char *asked, struct memory *m)
{
	struct setting s = {"config", asked, 0};
	memset(m, 0, sizeof *m);
	if (asked == NULL || *asked == 0)
		s.who = VARIABLE, s.text = getenv(VARIABLE);
	for (int result; s.text != NULL && *s.text != 0; s.text += s.length + (s.text[s.length] == ',')) {
		s.length = (int)strcspn(s.text, ",");
		result = RC_OK;
		if (is(&s, "prefault"))
			m->prefault = true;
		else if (is(&s, "huge"))
			m->huge = true;
		else if (is(&s, "numa="))
			result = numa(&s, m);
		else if (s.length > 0)
			result = rci_fail(RC_ERROR_INVALID, "%s: memory setting \"%.*s\": want prefault, huge, numa=local, numa=interleave or numa=0+2, with commas between",
				s.who, s.length < 64 ? s.length : 64, s.text);
		if (result != RC_OK)
			return result;
	}
	return RC_OK;
}

void *rci_memory_map(int fd, size_t size, bool write)
{
	int rights = write ? PROT_READ | PROT_WRITE : PROT_READ;
	if (size < HUGE) {
		void *base = mmap(NULL, size, rights, MAP_SHARED, fd, 0);
		return base != MAP_FAILED ? base : NULL;
	}
	uint8_t *room = mmap(NULL, size + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return NULL;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = -(uintptr_t)room & (HUGE - 1), mapped = (size + page - 1) & ~(page - 1);
	uint8_t *base = room + skip, *behind = base + mapped, *end = room + size + HUGE;
	if (mmap(base, size, rights, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
		int error = errno;
		(void)munmap(room, size + HUGE);
		errno = error;
		return NULL;
	}
	if (skip > 0)
		(void)munmap(room, skip);
	if (end > behind)
		(void)munmap(behind, (size_t)(end - behind));
	return base;
}

int rci_memory_bind(const struct memory *m, void *base, size_t size, const char *path)
{
	if (m == NULL || m->policy == 0)
		return RC_OK;
	long result = syscall(SYS_mbind, base, size, m->policy, &m->nodes, (unsigned long)MOST_NODES + 1, 0u);
	return result == 0 ? RC_OK : rci_fail_system("memory setting numa: lay out", path);
}

/* Joins whole 2 MiB to huge pages; again where pages are in use for a moment. */
static int collapse(const struct segment *s)
{
	char text[128];
	size_t whole = s->size & ~(HUGE - 1);
	int tries = COLLAPSE_TRIES, result;
	do
		result = whole == 0 ? 0 : madvise(s->base, whole, COLLAPSE);
	while (result != 0 && (errno == EAGAIN || errno == EBUSY) && --tries > 0);
	if (result == 0)
		return RC_OK;
	return rci_fail(RC_ERROR_SYSTEM, "memory setting huge: %s: %s: it takes Linux 6.1 with transparent huge pages, and 2 MiB of memory in one piece each: leave it away",
		s->path, strerror_r(errno, text, sizeof text));
}

/* Maps every page. */
static int prefault(const struct segment *s)
{
	if (madvise(s->base, s->size, s->write ? POPULATE_WRITE : POPULATE_READ) == 0)
		return RC_OK;
	if (errno != EINVAL)
		return rci_fail_system("memory setting prefault: map", s->path);
	for (size_t i = 0; i < s->size; i += RC_PAGE_SIZE) /* before Linux 5.14: mapped, if not for writing */
		(void)*(volatile const uint8_t *)(s->base + i);
	return RC_OK;
}

int rci_memory_settle(const struct memory *m, const struct segment *slots, const struct segment *control)
{
	int result = m->huge ? collapse(slots) : RC_OK;
	if (result == RC_OK && m->prefault)
		result = prefault(slots);
	if (result == RC_OK && m->prefault)
		result = prefault(control);
	return result;
}
