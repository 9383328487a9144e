/* Reading one ring: ring.md, 5 and 7. */
#define _GNU_SOURCE
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define LEASE 64
#define BATCH 16
/* Of so many looks that find nothing, one looks at the claim word, and at the own state. */
#define CLAIM_LOOK 8
#define STATE_LOOK 64

static uint64_t min64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t max64(uint64_t a, uint64_t b) { return a > b ? a : b; }

static int enter(struct reader *d)
{
	int result = rci_entry_join(d->ring, d->mode, &d->entry, &d->active, &d->cursor);
	if (result != RC_OK)
		return result;
	d->entered = true;
	d->stored = d->lease_end = d->history_end = d->empty_at = d->cursor;
	d->untold = false;
	d->stuck = false;
	d->idle = 0;
	rci_flush_begin(&d->flush, d->ring, d->cursor);
	return RC_OK;
}

/* Leaves the entry; messages that are kept in it keep it. */
static void leave_entry(struct reader *d)
{
	if (!rci_keep_part(d))
		rci_entry_leave(d->ring, d->entry, d->active);
	d->entered = false;
}

static void use_ring(struct reader *d, struct ring *ring)
{
	d->ring = ring;
	d->mode = ring->gated ? d->wanted : RC_ENTRY_MODE_LATEST;
	d->batch = max64(1, min64(BATCH, ring->slot_count / 16));
	free(d->copy);
	free(d->stuck_words);
	d->copy = malloc(ring->shape.payload);
	d->stuck_words = NULL;
	d->stuck = false;
}

int rci_reader_open(struct reader *d, struct ring *ring, uint32_t mode, uint64_t history)
{
	memset(d, 0, sizeof *d);
	d->wanted = mode;
	use_ring(d, ring);
	if (d->copy == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "%s: copy of a slot", ring->path);
	int result = enter(d);
	if (result == RC_OK)
		d->empty_at = d->cursor -= min64(min64(history, ring->slot_count - 1), d->cursor);
	return result;
}

bool rci_reader_leave(struct reader *d)
{
	if (!d->entered || load_relaxed(&d->ring->domain->forked) != 0)
		return false;
	leave_entry(d);
	return ring_retired(d->ring);
}

void rci_reader_leave_successor(const struct reader *d, const struct ring *successor) { rci_entry_leave(successor, d->entry, d->active); }

void rci_reader_close(struct reader *d)
{
	d->entered = false;
	rci_keep_end(d);
	free(d->copy);
	free(d->stuck_words);
	d->copy = NULL;
	d->stuck_words = NULL;
}

int rci_reader_follow(struct reader *d, struct ring *ring)
{
	uint64_t old = d->active;
	if (d->entered) /* producers of the old ring, if there are any, need not wait for us */
		leave_entry(d);
	use_ring(d, ring);
	if (d->copy == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "%s: copy of a slot", ring->path);
	uint64_t word = load_acquire(&ring->entries[d->entry].state); /* pairs(entry) */
	if (entry_state(word) != RC_ENTRY_STATE_FREE && entry_generation(word) == entry_generation(old) && entry_participant(word) == ring->me) {
		d->entered = true; /* the replacer has entered us; we may have been put out since */
		d->cursor = d->stored = d->lease_end = d->history_end = d->empty_at = 0;
		d->idle = 0;
		rci_flush_begin(&d->flush, ring, 0);
		return RC_OK;
	}
	int result = enter(d);
	if (result == RC_OK)
		d->cursor = d->empty_at = 0; /* as a history: what was published there before is not in the old ring */
	return result;
}

/* Wakes producers that wait, if there is much room; behind a full fence behind the store of the cursor. */
static void wake_room(const struct reader *d)
{
	const struct ring *r = d->ring;
	if (load_seq(&r->control->room_summary) != 0 && load_acquire(&r->control->tail) <= d->stored + r->slot_count / 2) /* pairs(room-mask) */
		rci_wake_producers(r);
}

