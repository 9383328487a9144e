/* Rings: spec/ring.md. */
#ifndef RCI_RING_H
#define RCI_RING_H

#include "domain.h"

/* What a ring is made with, or what somebody asks for: zero fields ask for nothing. */
struct shape {
	uint32_t slots, payload, mode, kind, purpose, history;
	uint64_t commit_deadline, stall_budget; /* ns */
};

/* An open ring. Producers and readers of one domain share it; immutable but for users and next. */
struct ring {
	rc_domain *domain;
	struct segment control_segment, data;
	struct shape shape;
	char path[RCI_PATH]; /* without suffix */
	unsigned users;
	struct ring *next;
	pthread_mutex_t group_mutex; /* for the next two */
	struct group *groups; /* those that are mapped here */
	uint64_t groups_sought; /* when their files were last listed */

	uint64_t slot_count, mask;
	unsigned shift; /* position >> shift is lap - 1 */
	uint32_t stride;
	bool gated, exclusive;
	uint16_t me; /* this participant's index */
	struct rc_segment_header *header;
	struct rc_ring_control *control;
	uint64_t *claims;
	struct rc_consumer_entry *entries;
	uint8_t *slots;
};

/* Claim words: lap:44 | owner:16 | state:4. */
#define claim_word(lap, owner, state) ((uint64_t)(lap) << 20 | (uint64_t)(owner) << 4 | (state))
static inline uint64_t claim_lap(uint64_t w) { return w >> 20; }
static inline uint16_t claim_owner(uint64_t w) { return (uint16_t)(w >> 4); }
static inline unsigned claim_state(uint64_t w) { return (unsigned)(w & RC_STATE_MASK); }

/* Entry words: generation:32 | participant:16 | state:16. */
#define entry_word(generation, participant, state) ((uint64_t)(generation) << 32 | (uint64_t)(participant) << 16 | (state))
static inline uint32_t entry_generation(uint64_t w) { return (uint32_t)(w >> 32); }
static inline uint16_t entry_participant(uint64_t w) { return (uint16_t)(w >> 16); }
static inline unsigned entry_state(uint64_t w) { return (unsigned)(w & 0xffff); }
static inline uint64_t entry_with(uint64_t w, unsigned state) { return (w & ~UINT64_C(0xffff)) | state; }

/* Queue groups' entries name this participant, which is nobody: recovery leaves them. */
#define NOBODY 0xffff

/* blocked_ns: low bits of the generation above, nanoseconds below. */
#define BLOCKED_MASK ((UINT64_C(1) << RC_BLOCKED_BITS) - 1)
static inline uint64_t blocked_word(uint64_t entry, uint64_t spent)
{
	return (uint64_t)entry_generation(entry) << RC_BLOCKED_BITS | (spent < BLOCKED_MASK ? spent : BLOCKED_MASK);
}

#define PAD (UINT64_C(1) << 63)

static inline uint64_t ring_lap(const struct ring *r, uint64_t position) { return (position >> r->shift) + 1; }
static inline uint64_t *ring_claim(const struct ring *r, uint64_t position) { return &r->claims[position & r->mask]; }

static inline struct rc_slot_header *ring_slot(const struct ring *r, uint64_t position)
{
	return (struct rc_slot_header *)(void *)(r->slots + (position & r->mask) * r->stride);
}

static inline bool ring_retired(const struct ring *r)
{
	return (load_acquire(&r->header->state) & RC_STATE_MASK) != RC_SEGMENT_STATE_READY; /* pairs(seal) */
}

/* Whether a replacer has sealed the ring against all who would write it. */
static inline bool ring_sealed(const struct ring *r)
{
	if (r->exclusive)
		return (uint32_t)load_acquire(&r->control->owner) == RC_OWNER_SEALED; /* pairs(seal) */
	return claim_lap(load_acquire(&r->claims[0])) == RC_LAP_LIMIT; /* pairs(seal) */
}

/* Whether anything was ever claimed. */
static inline bool ring_written(const struct ring *r)
{
	uint64_t lap = claim_lap(load_acquire(&r->claims[0]));
	return r->exclusive ? load_acquire(&r->control->tail) != 0 : lap != 0 && lap != RC_LAP_LIMIT;
}

