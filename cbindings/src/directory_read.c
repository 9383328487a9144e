/* The directory as the forwarder of this node wrote it: segment.md, 8. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "presence.h"

/* How long a reader looks at an odd version. */
#define PATIENCE UINT64_C(5000000)

/* One try; NULL: it changed meanwhile, or is impossible. */
static uint8_t *read_once(const struct rc_directory_header *h, const uint8_t *area, size_t room, size_t *size)
{
	uint64_t version = load_acquire(&h->version); /* pairs(directory) */
	size_t n = load_relaxed(&h->table_size);
	if ((version & 1) != 0 || n > room)
		return NULL;
	uint8_t *copy = calloc(1, n + 8);
	for (size_t i = 0; copy != NULL && i < n; i += 8) {
		uint64_t word = load_relaxed((const uint64_t *)(const void *)(area + i));
		memcpy(copy + i, &word, 8);
	}
	fence_acquire();
	if (copy != NULL && load_relaxed(&h->version) == version) {
		*size = n;
		return copy;
	}
	free(copy);
	return NULL;
}

uint8_t *rci_directory_read(const rc_domain *d, size_t *size)
{
	const struct segment *s = &d->directory_segment;
	const struct rc_directory_header *h = (const void *)(s->base + RC_SEGMENT_HEADER_SIZE);
	uint64_t begin = rci_now();
	if (s->size < RC_SEGMENT_HEADER_SIZE + RC_DIRECTORY_HEADER_SIZE)
		return NULL;
	size_t start = h->area_start, room = h->area_size;
	if (start < RC_SEGMENT_HEADER_SIZE + RC_DIRECTORY_HEADER_SIZE || start % 8 != 0 || room % 8 != 0 || start > s->size || room > s->size - start)
		return NULL;
	for (;;) {
		uint8_t *copy = read_once(h, s->base + start, room, size);
		if (copy != NULL || rci_now() - begin > PATIENCE)
			return copy;
		rci_sleep(50000);
	}
}
