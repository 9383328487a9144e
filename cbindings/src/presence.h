/* Who is there: messaging.md, 12. */
#ifndef RCI_PRESENCE_H
#define RCI_PRESENCE_H

#include "domain.h"

/* One thing that is up. Texts lie in the state's memory. */
struct present {
	struct rc_address address;
	uint32_t kind, limit, room;
	uint8_t language;
	const char *name, *program, *version;
};

/* A participant of another node that is gone, or a node (index and generation 0), and how it ended: RC_ENDING_*. */
struct departed {
	struct rc_address address;
	uint8_t ending;
};

/* All that is up at one look, in order. */
struct presences {
	struct present *all;
	size_t count, room;
	struct texts *texts;
	struct departed *gone; /* oldest first */
	size_t gone_count, gone_room;
	bool forwarder; /* one lives on this node */
	bool failed;    /* no memory */
};

/* presence_state.c */
/* Reads who is there. What can't be read now says what it said before. dead: a byte for each index, set where the
 * kernel says that a process has ended that nobody has freed. RC_ERROR_NO_MEMORY: now is empty. */
int rci_presences_look(rc_domain *domain, const struct presences *before, uint8_t *dead, struct presences *now);
/* Why something of another node is gone that was up before: RC_REASON_*. */
uint8_t rci_presences_reason(const struct presences *now, const struct rc_address *address);
void rci_presences_free(struct presences *state);
/* The order of things: a participant before what it does. */
int rci_present_compare(const struct present *a, const struct present *b);

/* directory_read.c: copies the table that the forwarder wrote last, to be freed; *size 0: none was. NULL: it can't be read. */
uint8_t *rci_directory_read(const rc_domain *domain, size_t *size);

/* Bells of those who live, and what else says that one should look: bells.c. */
struct bells {
	rc_domain *domain;
	int epoll, events, timer; /* events: inotify, or -1 */
	struct bell {
		int fd; /* -1: none */
		uint32_t generation;
	} *bells;
	uint8_t *dead;
	uint64_t step; /* ms to the next look behind an event; 0: a second */
	uint64_t changes; /* of the participants, at the last look */
	bool unheard; /* some have no bell that we could open */
};

int rci_bells_open(struct bells *bells, rc_domain *domain);
void rci_bells_close(struct bells *bells);
/* Hangs on to the bells of all who live; before they are read. */
void rci_bells_attend(struct bells *bells);
/* Waits until somebody should look, at most so long: RC_OK, RC_TIMED_OUT. */
int rci_bells_wait(struct bells *bells, uint64_t deadline);

#endif
