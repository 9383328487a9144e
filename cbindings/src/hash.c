/* CRC-32C of headers, FNV-1a of names, random ids. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/random.h>

#include "base.h"

static uint32_t table[256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = (c & 1) ? UINT32_C(0x82f63b78) ^ (c >> 1) : c >> 1;
		table[i] = c;
	}
}

uint32_t rci_crc32c(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *p = data;
	(void)pthread_once(&table_once, fill_table);
	crc = ~crc;
	for (size_t i = 0; i < size; i++)
		crc = table[(crc ^ p[i]) & 255] ^ (crc >> 8);
	return ~crc;
}

uint64_t rci_fnv1a(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *p = data;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t rci_random64(void)
{
	uint64_t v = 0;
	if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v) {
		/* only before the first seeding of an old kernel: an id need not be secret */
		uint64_t mix[3] = {rci_now(), rci_wall(), (uint64_t)(uintptr_t)&v};
		v = rci_fnv1a(RCI_FNV_BASIS, mix, sizeof mix);
	}
	return v;
}

uint64_t rci_random_id(void) { return (rci_random64() >> (64 - RC_SEGMENT_ID_BITS)) | 1; }
