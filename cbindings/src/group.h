/* Queue groups: spec/ring.md, 14. */
#ifndef RCI_GROUP_H
#define RCI_GROUP_H

#include "ring.h"

#define GROUP_NAME_LIMIT 32
/* How many messages a group may have in hand at once, over all members. */
#define GROUP_ROWS 1024
/* Bounds loops that others can keep busy only by scribbling. */
#define GROUP_TRIES 1000

/* One mapping of a group's words, over a ring. Members and producers of the domain share it. */
struct group {
	struct ring *ring;
	struct segment segment;
	char name[GROUP_NAME_LIMIT + 1];
	uint32_t entry; /* of the group, whose cursor is the gate */
	struct rc_group_header *head;
	uint64_t *taken;
	struct rc_in_hand_row *rows;
	struct group *next;
};

/* Take words: lap:44 | row:16 | state:4. */
#define take_word(lap, row, state) ((uint64_t)(lap) << 20 | (uint64_t)(row) << 4 | (state))
static inline uint64_t take_lap(uint64_t w) { return w >> 20; }
static inline uint16_t take_row(uint64_t w) { return (uint16_t)(w >> 4); }
static inline unsigned take_state(uint64_t w) { return (unsigned)(w & RC_STATE_MASK); }

/* Whether the gate may pass a position of that lap. A higher lap was stamped by who brought the group back. */
static inline bool take_settled(uint64_t w, uint64_t lap)
{
	return take_lap(w) > lap || (take_lap(w) == lap && (take_state(w) == RC_TAKE_STATE_STARTED || take_state(w) == RC_TAKE_STATE_DONE));
}

/* A row's position word, its hand: position:62 | state:2. */
#define hand_word(position, state) ((uint64_t)(position) << 2 | (state))
static inline uint64_t hand_position(uint64_t w) { return w >> 2; }
static inline unsigned hand_state(uint64_t w) { return (unsigned)(w & 3); }
static inline uint64_t hand_with(uint64_t w, unsigned state) { return (w & ~UINT64_C(3)) | state; }

/* A row's control word, by which a caller speaks to the taker: tag:32, the low half of the position in hand |
 * credit:30 | waiting | cancel (messaging.md, 9). */
#define CONTROL_CANCEL UINT64_C(1)
#define CONTROL_WAITING UINT64_C(2)
#define CONTROL_ONE UINT64_C(4)
#define FIRST_CREDIT 15
static inline uint64_t control_word(uint64_t position) { return position << 32 | FIRST_CREDIT * CONTROL_ONE; }
static inline uint32_t control_tag(uint64_t w) { return (uint32_t)(w >> 32); }
static inline uint32_t control_credit(uint64_t w) { return (uint32_t)w >> 2; }
static inline uint64_t *row_control(struct rc_in_hand_row *row) { return (uint64_t *)(void *)&row->reserved2; }

static inline uint64_t *group_take(const struct group *g, uint64_t position) { return &g->taken[position & g->ring->mask]; }
static inline struct rc_consumer_entry *group_entry(const struct group *g) { return &g->ring->entries[g->entry]; }
static inline uint64_t group_gate(const struct group *g) { return load_acquire(&group_entry(g)->cursor); } /* pairs(cursor) */
static inline uint64_t group_state(const struct group *g) { return load_acquire(&group_entry(g)->state); } /* pairs(entry) */
/* Goes up when there may be reports. */
static inline uint64_t *group_events(const struct group *g) { return (uint64_t *)(void *)&g->head->reserved6; }

/* group_file.c */
bool rci_group_name_valid(const char *name);
/* Maps a group of the ring, makes it if it is not there, and settles its entry: at the tail, or at
 * position 0 for who comes from a retired ring. It stays mapped as long as the ring. */
int rci_group_open(struct ring *ring, const char *name, bool from_start, struct group **group);
/* Maps a group that is there; NULL: it is not. */
struct group *rci_group_find(struct ring *ring, const char *name);
/* The group whose entry that is, for a producer that it holds back; NULL if its file can't be had. */
struct group *rci_group_of_entry(struct ring *ring, uint64_t entry);
void rci_groups_close(struct ring *ring);
/* Removes the files of the groups of a ring that is gone. */
void rci_groups_remove(const char *path, uint64_t id);
/* Takes back what a dead index held in the ring's groups; false if that can't be done, or it lives. */
bool rci_groups_recover(struct ring *ring, uint32_t index);

/* group_entry.c */
uint32_t rci_group_hash(const char *name);
int rci_group_settle(struct group *group, uint32_t hash, bool from_start);
/* Whether the entry that the header names is the group's; finishes one that is half made. */
bool rci_group_find_entry(struct group *group, uint64_t named);
/* Whether an entry names the group as its member's. */
bool rci_group_has_members(const struct group *group);
/* Whether the participant of entry i is a member: its index, or NOBODY. */
uint32_t rci_group_member_at(const struct group *group, uint64_t entry);
/* Stops the group from gating if no member is left. True: none is. */
bool rci_group_left(const struct group *group);
/* The same in a ring that has taken this one's place, where a replacer may have carried the group over. */
void rci_group_left_successor(const struct group *group, const struct ring *successor);

/* group_gate.c */
/* Moves the gate over all that was started or stepped over; true if it moved. */
bool rci_group_pass(const struct group *group);
/* Whether a STARTED word's row has it in hand: makes sure of it. */
void rci_group_confirm(const struct group *group, uint64_t word, uint64_t position);
/* Positions that nobody of the group will see. */
struct missed {
	uint64_t first, count;
};
/* Makes the group gate again, if it was put out or left. */
struct missed rci_group_come_back(const struct group *group);
/* Moves a gate that stands more than keep positions before the tail up to there. */
struct missed rci_group_catch_up(const struct group *group, uint64_t keep);

/* group_rows.c */
/* Takes back the rows of a dead index; false if it lives. */
bool rci_group_recover_rows(const struct group *group, uint32_t index);

#endif