/* Stores the cursor, as far as nothing is kept. Within a lease that is all: producers that wait are woken at
 * its end, or when nothing is left to read. */
static void show(struct reader *d)
{
	uint64_t floor = rci_keep_floor(d);
	if (d->cursor < d->history_end)
		return; /* the entry stands at the join until then */
	if (floor != d->cursor && floor == d->stored)
		return; /* what is kept stands in the way, as before */
	rci_flush_slots(&d->flush, d->ring, d->entry, d->stored, floor);
	store_release(&d->ring->entries[d->entry].cursor, floor); /* pairs(cursor) */
	d->stored = floor;
	d->untold = true;
}

/* Stores the cursor, and wakes producers if there is much room. */
static void give_back(struct reader *d)
{
	show(d);
	if (d->mode != RC_ENTRY_MODE_RELIABLE || !d->untold)
		return;
	d->untold = false;
	fence_full();
	wake_room(d);
}

uint64_t rci_reader_swift(const struct reader *d)
{
	if (!d->entered || d->mode != RC_ENTRY_MODE_RELIABLE || d->cursor < d->history_end || rci_keep_floor(d) != d->cursor)
		return 0;
	return min64(d->lease_end, d->stored + d->batch);
}

void rci_reader_at(struct reader *d, uint64_t position)
{
	if (d->cursor == position)
		return;
	d->cursor = position;
	d->idle = 0;
	d->stuck = false;
}

/* The end of a lease that begins at the cursor: it holds a quarter of the ring at most, but
 * two slots, with the messages that are kept. */
static uint64_t lease_limit(const struct reader *d)
{
	uint64_t quarter = max64(2, d->ring->slot_count / 4);
	return min64(d->cursor + LEASE, rci_keep_floor(d) + quarter);
}

static bool put_out(const struct reader *d) { return load_acquire(&d->ring->entries[d->entry].state) != d->active; } /* pairs(entry) */

/* Before the first position at or beyond the lease: false if this reader was put out. */
static bool extend_lease(struct reader *d)
{
	show(d);
	rci_flush_turn(&d->flush, d->ring, d->entry, d->cursor);
	rci_give_lead(&d->flush, d->ring, d->cursor, d->sparing ? d->cursor - d->empty_at : 0, LEASE); /* who polls waits for nothing */
	d->lease_end = lease_limit(d);
	store_release(&d->ring->entries[d->entry].lease_end, d->lease_end); /* pairs(lease) */
	fence_full();
	d->untold = false;
	wake_room(d); /* what the fence of the lease is good for, too */
	return !put_out(d);
}

static enum look look_exclusive(const struct ring *r, uint64_t c)
{
	uint64_t published = load_acquire(&ring_slot(r, c)->published), lap = ring_lap(r, c); /* pairs(publish) */
	if (__builtin_expect(published == lap, 1))
		return LOOK_THERE;
	if (published == (lap | PAD))
		return LOOK_STEP;
	return (published & ~PAD) > lap ? LOOK_OVERRUN : LOOK_NOTHING;
}

static enum look look_at_claim(struct reader *d, uint64_t c)
{
	const struct ring *r = d->ring;
	uint64_t tail = load_acquire(&r->control->tail), lap = ring_lap(r, c); /* pairs(tail) */
	if (tail <= c && d->idle % CLAIM_LOOK != 0)
		return LOOK_NOTHING;
	uint64_t word = load_acquire(ring_claim(r, c)); /* pairs(commit) */
	if (claim_lap(word) == RC_LAP_LIMIT)
		return (c & r->mask) == 0 ? LOOK_SEALED : LOOK_DAMAGED;
	if (claim_lap(word) < lap)
		return tail > c ? LOOK_DAMAGED : LOOK_NOTHING;
	if (claim_lap(word) > lap)
		return LOOK_OVERRUN;
	switch (claim_state(word)) {
	case RC_CLAIM_STATE_READY:
		return LOOK_THERE;
	case RC_CLAIM_STATE_WRITING:
		return LOOK_STUCK;
	case RC_CLAIM_STATE_HOLE:
	case RC_CLAIM_STATE_QUARANTINED:
		return LOOK_STEP;
	default:
		return LOOK_DAMAGED;
	}
}