static inline uint64_t ring_entries_used(const struct ring *r)
{
	uint64_t high = load_acquire(&r->control->entry_high);
	return high < RC_ENTRY_COUNT ? high : RC_ENTRY_COUNT;
}

/* shape.c */
struct shape rci_shape_default(struct shape shape);
/* have, with what want asks for. */
struct shape rci_shape_overlay(struct shape have, struct shape want);
int rci_shape_check(const struct shape *shape);
bool rci_shape_equal(const struct shape *a, const struct shape *b);
const char *rci_shape_text(const struct shape *shape, char *text, size_t size);
uint32_t rci_message_limit(const struct shape *shape);
size_t rci_control_size(const struct shape *shape);
size_t rci_data_size(const struct shape *shape);
void rci_put_geometry(uint8_t *base, const struct shape *shape, uint64_t data_id);
/* Copies and checks the geometry of a mapped control file. */
int rci_get_geometry(const uint8_t *base, size_t size, const char *path, struct shape *shape, uint64_t *data_id);

/* What somebody asks of a ring. All zero asks for nothing. */
struct wish {
	struct shape shape;
	const struct grant *rights; /* of its own; NULL: as the domain has them */
	const struct memory *memory; /* how its pages are had here; NULL: as the system does */
	bool existing; /* RC_ERROR_NOT_FOUND where it is not there; nothing is made but in the place of one that is retired */
};

/* ring_file.c */
/* Opens a ring by the path without suffix, makes it, or replaces it (ring.md, 9). */
int rci_ring_open(rc_domain *domain, const char *path, const struct wish *want, bool write, struct ring **ring);
void rci_ring_close(struct ring *ring);
/* Another user of an open ring, who closes it, too. */
void rci_ring_share(struct ring *ring);
/* Maps the data of an open control file, which it takes over; RCI_AGAIN if they are gone. */
int rci_ring_attach(rc_domain *domain, struct ring *ring, const char *path, bool write);
/* How a ring is made: a successor's id, or 0 for the ring's own name, the rights of the files, and where their pages are taken. */
struct making {
	uint64_t id;
	struct grant control, data;
	const struct memory *memory;
};
/* What the control file gets, where the data file gets `data`: readers write there, too, as far as they may in the domain. */
struct grant rci_control_grant(struct grant data, struct grant domain);
/* Makes both files; the control file is READY without a name. */
int rci_ring_build(rc_domain *domain, struct ring *ring, const char *path, const struct shape *shape, const struct making *making);
void rci_ring_detach(struct ring *ring);
/* Unlinks what rci_ring_build has made, and lets go. */
void rci_ring_discard(struct ring *ring);
void rci_data_path(char *text, const char *path, uint64_t id);
void rci_successor_path(char *text, const char *path, uint64_t id);

/* replace.c: RCI_AGAIN when the name leads to something new. */
int rci_ring_replace(struct ring *old, const struct shape *shape, const struct wish *want);
int rci_ring_finish(rc_domain *domain, const char *path, const struct wish *want);

/* wake.c */
#define RCI_OWNER_UNFENCED UINT64_C(1) /* bit 0 of owner_flags */
void rci_wake_readers_slow(const struct ring *ring);
void rci_wake_producers(const struct ring *ring);
static inline void wake_readers(const struct ring *ring)
{
	if (__builtin_expect(load_seq(&ring->control->reader_summary) != 0, 0)) /* pairs(reader-mask) */
		rci_wake_readers_slow(ring);
}
/* True: the producer does not fence before it looks; the sleeper has to, once for all rings (rci_sleep_fence). */
bool rci_sleep_bit_reader(const struct ring *ring, uint32_t entry);
/* False: that is not allowed here, and a producer may not see the bit: sleep 1 ms at most. */
bool rci_sleep_fence(void);
/* Registers the process for others' fences, once; false: that can't be had. */
bool rci_fence_register(void);
void rci_sleep_bit_room(const struct ring *ring);
/* Marks the ring damaged and retired, and wakes all. */
void rci_ring_damaged(const struct ring *ring);

