/* Reading FlatBuffers of codec/schema/system.fbs: every offset is checked against the buffer, and the names in it are
 * checked. segment.md, 6. */
#define _GNU_SOURCE
#include <string.h>

#include "table.h"

/* Fields of the tables by their number in the schema. */
enum { INFO_NAME, INFO_VERSION, INFO_INTERESTS, INFO_SERVICES };
enum { INTEREST_NAME, INTEREST_PATTERN, INTEREST_PUBLISHER, INTEREST_LOCAL_ONLY };
enum { SERVICE_NAME, SERVICE_LIMIT, SERVICE_ROOM };
enum { NODE_NODE, NODE_EPOCH, NODE_SESSION, NODE_NAME, NODE_HOST, NODE_VERSION, NODE_WANTS, NODE_PARTICIPANTS, NODE_KNOWN, NODE_SERVICES, NODE_DEPARTED };
enum { DEPARTURE_INDEX, DEPARTURE_GENERATION, DEPARTURE_ENDING };
enum { DIRECTORY_NODES, DIRECTORY_LOST };
enum { LOST_NODE, LOST_EPOCH, LOST_ENDING };
enum { REMOTE_INDEX, REMOTE_GENERATION, REMOTE_LANGUAGE, REMOTE_INFO, REMOTE_PARTIAL };

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
	/* not by the table's size: a vtable may be shared by tables of other sizes */
	return offset >= 4 && offset + width <= t->n - t->at ? t->at + offset : 0;
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

static uint32_t number(const struct table *t, unsigned field_number, size_t width)
{
	uint32_t value = 0;
	size_t at = field(t, field_number, width);
	if (at != 0)
		memcpy(&value, t->b + at, width);
	return value;
}

static const char *text(const struct table *t, unsigned number)
{
	const char *s = string_at(t, field(t, number, 4));
	return s != NULL ? s : "";
}

/* A vector of offsets: where its first is; count 0 where there is none. False: damaged. */
static bool open_vector(const struct table *t, unsigned number, size_t *first, size_t *count)
{
	size_t from = field(t, number, 4);
	*first = *count = 0;
	if (from == 0)
		return true;
	size_t vector = follow(t, from);
	if (vector == 0 || (t->n - vector - 4) / 4 < get32(t->b, vector))
		return false;
	*first = vector + 4;
	*count = get32(t->b, vector);
	return true;
}

/* The table that element i of a vector leads to. */
static bool element(const struct table *t, size_t first, size_t i, struct table *to)
{
	size_t at = follow(t, first + 4 * i);
	return at != 0 && open_table(to, t->b, t->n, at);
}

static bool visit_interests(const struct table *info, struct table_visitor *v)
{
	struct table interest;
	size_t first, count;
	if (!open_vector(info, INFO_INTERESTS, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!element(info, first, i, &interest))
			return false;
		const char *name = string_at(&interest, field(&interest, INTEREST_NAME, 4));
		if (name == NULL || !rci_pattern_valid(name))
			return false;
		v->local_only = flag(&interest, INTEREST_LOCAL_ONLY);
		if (v->interest != NULL)
			v->interest(v, name, flag(&interest, INTEREST_PATTERN), flag(&interest, INTEREST_PUBLISHER));
	}
	return true;
}

static bool visit_services(const struct table *info, struct table_visitor *v)
{
	struct table service;
	size_t first, count;
	if (v->service == NULL)
		return true;
	if (!open_vector(info, INFO_SERVICES, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!element(info, first, i, &service))
			return false;
		const char *name = string_at(&service, field(&service, SERVICE_NAME, 4));
		if (name == NULL || !rci_name_valid(name))
			return false;
		v->service(v, name, number(&service, SERVICE_LIMIT, 4), number(&service, SERVICE_ROOM, 4));
	}
	return true;
}

static bool visit_info(const struct table *info, struct table_visitor *v)
{
	if (v->participant != NULL)
		v->participant(v, text(info, INFO_NAME), text(info, INFO_VERSION));
	return visit_interests(info, v) && visit_services(info, v);
}

bool rci_table_visit(const uint8_t *b, size_t n, struct table_visitor *v)
{
	struct table info;
	return n >= 4 && open_table(&info, b, n, get32(b, 0)) && visit_info(&info, v);
}