static inline enum look look(struct reader *d, uint64_t c)
{
	const struct ring *r = d->ring;
	if (r->exclusive)
		return look_exclusive(r, c);
	uint64_t published = load_acquire(&ring_slot(r, c)->published), lap = ring_lap(r, c); /* pairs(publish) */
	if (__builtin_expect(published == lap, 1))
		return LOOK_THERE;
	if (d->sparing && published < lap && d->idle % CLAIM_LOOK != CLAIM_LOOK - 1)
		return LOOK_NOTHING;
	return look_at_claim(d, c);
}

/* Notes all WRITING words from the cursor to the tail. */
static void note_writers(struct reader *d)
{
	const struct ring *r = d->ring;
	uint64_t tail = load_acquire(&r->control->tail), c = d->cursor;
	d->stuck = true;
	d->stuck_from = c;
	d->stuck_count = tail > c ? min64(tail - c, r->slot_count) : 1;
	if (d->stuck_words == NULL)
		d->stuck_words = calloc(r->slot_count, sizeof *d->stuck_words);
	for (uint64_t i = 0; d->stuck_words != NULL && i < d->stuck_count; i++)
		d->stuck_words[i] = load_acquire(ring_claim(r, c + i));
	rci_watch_start(&d->stuck_for, rci_now());
}

/* Takes the claims that have not changed since they were noted: all, or those of the dead. */
static void quarantine(struct reader *d, bool all)
{
	const struct ring *r = d->ring;
	for (uint64_t i = 0; i < d->stuck_count; i++) {
		uint64_t position = d->stuck_from + i, word = d->stuck_words[i];
		if (claim_state(word) != RC_CLAIM_STATE_WRITING || load_acquire(ring_claim(r, position)) != word)
			continue;
		if (!all && rci_alive(r->domain, claim_owner(word)))
			continue;
		if (cas(ring_claim(r, position), word, claim_word(claim_lap(word), claim_owner(word), RC_CLAIM_STATE_QUARANTINED))) {
			add_relaxed(&r->control->quarantined, 1);
			wake_readers(r);
		}
	}
}

/* A writer stands in the way: true if it may be gone now. */
static bool wait_for_writer(struct reader *d)
{
	if (!d->stuck || d->stuck_from != d->cursor || d->stuck_words == NULL) {
		note_writers(d);
		return false;
	}
	bool late = rci_watch_step(&d->stuck_for, rci_now()) >= d->ring->shape.commit_deadline;
	if (!late && !rci_watch_inquire(&d->stuck_for))
		return false;
	quarantine(d, late);
	d->stuck = late ? false : d->stuck;
	return true;
}

static inline void copy_header(struct rc_slot_header *to, const struct rc_slot_header *from)
{
	for (unsigned i = 0; i < sizeof *to / 8; i++) { /* once: a broken producer can still write there */
		uint64_t word = load_relaxed((const uint64_t *)(const void *)from + i);
		memcpy((uint8_t *)to + 8 * i, &word, sizeof word);
	}
}

/* Whether the payload lies in its slot, behind the header and the block. */
static inline bool header_fits(const struct ring *r, const struct rc_slot_header *h)
{
	uint32_t start = RC_SLOT_HEADER_SIZE + ((h->flags & RC_MESSAGE_FLAG_ADDRESSED) != 0 ? RC_ADDRESS_BLOCK_SIZE : 0);
	return h->payload_start >= start && h->payload_start <= r->stride && h->payload_length <= r->stride - h->payload_start;
}

