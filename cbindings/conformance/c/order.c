/* Orders (examples/schema/order.fbs) without generated code: C has none for FlatBuffers, so
 * this writes one by hand, front to back, and follows offsets to read any. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

/* Fields of a table by their place in the schema. */
enum { ORDER_NUMBER, ORDER_CUSTOMER, ORDER_LINES };
enum { LINE_ITEM, LINE_QUANTITY, LINE_CENTS };

static void put16(uint8_t *at, size_t value)
{
	uint16_t v = (uint16_t)value;
	memcpy(at, &v, sizeof v);
}

static void put32(uint8_t *at, size_t value)
{
	uint32_t v = (uint32_t)value;
	memcpy(at, &v, sizeof v);
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof value);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;
	memcpy(&v, at, sizeof v);
	return v;
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t v;
	memcpy(&v, at, sizeof v);
	return v;
}

/* Writes a vtable of three fields. */
static void put_vtable(uint8_t *at, size_t table, size_t first, size_t second, size_t third)
{
	put16(at, 10);
	put16(at + 2, table);
	put16(at + 4, first);
	put16(at + 6, second);
	put16(at + 8, third);
}

static size_t put_string(uint8_t *at, const char *text)
{
	size_t size = strlen(text);
	put32(at, size);
	memcpy(at + 4, text, size + 1);
	return 4 + size + 1;
}

size_t order_build(uint8_t *b, uint64_t n)
{
	/* 0 root, 6 vtable and 16 table of the order, 36 its lines, 46 vtable and 56 table of
	 * the line, 80 its item, 88 the customer: the only one whose size is not known. */
	char customer[24];
	memset(b, 0, 88);
	put32(b, 16);
	put_vtable(b + 6, 20, 8, 4, 16);
	put32(b + 16, 10);
	put32(b + 20, 88 - 20);
	put64(b + 24, n);
	put32(b + 32, 36 - 32);
	put32(b + 36, 1);
	put32(b + 40, 56 - 40);
	put_vtable(b + 46, 24, 4, 8, 16);
	put32(b + 56, 10);
	put32(b + 60, 80 - 60);
	put32(b + 64, n % 7 + 1);
	put64(b + 72, n * 100);
	(void)put_string(b + 80, "tea");
	(void)snprintf(customer, sizeof customer, "c%" PRIu64, n);
	return 88 + put_string(b + 88, customer);
}

/* Bytes of a FlatBuffer; every access is checked. */
struct span {
	const uint8_t *bytes;
	size_t size;
};

/* The place that the offset at `at` leads to; 0: none within the bytes. */
static size_t follow(struct span s, size_t at)
{
	size_t to;
	if (at == 0 || s.size < 4 || at > s.size - 4)
		return 0;
	to = at + get32(s.bytes + at);
	return to <= s.size - 4 ? to : 0;
}

/* The place of a field of size bytes in the table at `table`; 0: it is not there. */
static size_t field(struct span s, size_t table, unsigned index, size_t size)
{
	uint16_t length, at;
	size_t vtable, place;
	if (table == 0)
		return 0;
	vtable = table - (size_t)(int64_t)(int32_t)get32(s.bytes + table);
	if (vtable > s.size || s.size - vtable < 6 + 2 * (size_t)index)
		return 0;
	memcpy(&length, s.bytes + vtable, 2);
	if (length < 6 + 2 * index)
		return 0;
	memcpy(&at, s.bytes + vtable + 4 + 2 * index, 2);
	place = table + at;
	return at != 0 && place <= s.size && s.size - place >= size ? place : 0;
}

static bool string_is(struct span s, size_t at, const char *want)
{
	size_t to = follow(s, at), size = strlen(want);
	return to != 0 && get32(s.bytes + to) == size && s.size - to - 4 >= size && memcmp(s.bytes + to + 4, want, size) == 0;
}

static bool line_right(struct span s, size_t line, uint64_t n)
{
	size_t quantity = field(s, line, LINE_QUANTITY, 4), cents = field(s, line, LINE_CENTS, 8);
	return quantity != 0 && cents != 0 && string_is(s, field(s, line, LINE_ITEM, 4), "tea") && get32(s.bytes + quantity) == n % 7 + 1 &&
	       get64(s.bytes + cents) == n * 100;
}

bool order_right(const uint8_t *bytes, size_t size, uint64_t n)
{
	struct span s = {bytes, size};
	char customer[24];
	if (size < 8 || get32(bytes) > size - 4)
		return false;
	size_t table = get32(bytes), number = field(s, table, ORDER_NUMBER, 8);
	size_t lines = follow(s, field(s, table, ORDER_LINES, 4));
	(void)snprintf(customer, sizeof customer, "c%" PRIu64, n);
	return number != 0 && get64(bytes + number) == n && string_is(s, field(s, table, ORDER_CUSTOMER, 4), customer) && lines != 0 &&
	       get32(bytes + lines) == 1 && line_right(s, follow(s, lines + 4), n);
}
