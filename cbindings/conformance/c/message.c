#include "message.h"

#include <string.h>

const size_t sizes[8] = {0, 1, 63, SLOT_SIZE, SLOT_SIZE + 1, LARGEST, 0, 17};
const size_t whole_sizes[8] = {0, 1, 63, SLOT_SIZE, SLOT_SIZE, SLOT_SIZE - 1, 0, 17};
const size_t half_sizes[8] = {0, 1, 63, SLOT_SIZE, SLOT_SIZE + 1, SLOT_SIZE - 1, 0, 17};

static size_t fill_size(uint8_t *bytes, uint64_t n, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(n * 31 + i * 7);
	return size;
}

size_t fill(uint8_t *bytes, uint64_t n, const size_t *like)
{
	return n % 8 == ORDER ? order_build(bytes, n) : fill_size(bytes, n, like[n % 8]);
}

bool right(const rc_received *r)
{
	uint8_t bytes[LARGEST];
	if (r->type != RC_TYPE_MESSAGE)
		return false;
	if (r->sequence % 8 == ORDER)
		return r->content == RC_CONTENT_FLAT_BUFFER && r->schema == ORDER_SCHEMA && order_right(r->data, r->size, r->sequence);
	if (r->content != RC_CONTENT_RAW || (r->size != sizes[r->sequence % 8] && r->size != whole_sizes[r->sequence % 8]))
		return false;
	return memcmp(r->data, bytes, fill_size(bytes, r->sequence, r->size)) == 0;
}