/* Copies the address block, which lies behind the header. */
static inline void copy_block(struct view *view, const struct rc_slot_header *slot)
{
	uint64_t words[RC_ADDRESS_BLOCK_SIZE / 8];
	if (__builtin_expect((view->header.flags & RC_MESSAGE_FLAG_ADDRESSED) == 0, 1))
		return;
	for (unsigned i = 0; i < RC_ADDRESS_BLOCK_SIZE / 8; i++)
		words[i] = load_relaxed((const uint64_t *)(const void *)(slot + 1) + i);
	memcpy(&view->block, words, sizeof view->block);
}

/* Copies what a writer may change meanwhile; in the ThreadSanitizer build by atomic bytes. */
static void copy_payload(uint8_t *to, const uint8_t *from, size_t size)
{
#ifdef RCI_TSAN
	for (size_t i = 0; i < size; i++)
		to[i] = load_relaxed(from + i);
#else
	memcpy(to, from, size);
#endif
}

/* Copies the message at c, and checks that it was not overwritten meanwhile. */
static enum look copy_message(struct reader *d, uint64_t c, struct view *view, bool *fits)
{
	const struct ring *r = d->ring;
	const struct rc_slot_header *slot = ring_slot(r, c);
	uint64_t word = 0;
	if (!r->exclusive) {
		word = load_acquire(ring_claim(r, c)); /* pairs(commit) */
		if (claim_lap(word) != ring_lap(r, c))
			return claim_lap(word) > ring_lap(r, c) ? LOOK_OVERRUN : LOOK_DAMAGED;
		if (claim_state(word) != RC_CLAIM_STATE_READY)
			return LOOK_DAMAGED;
	}
	copy_header(&view->header, slot);
	*fits = header_fits(r, &view->header);
	if (*fits)
		copy_block(view, slot);
	if (*fits)
		copy_payload(d->copy, (const uint8_t *)slot + view->header.payload_start, view->header.payload_length);
	fence_acquire();
	bool same = r->exclusive ? load_relaxed(&r->control->tail) <= c + r->slot_count : load_relaxed(ring_claim(r, c)) == word;
	view->payload = d->copy;
	return same ? LOOK_THERE : LOOK_OVERRUN;
}

/* This reader has no entry any more: it joins again, and tells what it has missed. */
static int rejoin(struct reader *d, struct view *view)
{
	uint64_t c = d->cursor;
	if (d->entered)
		leave_entry(d);
	if (enter(d) != RC_OK)
		return READ_ERROR;
	if (d->cursor < c)
		d->cursor = c; /* only a scribbled tail */
	view->position = c;
	view->missed = d->cursor - c;
	store_relaxed(&d->ring->entries[d->entry].missed, view->missed);
	return view->missed != 0 ? READ_LAGGED : READ_NOTHING;
}

static int damaged(struct reader *d)
{
	rci_ring_damaged(d->ring);
	return READ_RETIRED;
}

/* The position was overwritten. */
static int overrun(struct reader *d, struct view *view)
{
	const struct ring *r = d->ring;
	uint64_t c = d->cursor, tail = load_acquire(&r->control->tail), next;
	bool history = c < d->history_end;
	if (!history && d->mode == RC_ENTRY_MODE_RELIABLE)
		return put_out(d) ? rejoin(d, view) : damaged(d);
	uint64_t back = history ? r->slot_count - max64(1, r->slot_count / 8) : r->slot_count / 2;
	if (tail <= c || ring_lap(r, tail) >= RC_LAP_LIMIT)
		return damaged(d);
	next = tail > back ? tail - back : 0;
	if (history)
		next = min64(next, d->history_end);
	next = max64(next, c + 1);
	view->position = c;
	view->missed = next - c;
	d->cursor = next;
	store_relaxed(&r->entries[d->entry].missed, view->missed);
	return READ_LAGGED;
}