/* entry.c */
/* Frees an entry that bears this word if its participant is dead: true if it is. */
bool rci_entry_free_if_dead(const struct ring *ring, uint64_t entry, uint64_t word);
void rci_entry_evict(const struct ring *ring, uint64_t entry, uint64_t word);
void rci_entry_finish_eviction(const struct ring *ring, uint64_t entry, uint64_t word);
/* Enters a reader: its entry and its ACTIVE word; cursor is the tail. */
int rci_entry_join(const struct ring *ring, uint32_t mode, uint32_t *entry, uint64_t *word, uint64_t *cursor);
/* Takes a free entry as JOINING, for a group. */
int rci_entry_reserve(const struct ring *ring, uint64_t *entry, uint64_t *joining);
/* Gives the entry back if it is still of that generation. */
void rci_entry_leave(const struct ring *ring, uint32_t entry, uint64_t word);
/* Rings the bell of who reads by an entry: of a group's members, if it is a group's. */
void rci_entry_rouse(const struct ring *ring, uint64_t entry, uint64_t word);
/* Whether a queue group gates the ring. */
bool rci_entry_grouped(const struct ring *ring);

/* recover.c: takes back what a dead index holds; false if it turned out to live. */
bool rci_ring_recover(const struct ring *ring, uint32_t index);
/* For a producer that comes to a quarantined claim: takes the dead's back, that one and those of the slots behind where it
 * looked last; whether there were any. A living one's may lie first on every lap, and the dead's behind them. Looks every
 * 5 ms at most. */
struct gate;
bool rci_reclaim(const struct ring *ring, struct gate *gate, uint64_t position);
/* Frees a claim of a dead owner, who was found dead after the word was loaded. */
bool rci_claim_recover(const struct ring *ring, uint64_t position, uint64_t word);

/* Positions lent to a reader that was put out. */
struct span {
	uint64_t from, to;
};

/* What a producer knows of the readers. */
struct gate {
	uint64_t limit; /* positions below may be claimed */
	unsigned pin_count;
	bool waiting;
	struct stopwatch blocked;
	uint64_t pin_checked, claim_checked, claim_next; /* the slot, modulo the capacity, at which quarantined claims are looked at next */
	/* the WRITING word at the lowest cursor: who stands before it is not to blame */
	uint64_t excuse_word, excuse_position;
	struct stopwatch excuse;
	struct span pins[RC_ENTRY_COUNT];
};

/* gate.c */
bool rci_gate_room(const struct ring *ring, struct gate *gate, uint64_t position);
void rci_gate_blame(struct ring *ring, struct gate *gate, uint64_t position);
bool rci_gate_pinned(const struct ring *ring, struct gate *gate, uint64_t position);

/* Results of a claim, besides those of base.h. */
enum { CLAIM_OK = 0, CLAIM_FULL, CLAIM_RETIRED, CLAIM_DAMAGED, CLAIM_STALLED, CLAIM_NOT_OWNER };

/* One open producer of a ring; for one thread. */
struct producer {
	struct ring *ring;
	struct gate gate;
	uint64_t owner; /* exclusive rings: the owner word */
	/* the WRITING word that stands in the way, and for how long */
	uint64_t stuck_word, stuck_position;
	bool stuck;
	struct stopwatch stuck_for;
	bool unfenced; /* exclusive: who goes to sleep fences for us */
};

/* slot.c: writes header, block and payload of one slot; block and payload may be NULL. */
void rci_put_slot(const struct ring *ring, uint64_t position, const struct rc_slot_header *header, const struct rc_address_block *block, const void *payload);

/* claim.c: shared rings. exclusive.c: the others. */
int rci_claim_shared(struct producer *producer, uint64_t *position);
int rci_end_shared(struct producer *producer, uint64_t position, unsigned state);
int rci_exclusive_take(struct producer *producer);
void rci_exclusive_give(struct producer *producer);
int rci_claim_exclusive(struct producer *producer, uint64_t *position);
int rci_end_exclusive(struct producer *producer, uint64_t position, bool commit);
/* Whether count positions from the tail on are free of the gate, for a message of several. */
bool rci_room_for(struct producer *producer, uint64_t count);

#endif
