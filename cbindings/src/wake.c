/* Waking those who sleep on a ring: ring.md, 12. */
#define _GNU_SOURCE
#include "ring.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READER_WORDS 4
#define ROOM_WORDS 16

/* Takes a summary and the words it names, and rings for each bit. */
static void wake(const struct ring *r, uint64_t *summary, unsigned words, bool readers)
{
	uint64_t *masks = summary + 1;
	uint64_t named = swap_seq(summary, 0);
	for (unsigned i = 0; i < words; i++) {
		if ((named >> i & 1) == 0)
			continue;
		for (uint64_t bits = swap_seq(&masks[i], 0); bits != 0; bits &= bits - 1) {
			uint32_t index = i * 64 + (uint32_t)__builtin_ctzll(bits);
			if (readers)
				index = entry_participant(load_acquire(&r->entries[index].state));
			add_relaxed(&r->control->wakes, 1);
			rci_ring_bell(r->domain, index);
		}
	}
}

void rci_wake_readers_slow(const struct ring *r) { wake(r, &r->control->reader_summary, READER_WORDS, true); }

void rci_wake_producers(const struct ring *r)
{
	if (load_seq(&r->control->room_summary) != 0) /* pairs(room-mask) */
		wake(r, &r->control->room_summary, ROOM_WORDS, false);
}

/* An exclusive producer with bit 0 of owner_flags does not fence between its store of
 * published and its look at the mask: the sleeper has every registered process fence. */
bool rci_sleep_bit_reader(const struct ring *r, uint32_t entry)
{
	or_seq(&r->control->reader_mask0 + entry / 64, UINT64_C(1) << entry % 64); /* pairs(reader-mask) */
	or_seq(&r->control->reader_summary, UINT64_C(1) << entry / 64);
	return (load_seq(&r->control->owner_flags) & RCI_OWNER_UNFENCED) != 0; /* pairs(reader-mask) */
}

static bool registered;

static void register_process(void)
{
	const long need = MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
	long have = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	registered = have > 0 && (have & need) == need && syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

bool rci_fence_register(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, register_process);
	return registered;
}

bool rci_sleep_fence(void) { return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0; }

void rci_sleep_bit_room(const struct ring *r)
{
	if (r->me >= ROOM_WORDS * 64)
		return; /* no bit: the producer looks again every 10 ms */
	or_seq(&r->control->room_mask0 + r->me / 64, UINT64_C(1) << r->me % 64); /* pairs(room-mask) */
	or_seq(&r->control->room_summary, UINT64_C(1) << r->me / 64);
}

void rci_ring_damaged(const struct ring *r)
{
	add_relaxed(&r->control->damaged, 1);
	if (!cas(&r->header->state, RC_SEGMENT_STATE_READY, RC_SEGMENT_STATE_RETIRED)) /* pairs(seal) */
		return;
	rci_wake_readers_slow(r);
	rci_wake_producers(r);
	for (uint64_t i = 0; i < ring_entries_used(r); i++) {
		uint64_t w = load_acquire(&r->entries[i].state);
		if (entry_state(w) != RC_ENTRY_STATE_FREE)
			rci_ring_bell(r->domain, entry_participant(w));
	}
}