/* Takes the message at the cursor. */
static int take(struct reader *d, struct view *view)
{
	const struct ring *r = d->ring;
	uint64_t c = d->cursor;
	bool fits = false;
	if (__builtin_expect(d->mode == RC_ENTRY_MODE_RELIABLE && c >= d->history_end, 1)) {
		const struct rc_slot_header *slot = ring_slot(r, c);
		copy_header(&view->header, slot);
		fits = header_fits(r, &view->header);
		if (fits)
			copy_block(view, slot);
		view->payload = (const uint8_t *)slot + (fits ? view->header.payload_start : 0);
	} else {
		enum look found = copy_message(d, c, view, &fits);
		if (found == LOOK_OVERRUN)
			return overrun(d, view);
		if (found == LOOK_DAMAGED)
			return damaged(d);
	}
	view->position = c;
	d->cursor = c + 1;
	d->idle = 0;
	if (__builtin_expect(fits, 1))
		return READ_MESSAGE;
	add_relaxed(&r->control->damaged, 1);
	return READ_BAD;
}

/* Nothing is there: gives back what is read, and looks now and then whether all is as it was. */
static int nothing(struct reader *d, struct view *view, bool retired)
{
	d->burst = (uint32_t)min64(d->cursor - d->empty_at, UINT32_MAX);
	d->empty_at = d->cursor;
	if (d->stored != d->cursor || d->untold)
		give_back(d);
	if (d->idle++ % STATE_LOOK != 0)
		return READ_NOTHING;
	if (retired)
		return READ_RETIRED;
	return put_out(d) ? rejoin(d, view) : READ_NOTHING;
}

int rci_reader_next(struct reader *d, struct view *view)
{
	if (__builtin_expect(!d->entered, 0)) {
		int result = rejoin(d, view);
		if (result != READ_NOTHING)
			return result;
	}
	if (d->cursor - d->stored >= d->batch && d->cursor >= d->history_end) {
		if (d->cursor < d->lease_end)
			show(d);
		else if (d->mode != RC_ENTRY_MODE_RELIABLE)
			give_back(d); /* otherwise the lease is extended now */
	}
	for (uint64_t steps = 0; steps <= d->ring->slot_count; steps++) {
		bool retired = d->idle % STATE_LOOK == 0 && ring_retired(d->ring); /* before the look: what was there is read first */
		if (__builtin_expect(d->mode == RC_ENTRY_MODE_RELIABLE && d->cursor >= d->lease_end && d->cursor >= d->history_end, 0)) {
			bool held = lease_limit(d) <= d->cursor;
			if (held && !put_out(d))
				return READ_HELD;
			if (held || !extend_lease(d))
				return rejoin(d, view); /* what is kept stays behind, with the entry */
		}
		switch (look(d, d->cursor)) {
		case LOOK_THERE:
			return take(d, view);
		case LOOK_STEP:
			d->cursor++;
			break;
		case LOOK_STUCK:
			if (!wait_for_writer(d))
				return nothing(d, view, false);
			break;
		case LOOK_OVERRUN:
			return overrun(d, view);
		case LOOK_SEALED:
			return READ_RETIRED;
		case LOOK_DAMAGED:
			return damaged(d);
		default:
			return nothing(d, view, retired);
		}
	}
	return READ_NOTHING;
}

void rci_reader_release(struct reader *d)
{
	if (!d->entered || d->stored == d->cursor)
		return;
	if (d->cursor < d->lease_end)
		show(d);
	else
		give_back(d);
}

bool rci_reader_leave_word(struct reader *d)
{
	if (d->entered && (d->stored != d->cursor || d->untold))
		give_back(d);
	d->idle = 0;
	d->sparing = false;
	d->stuck = d->stuck && d->stuck_from == d->cursor; /* the writer may be gone */
	return d->entered && rci_sleep_bit_reader(d->ring, d->entry);
}

enum look rci_reader_look(struct reader *d, uint64_t position)
{
	enum look found;
	d->cursor = d->stored = position;
	for (uint64_t tries = 0; (found = look(d, position)) == LOOK_STUCK; tries++)
		if (!wait_for_writer(d) || tries > d->ring->slot_count)
			return LOOK_NOTHING;
	return found;
}

enum look rci_reader_copy(struct reader *d, uint64_t position, struct view *view, bool *fits) { return copy_message(d, position, view, fits); }
