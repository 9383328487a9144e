/* ParticipantInfo (codec/schema/system.fbs): a writer, and a reader that checks every
 * offset against the buffer. segment.md, 6. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "domain.h"

/* Fields of the two tables by their number in the schema. */
enum { INFO_NAME, INFO_VERSION, INFO_INTERESTS };
enum { INTEREST_NAME, INTEREST_PATTERN, INTEREST_PUBLISHER };

/* Where things stand in what is written here: the vtables first, then forwards. */
enum {
	INFO_VTABLE = 4, INFO_TABLE = 16, INFO_TABLE_SIZE = 16,
	INTEREST_VTABLE = 32, INTEREST_TABLE_SIZE = 12,
	FIRST_STRING = 48
};

static void put16(uint8_t *b, size_t at, size_t v)
{
	uint16_t x = (uint16_t)v;
	memcpy(b + at, &x, 2);
}

static void put32(uint8_t *b, size_t at, size_t v)
{
	uint32_t x = (uint32_t)v;
	memcpy(b + at, &x, 4);
}

static size_t string_size(const char *s) { return (4 + strlen(s) + 1 + 3) & ~(size_t)3; }

/* Writes a string at *end and an offset to it at `from`. */
static void put_string(uint8_t *b, size_t from, size_t *end, const char *s)
{
	put32(b, from, *end - from);
	put32(b, *end, strlen(s));
	memcpy(b + *end + 4, s, strlen(s));
	*end += string_size(s);
}

static void put_vtables(uint8_t *b)
{
	static const uint16_t info[] = {10, INFO_TABLE_SIZE, 4, 8, 12};
	static const uint16_t interest[] = {14, INTEREST_TABLE_SIZE, 4, 8, 9, 10, 11};
	for (size_t i = 0; i < sizeof info / sizeof *info; i++)
		put16(b, INFO_VTABLE + 2 * i, info[i]);
	for (size_t i = 0; i < sizeof interest / sizeof *interest; i++)
		put16(b, INTEREST_VTABLE + 2 * i, interest[i]);
}

static void put_interest(uint8_t *b, size_t slot, size_t *end, const struct interest *interest)
{
	size_t table = *end;
	put32(b, slot, table - slot);
	put32(b, table, table - INTEREST_VTABLE);
	b[table + 8] = rci_has_wildcard(interest->name);
	b[table + 9] = interest->publisher;
	b[table + 10] = interest->local_only;
	b[table + 11] = interest->live;
	*end += INTEREST_TABLE_SIZE;
	put_string(b, table + 4, end, interest->name);
}

uint8_t *rci_table_build(const char *name, const char *version, const struct interest *interests, size_t *size)
{
	size_t total = FIRST_STRING + string_size(name) + string_size(version) + 4, count = 0;
	for (const struct interest *i = interests; i != NULL; i = i->next, count++)
		total += 4 + INTEREST_TABLE_SIZE + string_size(i->name);
	total = (total + 7) & ~(size_t)7;
	uint8_t *b = calloc(1, total);
	if (b == NULL)
		return NULL;
	size_t end = FIRST_STRING;
	put32(b, 0, INFO_TABLE);
	put_vtables(b);
	put32(b, INFO_TABLE, INFO_TABLE - INFO_VTABLE);
	put_string(b, INFO_TABLE + 4, &end, name);
	put_string(b, INFO_TABLE + 8, &end, version);
	put32(b, INFO_TABLE + 12, end - (INFO_TABLE + 12));
	put32(b, end, count);
	size_t slot = end + 4;
	end += 4 + 4 * count;
	for (const struct interest *i = interests; i != NULL; i = i->next, slot += 4)
		put_interest(b, slot, &end, i);
	*size = end;
	return b;
}

/* A buffer that is being read, and a table in it. */
struct table {
	const uint8_t *b;
	size_t n, at, vtable, vtable_size, size;
};

static uint16_t get16(const uint8_t *b, size_t at)
{
	uint16_t v;
	memcpy(&v, b + at, 2);
	return v;
}

static uint32_t get32(const uint8_t *b, size_t at)
{
	uint32_t v;
	memcpy(&v, b + at, 4);
	return v;
}

static bool open_table(struct table *t, const uint8_t *b, size_t n, size_t at)
{
	if (at % 4 != 0 || at > n || n - at < 4)
		return false;
	int64_t vtable = (int64_t)at - (int32_t)get32(b, at);
	if (vtable < 0 || vtable % 2 != 0 || (uint64_t)vtable > n || n - (size_t)vtable < 4)
		return false;
	*t = (struct table){b, n, at, (size_t)vtable, get16(b, (size_t)vtable), get16(b, (size_t)vtable + 2)};
	return t->vtable_size >= 4 && t->vtable_size % 2 == 0 && n - t->vtable >= t->vtable_size && t->size >= 4 && n - at >= t->size;
}

/* Where a field of so many bytes lies; 0 if it is not there or not within the table. */
static size_t field(const struct table *t, unsigned number, size_t width)
{
	size_t entry = 4 + 2 * (size_t)number;
	if (entry + 2 > t->vtable_size)
		return 0;
	size_t offset = get16(t->b, t->vtable + entry);
	return offset >= 4 && offset + width <= t->size ? t->at + offset : 0;
}

/* What an offset field leads to; 0 if nothing within the buffer. */
static size_t follow(const struct table *t, size_t from)
{
	size_t by = from % 4 == 0 && t->n - from >= 4 ? get32(t->b, from) : 0;
	return by == 0 || by > t->n - from || t->n - from - by < 4 ? 0 : from + by;
}

static const char *string_at(const struct table *t, size_t from)
{
	size_t at = from == 0 ? 0 : follow(t, from);
	if (at == 0)
		return NULL;
	size_t length = get32(t->b, at);
	if (t->n - at - 4 <= length || t->b[at + 4 + length] != 0 || memchr(t->b + at + 4, 0, length) != NULL)
		return NULL;
	return (const char *)t->b + at + 4;
}

static bool flag(const struct table *t, unsigned number)
{
	size_t at = field(t, number, 1);
	return at != 0 && t->b[at] != 0;
}

bool rci_table_interests(const uint8_t *b, size_t n, rci_visit_interest *visit, void *argument)
{
	struct table info, interest;
	if (n < 4 || !open_table(&info, b, n, get32(b, 0)))
		return false;
	size_t from = field(&info, INFO_INTERESTS, 4);
	if (from == 0)
		return true;
	size_t vector = follow(&info, from);
	if (vector == 0 || (n - vector - 4) / 4 < get32(b, vector))
		return false;
	for (size_t i = 0, count = get32(b, vector); i < count; i++) {
		size_t at = follow(&info, vector + 4 + 4 * i);
		if (at == 0 || !open_table(&interest, b, n, at))
			return false;
		const char *name = string_at(&interest, field(&interest, INTEREST_NAME, 4));
		if (name == NULL || !rci_pattern_valid(name))
			return false;
		visit(argument, name, flag(&interest, INTEREST_PATTERN), flag(&interest, INTEREST_PUBLISHER));
	}
	return true;
}

struct match {
	const char *name;
	bool found;
};

static void match_interest(void *argument, const char *name, bool pattern, bool publisher)
{
	struct match *match = argument;
	if (pattern && !publisher && rc_name_matches(name, match->name))
		match->found = true;
}

bool rci_table_pattern_matches(const uint8_t *table, size_t size, const char *name)
{
	struct match match = {name, false};
	return rci_table_interests(table, size, match_interest, &match) && match.found;
}
