/* ParticipantInfo (codec/schema/system.fbs): its writer. segment.md, 6. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "domain.h"

/* Where things stand in what is written here: the vtables first, then forwards. */
enum {
	INFO_VTABLE = 4, INFO_TABLE = 16, INFO_TABLE_SIZE = 20,
	INTEREST_VTABLE = 36, INTEREST_TABLE_SIZE = 16,
	SERVICE_VTABLE = 52, SERVICE_TABLE_SIZE = 16,
	FIRST_STRING = 64
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
	static const uint16_t info[] = {12, INFO_TABLE_SIZE, 4, 8, 12, 16};
	static const uint16_t service[] = {10, SERVICE_TABLE_SIZE, 4, 8, 12};
	static const uint16_t interest[] = {16, INTEREST_TABLE_SIZE, 4, 8, 9, 10, 11, 12};
	for (size_t i = 0; i < sizeof info / sizeof *info; i++)
		put16(b, INFO_VTABLE + 2 * i, info[i]);
	for (size_t i = 0; i < sizeof interest / sizeof *interest; i++)
		put16(b, INTEREST_VTABLE + 2 * i, interest[i]);
	for (size_t i = 0; i < sizeof service / sizeof *service; i++)
		put16(b, SERVICE_VTABLE + 2 * i, service[i]);
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
	put32(b, table + 12, interest->history);
	*end += INTEREST_TABLE_SIZE;
	put_string(b, table + 4, end, interest->name);
}

static void put_service(uint8_t *b, size_t slot, size_t *end, const struct offer *offer)
{
	size_t table = *end;
	put32(b, slot, table - slot);
	put32(b, table, table - SERVICE_VTABLE);
	put32(b, table + 8, offer->limit);
	put32(b, table + 12, offer->limit); /* what it takes when it begins */
	*end += SERVICE_TABLE_SIZE;
	put_string(b, table + 4, end, offer->name);
}

/* Begins a vector of count offsets, to which the field at `from` leads; returns where the first is. */
static size_t put_vector(uint8_t *b, size_t from, size_t *end, size_t count)
{
	size_t at = *end;
	put32(b, from, at - from);
	put32(b, at, count);
	*end += 4 + 4 * count;
	return at + 4;
}

uint8_t *rci_table_build(const struct said *said, size_t *size)
{
	size_t total = FIRST_STRING + string_size(said->name) + string_size(said->version) + 8, interests = 0, offers = 0;
	for (const struct interest *i = said->interests; i != NULL; i = i->next, interests++)
		total += 4 + INTEREST_TABLE_SIZE + string_size(i->name);
	for (const struct offer *o = said->offers; o != NULL; o = o->next, offers++)
		total += 4 + SERVICE_TABLE_SIZE + string_size(o->name);
	total = (total + 7) & ~(size_t)7;
	uint8_t *b = calloc(1, total);
	if (b == NULL)
		return NULL;
	size_t end = FIRST_STRING;
	put32(b, 0, INFO_TABLE);
	put_vtables(b);
	put32(b, INFO_TABLE, INFO_TABLE - INFO_VTABLE);
	put_string(b, INFO_TABLE + 4, &end, said->name);
	put_string(b, INFO_TABLE + 8, &end, said->version);
	size_t slot = put_vector(b, INFO_TABLE + 12, &end, interests);
	for (const struct interest *i = said->interests; i != NULL; i = i->next, slot += 4)
		put_interest(b, slot, &end, i);
	slot = put_vector(b, INFO_TABLE + 16, &end, offers);
	for (const struct offer *o = said->offers; o != NULL; o = o->next, slot += 4)
		put_service(b, slot, &end, o);
	*size = end;
	return b;
}
