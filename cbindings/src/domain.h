/* A domain and this process in it: segment.md, 1 and 4 to 9. */
#ifndef RCI_DOMAIN_H
#define RCI_DOMAIN_H

#include <pthread.h>

#include "segment.h"

struct ring;
struct event_thread;
struct topic_watch;
struct post;

/* One thing that this participant says it does; counted. */
struct interest {
	char name[RC_MAX_NAME + 1];
	bool publisher, local_only, live;
	uint32_t history; /* positions back; all ones: all that there are */
	unsigned count;
	struct interest *next;
};

/* One service that this participant says it answers. */
struct offer {
	char name[RC_MAX_NAME + 1];
	uint32_t limit; /* of all its instances */
	struct offer *next;
};

/* A handle of a topic: its sequences go on when it is used again (messaging.md, 3). */
struct handle {
	char topic[RC_MAX_NAME + 1];
	uint16_t number;
	bool open;
	uint64_t sequence; /* of its last message */
	struct handle *next;
};

struct rc_domain {
	int forked; /* 1 in a child of the process that opened it */
	rc_domain *next;
	char directory[RCI_PATH];
	struct place place;
	uint32_t wait;
	struct memory memory; /* immutable */
	char name[65];

	struct segment node, participants, directory_segment, counters;
	uint32_t node_id, epoch;
	uint32_t record_count, record_stride;
	uint64_t records_start;

	/* This participant. */
	struct fd_slot lock, bell, info_file;
	uint32_t index, generation;
	bool joined;

	pthread_mutex_t mutex; /* for all below */
	struct ring *rings;
	struct interest *interests;
	struct offer *offers;
	struct handle *handles;
	unsigned open_handles; /* publishers and subscriptions */
	uint32_t counter_count;
	struct event_thread *events;
	struct topic_watch *topics; /* NULL until somebody subscribes to a pattern */
	struct post *post; /* NULL until the first direct message */
	uint32_t in_flight, inbox_slot_size; /* as asked for; immutable */
	bool inbox_open;

	pthread_mutex_t sleep_mutex;
	unsigned sleepers;
};

/* RC_OK, or the error of a handle that is of the parent process. */
static inline int rci_usable(const rc_domain *domain)
{
	return __builtin_expect(load_relaxed(&domain->forked) == 0, 1) ? RC_OK
		: rci_fail(RC_ERROR_FORKED, "the domain was opened before this process was forked: open it again here");
}

void rci_fork_add(rc_domain *domain);
void rci_fork_remove(rc_domain *domain);

/* node.c: the segments of a domain. */
int rci_domain_segments(rc_domain *domain, uint32_t node);

/* participant.c */
int rci_join(rc_domain *domain);
void rci_leave(rc_domain *domain);
/* The record of a participant, or NULL where there is no such index. */
struct rc_participant_record *rci_record(const rc_domain *domain, uint32_t index);
/* Whether the kernel says that a participant's lock is held. */
bool rci_alive(const rc_domain *domain, uint32_t index);
/* changes + 1, and the forwarder's doorbell. */
void rci_changed(rc_domain *domain);
void rci_told(rc_domain *domain); /* also tells watchers: of our own record */
uint64_t *rci_changes(const rc_domain *domain);
struct rc_node_record *rci_node_record(const rc_domain *domain);
/* The address of this participant. */
static inline struct rc_address rci_self(const rc_domain *d) { return (struct rc_address){d->node_id, d->epoch, d->generation, (uint16_t)d->index, 0}; }
/* Whether an address is nobody's any more, as its record says; false for one of another node. */
bool rci_gone(const rc_domain *domain, const struct rc_address *address);

/* ending.c: marks of why participants are gone. */
void rci_mark_left(const rc_domain *domain);
/* Of one whose lock was free while its record was that; false: it is not that any more, so it may have left. */
bool rci_mark_died(const rc_domain *domain, uint32_t index, uint64_t live);
/* RC_ENDING_LEFT or RC_ENDING_DIED, whoever freed the record; RC_ENDING_NONE: it was not freed, or that is not known. */
uint32_t rci_ending(const rc_domain *domain, uint32_t index, uint32_t generation);

/* sweep.c: recovery of all the dead. */
void rci_sweep(rc_domain *domain);
/* Recovery of one, if it is dead: true if it is, or was. */
bool rci_recover(rc_domain *domain, const struct rc_address *address);

/* doorbell.c */
/* Whether this thread has woken somebody by a bell, or slept on its own, since the last call. */
bool rci_beside_a_waking(void);
void rci_ring_bell(const rc_domain *domain, uint32_t index);
uint32_t rci_bell(const rc_domain *domain);
/* Sleeps until the bell is another than seen, at most ns. */
void rci_sleep_on_bell(rc_domain *domain, uint32_t seen, uint64_t ns);

/* info.c: what this participant says of itself. */
int rci_interest_add(rc_domain *domain, const char *name, bool publisher, bool local_only, bool live, uint32_t history);
/* Says that so many more, or less, requests to a name are run at a time. */
int rci_offer_add(rc_domain *domain, const char *name, int32_t limit);
void rci_interest_remove(rc_domain *domain, const char *name, bool publisher, bool local_only, bool live, uint32_t history);
/* Writes the table of this participant; the mutex is held, or nobody else knows the domain. */
int rci_info_write(rc_domain *domain);
/* Copies the table of another: its bytes, to be freed, or NULL. */
uint8_t *rci_info_read(const rc_domain *domain, uint32_t index, size_t *size);

/* table.c: ParticipantInfo as a FlatBuffer. */
struct said {
	const char *name, *version;
	const struct interest *interests;
	const struct offer *offers;
};
uint8_t *rci_table_build(const struct said *said, size_t *size);
/* Whether the table has a subscription with a wildcard that matches the name. */
bool rci_table_pattern_matches(const uint8_t *table, size_t size, const char *name);

/* counters.c */
void rci_counters_close(rc_domain *domain);

/* event_fd.c */
void rci_events_stop(rc_domain *domain);

/* topics.c: a watch of topics/, for patterns. */
void rci_topics_stop(rc_domain *domain);

/* handle.c */
int rci_handle_take(rc_domain *domain, const char *topic, struct handle **handle);
void rci_handle_give(rc_domain *domain, struct handle *handle);

#endif
