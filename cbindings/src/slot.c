/* Writing a slot: ring.md, 4. */
#define _GNU_SOURCE
#include <string.h>

#include "ring.h"

/* Readers that check afterwards may look meanwhile; in the ThreadSanitizer build the bytes are atomic for that. */
static void put_bytes(uint8_t *to, const uint8_t *from, size_t size)
{
#ifdef RCI_TSAN
	for (size_t i = 0; i < size; i++)
		store_relaxed(to + i, from[i]);
#else
	memcpy(to, from, size);
#endif
}

static void put_words(uint64_t *to, const void *from, unsigned first, unsigned count)
{
	for (unsigned i = first; i < count; i++) {
		uint64_t word;
		memcpy(&word, (const uint8_t *)from + 8 * i, sizeof word);
		store_relaxed(to + i, word);
	}
}

void rci_put_slot(const struct ring *r, uint64_t position, const struct rc_slot_header *header, const struct rc_address_block *block, const void *payload)
{
	struct rc_slot_header *slot = ring_slot(r, position);
	put_words((uint64_t *)(void *)slot, header, 1, sizeof *header / 8); /* all but published */
	if (__builtin_expect(block != NULL, 0))
		put_words((uint64_t *)(void *)(slot + 1), block, 0, sizeof *block / 8);
	if (payload != NULL && header->payload_length != 0)
		put_bytes((uint8_t *)slot + header->payload_start, payload, header->payload_length);
}