/* partial: some have left things out. */
static bool visit_remote(const struct table *node, struct table_visitor *v, bool *partial)
{
	struct table remote, info;
	size_t first, count;
	*partial = false;
	if (!open_vector(node, NODE_PARTICIPANTS, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!element(node, first, i, &remote))
			return false;
		v->address.index = (uint16_t)number(&remote, REMOTE_INDEX, 2);
		v->address.generation = number(&remote, REMOTE_GENERATION, 4);
		v->language = (uint8_t)number(&remote, REMOTE_LANGUAGE, 1);
		*partial |= flag(&remote, REMOTE_PARTIAL);
		size_t from = field(&remote, REMOTE_INFO, 4), at = from != 0 ? follow(&remote, from) : 0;
		if (at != 0 && (!open_table(&info, remote.b, remote.n, at) || !visit_info(&info, v)))
			return false;
	}
	return true;
}

static bool visit_departed(const struct table *node, struct table_visitor *v)
{
	struct table departure;
	size_t first, count;
	if (v->departed == NULL)
		return true;
	if (!open_vector(node, NODE_DEPARTED, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!element(node, first, i, &departure))
			return false;
		v->address.index = (uint16_t)number(&departure, DEPARTURE_INDEX, 2);
		v->address.generation = number(&departure, DEPARTURE_GENERATION, 4);
		v->departed(v, (uint8_t)number(&departure, DEPARTURE_ENDING, 1));
	}
	return true;
}

static bool visit_node_services(const struct table *node, struct table_visitor *v)
{
	struct table service;
	size_t first, count;
	if (v->node_service == NULL)
		return true;
	if (!open_vector(node, NODE_SERVICES, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!element(node, first, i, &service))
			return false;
		const char *name = string_at(&service, field(&service, SERVICE_NAME, 4));
		if (name == NULL || !rci_name_valid(name))
			return false;
		v->node_service(v, name);
	}
	return true;
}

/* again: behind the participants. */
static bool visit_wants(const struct table *node, struct table_visitor *v, bool again, bool partial)
{
	size_t first, count;
	if (again ? v->want == NULL : v->asks == NULL)
		return true;
	if (!open_vector(node, NODE_WANTS, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *want = string_at(node, first + 4 * i);
		if (want == NULL || !rci_pattern_valid(want))
			return false;
		if (again)
			v->want(v, want, text(node, NODE_NAME), text(node, NODE_VERSION), partial);
		else
			v->asks(v, want);
	}
	return true;
}

static bool visit_node(const struct table *node, struct table_visitor *v)
{
	bool partial;
	v->address = (struct rc_address){.node = number(node, NODE_NODE, 4), .epoch = number(node, NODE_EPOCH, 4)};
	v->language = 0;
	v->node(v, text(node, NODE_NAME), text(node, NODE_VERSION));
	struct rc_address address = v->address;
	if (!visit_wants(node, v, false, false) || !visit_remote(node, v, &partial) || !visit_departed(node, v) || !visit_node_services(node, v))
		return false;
	v->address = address;
	v->language = 0;
	return visit_wants(node, v, true, partial);
}

static bool visit_lost(const struct table *directory, struct table_visitor *v)
{
	struct table lost;
	size_t first, count;
	if (v->lost == NULL)
		return true;
	if (!open_vector(directory, DIRECTORY_LOST, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!element(directory, first, i, &lost))
			return false;
		v->address = (struct rc_address){.node = number(&lost, LOST_NODE, 4), .epoch = number(&lost, LOST_EPOCH, 4)};
		v->lost(v, (uint8_t)number(&lost, LOST_ENDING, 1));
	}
	return true;
}

bool rci_directory_visit(const uint8_t *b, size_t n, struct table_visitor *v)
{
	struct table directory, node;
	size_t first, count;
	if (n < 4 || !open_table(&directory, b, n, get32(b, 0)) || !open_vector(&directory, DIRECTORY_NODES, &first, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!element(&directory, first, i, &node) || !visit_node(&node, v))
			return false;
	return visit_lost(&directory, v);
}

struct match {
	struct table_visitor visitor; /* first */
	const char *name;
	bool patterns_only;
	uint32_t count;
};

static void match_interest(struct table_visitor *v, const char *name, bool pattern, bool publisher)
{
	struct match *match = (void *)v;
	if (!publisher && ((pattern && rc_name_matches(name, match->name)) || (!match->patterns_only && strcmp(name, match->name) == 0)))
		match->count++;
}

bool rci_table_pattern_matches(const uint8_t *table, size_t size, const char *name)
{
	struct match match = {.visitor.interest = match_interest, .name = name, .patterns_only = true};
	return rci_table_visit(table, size, &match.visitor) && match.count != 0;
}

uint32_t rci_table_subscriptions(const uint8_t *table, size_t size, const char *topic)
{
	struct match match = {.visitor.interest = match_interest, .name = topic};
	return rci_table_visit(table, size, &match.visitor) ? match.count : 0;
}
