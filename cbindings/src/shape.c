/* What a ring is made with, and how its header says so: ring.md, 2. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ring.h"

#define MAX_SLOTS (UINT32_C(1) << 20)
#define MS UINT64_C(1000000)
#define STANDARD_BYTES (UINT64_C(16) << 20) /* more does not stay in the caches from one lap of a ring to the next */
#define SLOTS_START RC_PAGE_SIZE
#define CLAIMS_START (RC_SEGMENT_HEADER_SIZE + RC_RING_GEOMETRY_SIZE + RC_RING_CONTROL_SIZE)

static uint32_t round_payload(uint32_t payload) { return payload > UINT32_MAX - 63 ? payload : (payload + 63) & ~UINT32_C(63); }

/* Of a Latest ring nobody holds producers back: with few slots they would take claims from each other without end. */
static uint32_t least_slots(const struct shape *s) { return s->mode == RC_RING_MODE_LATEST ? RC_MIN_LATEST_SLOT_COUNT : RC_MIN_SLOT_COUNT; }

/* How many slots a topic has where nobody asked for a number: 1024, or as many, a power of two, as
 * carry STANDARD_BYTES together; at least 64, and twice the history. */
static uint32_t standard_slots(const struct shape *s)
{
	uint32_t n = RC_DEFAULT_SLOT_COUNT;
	while (s->purpose == RC_RING_PURPOSE_TOPIC && n > RC_MIN_DEFAULT_SLOT_COUNT && n / 4 >= s->history && (uint64_t)n * s->payload > STANDARD_BYTES)
		n /= 2;
	return n;
}

struct shape rci_shape_overlay(struct shape have, struct shape want)
{
	bool standard = have.slots == standard_slots(&have);
	if (want.payload != 0)
		have.payload = round_payload(want.payload);
	if (want.mode != 0)
		have.mode = want.mode;
	if (want.kind != 0)
		have.kind = want.kind;
	if (want.purpose != 0)
		have.purpose = want.purpose;
	if (want.history != 0)
		have.history = want.history;
	if (want.commit_deadline != 0)
		have.commit_deadline = want.commit_deadline;
	if (want.stall_budget != 0)
		have.stall_budget = want.stall_budget;
	if (want.slots != 0)
		have.slots = want.slots;
	else if (standard)
		have.slots = standard_slots(&have);
	return have;
}

struct shape rci_shape_default(struct shape shape)
{
	struct shape standard = {RC_DEFAULT_SLOT_COUNT, RC_DEFAULT_SLOT_PAYLOAD, RC_RING_MODE_RELIABLE, RC_RING_KIND_SHARED,
		RC_RING_PURPOSE_TOPIC, 0, RC_DEFAULT_COMMIT_DEADLINE_NS, RC_DEFAULT_STALL_BUDGET_NS};
	return rci_shape_overlay(standard, shape);
}

bool rci_shape_equal(const struct shape *a, const struct shape *b)
{
	return a->slots == b->slots && a->payload == b->payload && a->mode == b->mode && a->kind == b->kind && a->purpose == b->purpose &&
		a->history == b->history && a->commit_deadline == b->commit_deadline && a->stall_budget == b->stall_budget;
}

int rci_shape_check(const struct shape *s)
{
	if (s->slots < least_slots(s) || s->slots > MAX_SLOTS || (s->slots & (s->slots - 1)) != 0)
		return rci_fail(RC_ERROR_INVALID, "slots %u: want a power of two from %u to %u", (unsigned)s->slots, (unsigned)least_slots(s), (unsigned)MAX_SLOTS);
	if (s->payload < 64 || s->payload > RC_MAX_SLOT_PAYLOAD || s->payload % 64 != 0)
		return rci_fail(RC_ERROR_INVALID, "slot size %u: want a multiple of 64 from 64 to %d", (unsigned)s->payload, RC_MAX_SLOT_PAYLOAD);
	if ((uint64_t)s->slots * (s->payload + RC_SLOT_HEADER_SIZE) > UINT64_C(64) << 30)
		return rci_fail(RC_ERROR_INVALID, "%u slots of %u bytes: more than 64 GiB", (unsigned)s->slots, (unsigned)s->payload);
	if (s->mode != RC_RING_MODE_RELIABLE && s->mode != RC_RING_MODE_LATEST)
		return rci_fail(RC_ERROR_INVALID, "unknown mode %u", (unsigned)s->mode);
	if (s->kind != RC_RING_KIND_SHARED && s->kind != RC_RING_KIND_EXCLUSIVE)
		return rci_fail(RC_ERROR_INVALID, "unknown kind %u", (unsigned)s->kind);
	if (s->purpose < RC_RING_PURPOSE_TOPIC || s->purpose > RC_RING_PURPOSE_UPLINK)
		return rci_fail(RC_ERROR_INVALID, "unknown purpose %u", (unsigned)s->purpose);
	if (s->commit_deadline < MS || s->commit_deadline > 60000 * MS)
		return rci_fail(RC_ERROR_INVALID, "commit deadline %" PRIu64 " ns: want 1 ms to 1 min", s->commit_deadline);
	if (s->stall_budget < 2 * s->commit_deadline || s->stall_budget > 3600000 * MS)
		return rci_fail(RC_ERROR_INVALID, "stall budget %" PRIu64 " ns: want twice the commit deadline to 1 h", s->stall_budget);
	if (s->history > s->slots / 2)
		return rci_fail(RC_ERROR_INVALID, "history %u: want at most half of the %u slots", (unsigned)s->history, (unsigned)s->slots);
	return RC_OK;
}

