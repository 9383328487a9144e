/* One member of a queue group: ring.md, 14. */
#ifndef RCI_MEMBER_H
#define RCI_MEMBER_H

#include "group.h"
#include "reader.h"

/* A message that its taker had in hand when it died. */
struct report {
	struct rc_address taker, source;
	uint64_t sequence, position;
};

struct member {
	struct reader eyes; /* how it looks at slots; its entry says whom to wake */
	struct group *group;
	struct rc_address self;
	uint32_t row; /* GROUP_ROWS: none yet */
	uint64_t hand; /* the row's word while a message is in hand; 0: none is */
	bool lends_rows; /* its rows are somebody's who gives it one for each message: service.c */
	bool ended; /* nothing more is to be taken here: the ring is retired */

	uint64_t next; /* where to look next; positions between the gate and it are others' */
	uint64_t takes;
	struct missed lost; /* positions of the group that nobody took, not told yet */

	uint64_t events; /* of the group, when its rows were last looked through */
	uint32_t reporting; /* the row of the report that was told last; GROUP_ROWS: none */
	uint64_t reported; /* its position word */
	uint64_t looked; /* when the takers were last asked for */

	/* A taker that stands at the gate. */
	uint64_t suspect, suspect_at;
	bool gone; /* it is dead, as the kernel says */
	struct stopwatch suspect_for;
};

/* member.c */
/* Joins the group: RC_ERROR_MODE, RC_ERROR_GROUP_FULL, RCI_RETIRED: open the name again. from_start: it
 * comes from a retired ring. On an error nothing is held. */
int rci_member_open(struct member *member, struct ring *ring, const char *name, bool from_start);
/* Leaves: true if the ring is retired and nobody is left, so that the name's ring may have the group, too. */
bool rci_member_leave(struct member *member);
/* Frees what the member has; rci_member_leave comes before. The ring stays open. */
void rci_member_close(struct member *member);
/* Ends the message in hand: it was handled. */
void rci_member_done(struct member *member);
/* Whether something is in hand. */
static inline bool rci_member_holds(const struct member *m) { return m->hand != 0; }

/* member_take.c. The next message, or what happened, as of a reader; READ_ABANDONED fills report. The
 * message before is done. */
int rci_member_next(struct member *member, struct view *view, struct report *report);
/* member_report.c */
/* What the group has to tell besides messages; READ_NOTHING: nothing. */
int rci_member_news(struct member *member, struct view *view, struct report *report);
/* Ends the report that was told last. */
void rci_member_acknowledge(struct member *member);
/* Asks, at most every 100 ms, whether the takers of what is in hand live. */
void rci_member_look_round(struct member *member);
/* Notes positions that nobody of the group took, and tells of them. */
void rci_member_note_missed(struct member *member, struct missed missed);
int rci_member_tell_missed(struct member *member, struct view *view);

/* Gives a row up; what is in hand becomes a report. */
void rci_member_free_row(struct member *member);
/* Takes rows until `rows` has `want`, of which it has *have: RC_ERROR_GROUP_FULL; RC_OK also with fewer while reports hold some. */
int rci_member_hold_rows(struct member *member, uint32_t *rows, uint32_t want, uint32_t *have);
/* Takes a free row, if there is one. */
void rci_member_hold_row(struct member *member);
static inline struct rc_in_hand_row *member_row(const struct member *m) { return &m->group->rows[m->row]; }
/* A row's state word that names this member's participant. */
static inline uint64_t member_row_word(const struct member *m, unsigned state)
{
	return entry_word(m->self.generation, m->eyes.ring->me, state);
}

#endif
