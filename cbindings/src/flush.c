/* What a reader does for the lines of a stream: it flushes what it has read, where that is faster, and lets its publishers be ahead. */
#include "flush.h"

#define LINE 64
#define MOST_LINES 1025 /* of a slot: rings of larger ones don't fit a cache */
#define MOST_OTHERS 3 /* readers besides: their cursors are looked at behind each batch */
#define LEAST_LAP 1024
#define TURNS 8 /* laps that are timed as one where others read, too: readers may take turns on a core */
#define FIRST 4 /* laps before the first try */
#define AGAIN 64 /* laps between two, at least */
#define SELDOM (4 * AGAIN) /* and at most */
#define SLOW_LINE 128.0 /* ns: a stream that takes longer for a line has another bound */
#define GAIN 0.9 /* of the usual time, below which a try is a success */

/* How far the publishers of a stream are let be ahead besides a lease's messages, at most, and how long that is waited for. */
#define LEAD_BYTES (UINT64_C(256) << 10)
#define LEAD_MOST (UINT64_C(512) << 10)
#define LEAD_LOOKS 200
#define LEAD_LEAST 8 /* messages that come meanwhile, or it was in vain */
#define LEAD_RESTS 64 /* leases without a wait behind several in vain, at most */
#define LONG_STREAM 16 /* messages without a look that found nothing */

#if defined(__x86_64__)
#include <cpuid.h>

static bool can_flush(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 23 & 1) != 0; /* CLFLUSHOPT */
}

static void flush_line(const uint8_t *line) { __asm__ volatile("clflushopt %0" : : "m"(*line)); }
#else
static bool can_flush(void) { return false; }
static void flush_line(const uint8_t *line) { (void)line; }
#endif

void rci_flush_begin(struct flushing *f, const struct ring *r, uint64_t position)
{
	uint64_t lines = r->stride / LINE;
	*f = (struct flushing){.end = UINT64_MAX, .left = FIRST};
	if (lines > MOST_LINES || !can_flush())
		return;
	f->slowest = (double)lines * SLOW_LINE;
	f->lap = r->slot_count > LEAST_LAP ? r->slot_count : LEAST_LAP;
	f->from = position;
	f->end = position + f->lap;
	f->began_ns = rci_now();
}

/* How many entries are in use besides that one. */
static unsigned others(const struct ring *r, uint32_t entry)
{
	unsigned n = 0;
	uint64_t high = load_acquire(&r->control->entry_high);
	for (uint32_t i = 0; i < high && i < RC_ENTRY_COUNT; i++)
		n += i != entry && entry_state(load_acquire(&r->entries[i].state)) != RC_ENTRY_STATE_FREE; /* pairs(entry) */
	return n;
}

uint64_t rci_flush_passed(const struct ring *r, uint32_t entry, uint64_t end)
{
	uint64_t high = load_acquire(&r->control->entry_high);
	for (uint32_t i = 0; i < high && i < RC_ENTRY_COUNT; i++) {
		if (i == entry || entry_state(load_acquire(&r->entries[i].state)) == RC_ENTRY_STATE_FREE) /* pairs(entry) */
			continue;
		uint64_t cursor = load_acquire(&r->entries[i].cursor); /* pairs(cursor) */
		end = cursor < end ? cursor : end;
	}
	return end;
}

void rci_flush_turn(struct flushing *f, const struct ring *r, uint32_t entry, uint64_t position)
{
	if (position < f->end)
		return;
	uint64_t now = rci_now();
	double pace = (double)(now - f->began_ns) / (double)(position - f->from);
	unsigned besides = others(r, entry);
	f->from = position;
	f->end = position + (besides > 0 ? TURNS : 1) * f->lap;
	f->began_ns = now;
	if (besides <= MOST_OTHERS && pace <= f->slowest) {
		/* The message there is being written, or comes behind others: a stream, and no answer that has yet to be asked for. */
		bool begun = load_acquire(&r->control->tail) > position; /* pairs(tail) */
		if (f->on || f->phase != FLUSH_SETTLED || begun)
			rci_flush_judge(f, pace);
		return;
	}
	f->on = false;
	f->phase = FLUSH_SETTLED;
	f->last = 0;
	f->left = FIRST;
}

/* Laps until the next try, behind one that was no success: what it costs is spread over them. */
static int pay(double pace, double usual)
{
	double laps = usual > 0 ? AGAIN * pace / usual : SELDOM;
	return laps < AGAIN ? AGAIN : laps > SELDOM ? SELDOM : (int)laps;
}

void rci_flush_judge(struct flushing *f, double pace)
{
	if (f->phase == FLUSH_TURNED) {
		f->phase = FLUSH_TRIED;
		return;
	}
	if (f->phase == FLUSH_SETTLED) {
		f->left--;
	} else {
		f->phase = FLUSH_SETTLED;
		bool gains = pace < GAIN * f->usual;
		f->left = gains ? AGAIN : pay(pace, f->usual);
		f->on = gains ? f->on : !f->on;
	}
	f->usual = f->last > 0 && f->last < pace ? f->last : pace; /* who lost its core in one of them proves nothing */
	f->last = pace;
	if (f->left <= 0) {
		f->on = !f->on;
		f->phase = FLUSH_TURNED;
	}
}

void rci_flush_slots(const struct flushing *f, const struct ring *r, uint32_t entry, uint64_t from, uint64_t to)
{
	if (!f->on)
		return;
	for (to = rci_flush_passed(r, entry, to); from < to; from++) {
		const struct rc_slot_header *head = ring_slot(r, from);
		uint64_t used = (uint64_t)load_relaxed(&head->payload_start) + load_relaxed(&head->payload_length);
		const uint8_t *slot = (const uint8_t *)head;
		uint64_t bytes = used < LINE ? LINE : used < r->stride ? used : r->stride; /* of a hole, what an older message left */
		for (uint64_t at = 0; at < bytes; at += LINE)
			flush_line(slot + at);
	}
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Whether the message at c comes, or others do meanwhile. It looks at one line, which is written once. */
static bool lead_comes(const struct ring *r, uint64_t c)
{
	uint64_t lap = ring_lap(r, c), tail;
	if (load_acquire(&ring_slot(r, c)->published) == lap) /* pairs(publish) */
		return true;
	tail = load_acquire(&r->control->tail); /* pairs(tail) */
	for (int i = 0; i < LEAD_LOOKS; i++) {
		cpu_pause();
		if (load_acquire(&ring_slot(r, c)->published) == lap) /* pairs(publish) */
			return true;
	}
	return load_acquire(&r->control->tail) - tail >= LEAD_LEAST; /* pairs(tail) */
}

void rci_give_lead(struct flushing *f, const struct ring *r, uint64_t position, uint64_t since_empty, uint64_t lease)
{
	if (since_empty < LONG_STREAM)
		return;
	uint64_t lead = least(least(lease + LEAD_BYTES / r->stride, LEAD_MOST / r->stride), r->slot_count / 4);
	if (lead == 0)
		return;
	if (f->rests > 0) {
		f->rests--;
	} else if (lead_comes(r, position + lead - 1)) {
		f->vain = 0;
	} else {
		f->vain = f->vain == 0 ? 1 : f->vain < LEAD_RESTS ? 2 * f->vain : LEAD_RESTS;
		f->rests = f->vain;
	}
}
