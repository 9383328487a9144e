/* Who is there, and who comes and goes. Included by ringcast.h; the rules are spec/messaging.md, 12. A watch is for
 * one thread at a time. */
#ifndef RINGCAST_PRESENCE_H
#define RINGCAST_PRESENCE_H

/* What comes and goes. */
enum rc_presence {
	RC_PRESENCE_NODE = 1,    /* another node, as this node's forwarder knows it */
	RC_PRESENCE_PARTICIPANT, /* a process in the domain */
	RC_PRESENCE_PUBLISHER,   /* a participant that publishes a topic */
	RC_PRESENCE_SUBSCRIBER,  /* a participant, or another node, that subscribes to a topic or a pattern */
	RC_PRESENCE_INSTANCE     /* a participant that serves a name */
};

/* Why something is down. */
enum rc_presence_reason {
	RC_REASON_LEFT = 1,     /* closed, or its process left the domain in order */
	RC_REASON_DIED,         /* its process ended without leaving */
	RC_REASON_NODE_DOWN,    /* its node is no longer heard, or has begun anew */
	RC_REASON_NO_FORWARDER, /* no forwarder runs here, so nothing is known of others */
	RC_REASON_NODE_LEFT     /* the forwarder of its node was stopped, and said so */
};

/* One change of who is there. The texts are valid until the next call with the watch. */
typedef struct rc_presence_event {
	uint32_t kind;   /* rc_presence */
	bool up;
	bool first;      /* it was up already when watching began */
	uint8_t reason;  /* rc_presence_reason: why it is down; 0: it is up */
	uint8_t language; /* RC_LANGUAGE_* of the participant */
	const char *name;    /* of the node, participant, topic, pattern or service */
	const char *program; /* the participant's name */
	const char *version; /* its version */
	struct rc_address address; /* the participant's; for another node only node and epoch are set */
	uint32_t limit, room; /* of an instance: requests it runs at a time; how many more it took when it said so */
	uint32_t reserved[6];
} rc_presence_event;

typedef struct rc_watch rc_watch;

typedef struct rc_watch_config {
	uint32_t kinds;    /* bit 1 << kind for each kind wanted; 0: all */
	const char *name;  /* publishers, subscribers and instances whose name or pattern has a name in common with this; NULL: all */
	bool once;         /* the present state, then RC_END: a listing */
	uint8_t reserved0[7];
	uint32_t reserved[8]; /* zero */
} rc_watch_config;

/* Watches who is there. The present state comes first, with `first` set, then each change once; what went
 * down comes before what came up. A death is told within some ms; anything else too, or within a second if it
 * was told by a program that does not ring its bell. Takes no thread. RC_ERROR_NAME, RC_ERROR_INVALID.
 * Allocates. */
RC_API int rc_watch_open(rc_domain *domain, const rc_watch_config *config, rc_watch **watch);
/* Gives the next event; waits up to timeout ns: RC_OK, RC_NOTHING (timeout 0), RC_TIMED_OUT, RC_END. At a
 * change it reads all records, and allocates. */
RC_API int rc_watch_wait(rc_watch *watch, int64_t timeout, rc_presence_event *event);
/* Gives a descriptor that is readable when rc_watch_wait(watch, 0, ...) should be called, until RC_NOTHING.
 * Starts no thread. Do not read, write or close the descriptor. */
RC_API int rc_watch_fd(rc_watch *watch, int *fd);
RC_API void rc_watch_close(rc_watch *watch);

/* Waits until a topic has count subscriptions, matching patterns included, looking every 2 ms: RC_OK or
 * RC_TIMED_OUT. Counts those of all living participants, and of other nodes as far as those have asked for
 * them. *have says how many there are (NULL is fine). */
RC_API int rc_wait_for_subscribers(rc_domain *domain, const char *topic, uint32_t count, int64_t timeout, uint32_t *have);

#endif