const char *rci_shape_text(const struct shape *s, char *text, size_t size)
{
	(void)snprintf(text, size, "%u slots of %u bytes, %s, %s, history %u", (unsigned)s->slots, (unsigned)s->payload,
		s->mode == RC_RING_MODE_LATEST ? "latest" : "reliable", s->kind == RC_RING_KIND_EXCLUSIVE ? "exclusive" : "shared", (unsigned)s->history);
	return text;
}

uint32_t rci_message_limit(const struct shape *s)
{
	uint64_t half = (uint64_t)s->slots / 2 * s->payload;
	return half < RC_MAX_MESSAGE ? (uint32_t)half : RC_MAX_MESSAGE;
}

static size_t entries_start(const struct shape *s) { return (CLAIMS_START + 8 * (size_t)s->slots + 127) & ~(size_t)127; }
size_t rci_control_size(const struct shape *s) { return entries_start(s) + RC_ENTRY_COUNT * RC_CONSUMER_ENTRY_SIZE; }
size_t rci_data_size(const struct shape *s) { return SLOTS_START + (size_t)s->slots * (s->payload + RC_SLOT_HEADER_SIZE); }

void rci_put_geometry(uint8_t *base, const struct shape *s, uint64_t data_id)
{
	struct rc_ring_geometry *g = (void *)(base + RC_SEGMENT_HEADER_SIZE);
	g->slot_count = s->slots;
	g->slot_stride = s->payload + RC_SLOT_HEADER_SIZE;
	g->slot_payload = s->payload;
	g->entry_count = RC_ENTRY_COUNT;
	g->claims_start = CLAIMS_START;
	g->entries_start = (uint32_t)entries_start(s);
	g->slots_start = SLOTS_START;
	g->mode = (uint8_t)s->mode;
	g->kind = (uint8_t)s->kind;
	g->purpose = (uint8_t)s->purpose;
	g->data_id = data_id;
	g->commit_deadline_ns = s->commit_deadline;
	g->stall_budget_ns = s->stall_budget;
	g->message_limit = rci_message_limit(s);
	g->history = s->history;
}

int rci_get_geometry(const uint8_t *base, size_t size, const char *path, struct shape *shape, uint64_t *data_id)
{
	struct rc_ring_geometry g;
	if (size < CLAIMS_START)
		return rci_fail(RC_ERROR_DAMAGED, "%s: ends before its claims", path);
	memcpy(&g, base + RC_SEGMENT_HEADER_SIZE, sizeof g);
	struct shape s = {g.slot_count, g.slot_payload, g.mode, g.kind, g.purpose, g.history, g.commit_deadline_ns, g.stall_budget_ns};
	if (rci_shape_check(&s) != RC_OK)
		return RC_ERROR_DAMAGED;
	if (g.slot_stride != s.payload + RC_SLOT_HEADER_SIZE || g.entry_count != RC_ENTRY_COUNT || g.claims_start != CLAIMS_START ||
		g.entries_start != entries_start(&s) || g.slots_start != SLOTS_START || size != rci_control_size(&s))
		return rci_fail(RC_ERROR_DAMAGED, "%s: its parts are not where layout 1 has them", path);
	*shape = s;
	*data_id = g.data_id;
	return RC_OK;
}
