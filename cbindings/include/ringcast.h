/* Ringcast: messages between processes of one node through shared memory.
 *
 * A topic is a named stream: on each node one ring in a mapped file. A publisher claims a slot, writes the
 * message there, and commits it; a subscription reads it where it lies. This library works on the rings
 * itself, as spec/ says; the other end may be written in any language.
 *
 *	rc_domain *domain;
 *	rc_publisher *publisher;
 *	if (rc_domain_open(NULL, &domain) != RC_OK ||
 *	    rc_publisher_open(domain, "prices", NULL, &publisher) != RC_OK ||
 *	    rc_publisher_publish(publisher, "17", 2, RC_FOREVER) != RC_OK)
 *		fprintf(stderr, "%s\n", rc_error_detail());
 *
 * Results. Every function that can fail returns an int: RC_OK, a positive code for what is not an error
 * (nothing there, no room, no time left), or a negative code for an error. rc_error_text names a code;
 * rc_error_detail describes the calling thread's last error. After an error everything stays usable unless
 * the function says otherwise.
 *
 * Time. A timeout is in nanoseconds: 0 does not wait, RC_FOREVER waits without end.
 *
 * Threads. Any number of threads may use a domain. A publisher or a subscription is for one thread at a time;
 * different ones may be used at once.
 *
 * fork. A child that does not execute another program cannot use its handles: every call returns
 * RC_ERROR_FORKED, and only the close functions do something (they free memory). The parent's death is seen
 * although a child lives on.
 *
 * Speed. The common case of the calls for a message is inline, in ringcast/inline.h. A program sees no
 * difference but in time, and may define RC_NO_INLINE. A library fits programs that were compiled with any
 * version of that file, as long as the soname is the same.
 *
 * Configurations begin with all bytes zero, the default of every field. Fields may be added at the end of a
 * configuration only with a new soname.
 */
#ifndef RINGCAST_H
#define RINGCAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ringcast/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RC_API __attribute__((visibility("default")))
#else
#define RC_API
#endif

/* Version of this library; the layout has its own (RC_MAJOR, RC_MINOR, RC_LAYOUT_HASH). */
#define RC_VERSION "0.1.0-dev"

/* Waits without end. */
#define RC_FOREVER INT64_C(-1)

/* Results. The numbers never change their meaning. */
enum rc_code {
	RC_OK = 0,

	RC_NOTHING = 1,  /* no message is there */
	RC_FULL = 2,     /* no room in the ring: the slowest reliable subscription is a ring behind */
	RC_TIMED_OUT = 3, /* the time was up before either came */
	RC_END = 4,      /* nothing more will come */

	RC_ERROR_INVALID = -1,       /* an argument or a configuration that makes no sense */
	RC_ERROR_NAME = -2,          /* not a name, or not a pattern */
	RC_ERROR_SYSTEM = -3,        /* a system call failed; the detail has its error */
	RC_ERROR_PERMISSION = -4,    /* no rights to a file, or somebody else's directory */
	RC_ERROR_NO_SPACE = -5,      /* the file system is full */
	RC_ERROR_NO_MEMORY = -6,     /* malloc failed */
	RC_ERROR_NOT_FOUND = -7,     /* there is no such file */
	RC_ERROR_NOT_OURS = -8,      /* a file that is not Ringcast's: do not touch it */
	RC_ERROR_OTHER_VERSION = -9, /* another version of Ringcast uses this directory */
	RC_ERROR_DAMAGED = -10,      /* a file, or a ring, with impossible content */
	RC_ERROR_IN_USE = -11,       /* somebody holds the file and does not let go */
	RC_ERROR_DOMAIN_FULL = -12,  /* no participant record is free */
	RC_ERROR_READERS_FULL = -13, /* no entry of the ring is free */
	RC_ERROR_SHAPE = -14,        /* the topic was written in another shape; the detail names both */
	RC_ERROR_NOT_EXCLUSIVE = -15, /* another living publisher owns the exclusive topic */
	RC_ERROR_TOO_LARGE = -16,    /* larger than the topic takes; the detail names a shape that would do */
	RC_ERROR_FENCED = -17,       /* the claim was held for too long and was taken: nothing was sent */
	RC_ERROR_STALLED = -18,      /* every slot is held by somebody who does not move */
	RC_ERROR_BUSY = -19,         /* a claim is open, or handles are */
	RC_ERROR_BUFFER = -20,       /* the message does not fit into the buffer; it stays */
	RC_ERROR_FORKED = -21,       /* the handle is the parent process's */
	RC_ERROR_UNSUPPORTED = -22,  /* known, but not built yet */
	RC_ERROR_MODE = -23,         /* a queue group needs a reliable topic; this is latest */
	RC_ERROR_GROUP_FULL = -24,   /* the group has as many members as it can have */
	RC_ERROR_NO_SERVICE = -25,   /* no instance answers to the name: the request did not run */
	RC_ERROR_OVERLOADED = -26,   /* a queue is full, the detail says which: the request did not run */
	RC_ERROR_INSTANCE_DIED = -27, /* whoever had the request in hand is gone: nobody knows whether it ran */
	RC_ERROR_GONE = -28,         /* nobody has the address any more, or ever had */
	RC_ERROR_NO_INBOX = -29,     /* the participant has not asked for messages */
	RC_ERROR_NODE_DOWN = -30,    /* there is no way to the address's node */
	RC_ERROR_NO_REPLY = -31,     /* the handler ended without an answer */
	RC_ERROR_REPLY_TOO_LARGE = -32, /* the answer does not fit the asker's inbox */
	RC_ERROR_ONE_REPLY = -33,    /* the asker takes one answer only */
	RC_ERROR_NOT_ADDRESSED = -34, /* the message is no request */
	RC_ERROR_REPLY = -35,        /* the handler's own error: rc_reply.code, and its text */
	RC_ERROR_CANCELED = -36,     /* given up */
	RC_ERROR_NAME_KIND = -37     /* the name is a topic here where a service is asked for, or the other way round */
};

/* Returns one sentence for a code; never NULL. */
RC_API const char *rc_error_text(int code);

/* Returns what went wrong in this thread's last call that returned a negative code; "" before the first.
 * Valid until its next such call. */
RC_API const char *rc_error_detail(void);

/* How to wait. */
enum rc_wait {
	RC_WAIT_BLOCK = 0, /* spins up to 200 us while traffic is recent, then sleeps: idle costs nothing */
	RC_WAIT_SPIN = 1,  /* never sleeps */
	RC_WAIT_YIELD = 2  /* gives up the core between looks, but does not sleep */
};

/* A domain and this process in it: one participant. */
typedef struct rc_domain rc_domain;
/* One publisher of one topic. */
typedef struct rc_publisher rc_publisher;
/* One subscription of one topic. */
typedef struct rc_subscription rc_subscription;

/* Which domain to join, and as whom. */
typedef struct rc_config {
	const char *dir;    /* directory that holds the domains; NULL: RINGCAST_SHM_DIR, else the user's */
	const char *domain; /* NULL: "default" */
	const char *name;   /* what this process is called in lists, at most 64 bytes; NULL: the program's name */
	uint32_t node;      /* asks for this node id; 0: what the directory has */
	uint32_t mode;      /* of the files of a domain made here; 0: 0600, or 0660 with a group */
	const char *owner;  /* of the domain, by name or number; only root may name another; NULL: its maker */
	const char *group;  /* the same; NULL: what the system gives */
	uint32_t wait;      /* rc_wait */
	uint32_t in_flight; /* requests that may be open at once, at most 49152; 0: 96 */
	uint32_t inbox_slot_size; /* bytes of the largest message or answer to this process; 0: 2048 */
	uint32_t reserved0; /* zero */
	const char *memory; /* how the pages of rings are had, as RINGCAST_MEMORY has it: "prefault,huge,numa=0+2"; NULL or "": what that says */
	uint32_t reserved[3]; /* zero */
} rc_config;

/* Joins a domain, makes its directory if it is missing, and takes back what dead participants held. An
 * existing domain keeps its rights; asking for others is RC_ERROR_PERMISSION. config may be NULL. A process
 * may open several domains, or one twice: each is another participant. Blocks for up to 200 ms if somebody is
 * removing the same files; allocates; makes system calls. */
RC_API int rc_domain_open(const rc_config *config, rc_domain **domain);

/* Leaves the domain and frees the handle. While publishers, subscriptions, futures, services, watches or kept
 * messages are open, it does nothing and returns RC_ERROR_BUSY. NULL is fine. */
RC_API int rc_domain_close(rc_domain *domain);

/* Gives the address of this participant (handle 0). */
RC_API int rc_domain_address(const rc_domain *domain, struct rc_address *address);

/* Returns the domain's directory; valid as long as the domain. */
RC_API const char *rc_domain_directory(const rc_domain *domain);

/* Bytes for the text of any address, with the final zero. */
#define RC_ADDRESS_TEXT 64

/* Writes an address as text, such as `n7-1f03.12.5:1`. size is at least RC_ADDRESS_TEXT. */
RC_API int rc_address_format(const struct rc_address *address, char *text, size_t size);

/* Parses such a text. RC_ERROR_INVALID for anything that would not be written so. */
RC_API int rc_address_parse(const char *text, struct rc_address *address);

/* Returns whether a name (without wildcards) matches a pattern; false if the pattern is not a
 * pattern or the name not a name. */
RC_API bool rc_name_matches(const char *pattern, const char *name);

/* What ring a publisher asks for, and how it marks its messages. A zero field asks for nothing: the ring is
 * taken as it is, or made with the default. */
typedef struct rc_publisher_config {
	uint32_t slots;      /* messages in the ring: a power of two, 4 (latest: 64) to 2^20; default 1024, or with slots above 16 KiB as many as make 16 MiB, 64 at least */
	uint32_t slot_size;  /* bytes of payload in a slot, up to 16 MiB, rounded up to a multiple of 64; default 2048 */
	uint32_t mode;       /* RC_RING_MODE_RELIABLE (default) or RC_RING_MODE_LATEST */
	uint32_t kind;       /* RC_RING_KIND_SHARED (default) or RC_RING_KIND_EXCLUSIVE */
	uint32_t history;    /* how many messages back a subscription may start, at most half of the slots */
	uint32_t schema;     /* low half of the hash of the payloads' schema */
	bool timestamps;     /* puts the wall clock into every message */
	const char *owner;   /* of the topic, by name or number; only root may name another; NULL asks for nothing */
	const char *group;   /* the same; a group that this process is a member of */
	uint32_t file_mode;  /* who may write (publish) and read (subscribe), as 0640: the owner publishes, the group subscribes */
	uint32_t stall_budget_ms; /* how long a reliable subscription may hold publishers up before it is put out and told what it missed; 100 to 3,600,000; default 500 */
	uint32_t reserved[7]; /* zero */
} rc_publisher_config;

/* Opens a topic for publishing, in the shape asked for, and waits for those who subscribed before: at most a
 * second for the forwarder, if one runs, and 200 ms for subscriptions to patterns. config may be NULL.
 * RC_ERROR_SHAPE: the topic was written in another shape. RC_ERROR_PERMISSION: it was written with rights
 * other than those asked for, or this process has none. RC_ERROR_NOT_EXCLUSIVE. Allocates. */
RC_API int rc_publisher_open(rc_domain *domain, const char *topic, const rc_publisher_config *config, rc_publisher **publisher);

/* Ends a publisher and aborts its open claim. NULL is fine. */
RC_API void rc_publisher_close(rc_publisher *publisher);

/* Copies size bytes into the topic's ring. RC_OK: committed. RC_FULL (timeout 0) and
 * RC_TIMED_OUT: nothing was sent. A message larger than a slot takes several. Waits up
 * to timeout ns for room, which a reliable subscription can withhold for 500 ms; does
 * not allocate; makes no system call unless somebody sleeps. */
RC_API int rc_publisher_publish(rc_publisher *publisher, const void *data, size_t size, int64_t timeout);

/* Marks of one message. */
typedef struct rc_marks {
	uint64_t timestamp_ns; /* wall clock, 0: none, or the publisher's */
	uint32_t schema;       /* low half of the schema's hash, 0: the publisher's */
	uint8_t content;       /* RC_CONTENT_* */
	uint8_t reserved[19];  /* zero */
} rc_marks;

/* Does the same with marks. */
RC_API int rc_publisher_publish_marked(rc_publisher *publisher, const void *data, size_t size, const rc_marks *marks, int64_t timeout);

/* A slot to be written in place. The publisher owns the fields: only read them. */
typedef struct rc_claim {
	void *data;      /* the slot's payload: aligned to 64 bytes */
	size_t capacity; /* bytes that may be written */
	rc_publisher *publisher;
	uint64_t position;
} rc_claim;

/* Claims a slot of at least size bytes (at most the topic's slot size) to be written in place. End it with
 * one rc_claim_commit or rc_claim_abort; a publisher has one claim at a time (RC_ERROR_BUSY). A claim held
 * for more than the commit deadline (50 ms) while others wait for it is taken. Waits up to timeout ns; does
 * not allocate. */
RC_API int rc_publisher_claim(rc_publisher *publisher, size_t size, int64_t timeout, rc_claim *claim);

/* Sends size bytes from data, which must lie in the claim: a FlatBuffer that was built downwards ends at the
 * slot's end. marks may be NULL. RC_ERROR_FENCED: the claim was taken, and nothing was sent. RC_ERROR_INVALID
 * leaves the claim open. Do not touch the slot afterwards. Never waits, never allocates. */
RC_API int rc_claim_commit(rc_claim *claim, const void *data, size_t size, const rc_marks *marks);

/* Gives a claim up and sends nothing. */
RC_API int rc_claim_abort(rc_claim *claim);

/* The shape of a topic's ring, and what happened in it since it was made. */
typedef struct rc_topic_info {
	uint32_t slots, slot_size, mode, kind, history;
	uint32_t message_limit; /* bytes of the largest message */
	uint64_t tail;          /* positions claimed */
	uint64_t quarantined;   /* writers fenced */
	uint64_t recovered;     /* claims taken from the dead */
	uint64_t evicted;       /* readers put out */
	uint64_t damaged;       /* impossible words found */
	uint64_t reserved[8];
} rc_topic_info;

/* Describes the ring that a publisher or a subscription uses now; RC_ERROR_INVALID for a pattern. */
RC_API int rc_publisher_info(const rc_publisher *publisher, rc_topic_info *info);
RC_API int rc_subscription_info(const rc_subscription *subscription, rc_topic_info *info);

/* Gives the source that a publisher's messages bear, and the sequence of its last message. */
RC_API int rc_publisher_source(const rc_publisher *publisher, struct rc_address *source, uint64_t *sequence);

/* How a subscription reads. */
enum rc_reading {
	RC_READ_RELIABLE = 0, /* holds publishers up, within its stall budget; read in place */
	RC_READ_LATEST = 1,   /* holds nobody up; gets copies; misses what it is too slow for */
	RC_READ_GROUP = 2     /* as a member of a queue group: each message goes to one member */
};

typedef struct rc_subscription_config {
	uint32_t reading;  /* rc_reading; RC_READ_LATEST always for a topic of mode latest */
	bool local_only;   /* does not ask other nodes for it */
	uint64_t history;  /* how many messages to start back, as far as the ring has them */
	const char *group; /* RC_READ_GROUP: the queue group's name, 1 to 32 of A-Z a-z 0-9 _ -; else NULL */
	uint32_t reserved[8]; /* zero */
} rc_subscription_config;

/* Subscribes to a topic, making its ring if it does not exist, or to all topics that match a pattern: `*` is
 * one token, a last `>` the rest. Once it has returned RC_OK, every message published from then on comes, or
 * its loss is told. Matching topics that appear later are joined, from their first message, while somebody
 * polls or waits. If one can't be read, a call tells so once, by its error. A pattern reads its topics in
 * turn and keeps the order within each; the first one starts one thread for the whole domain. config may be
 * NULL. Allocates.
 *
 * With RC_READ_GROUP the subscription becomes a member of the topic's queue group of that name. Each message
 * goes to one member, whoever is free, and is copied out, so that no publisher waits while it is worked on.
 * It is in the member's hand until rc_subscription_release, the next call with the subscription, or its
 * close, which say that it was handled. If a member's process dies with a message in hand, another member is
 * told, once (RC_TYPE_ABANDONED); it is not handed out again.
 *
 * The group begins with its first member, at the tail, and goes on where it stands, whoever comes and goes.
 * Without a member it holds nobody back, and the next one is told what the ring no longer has
 * (RC_TYPE_LAGGED). While a group reads a topic, a message must fit a slot: a larger one is
 * RC_ERROR_TOO_LARGE to its publisher. RC_ERROR_INVALID with a pattern, with history, or without a name;
 * RC_ERROR_MODE; RC_ERROR_GROUP_FULL. */
RC_API int rc_subscription_open(rc_domain *domain, const char *topic, const rc_subscription_config *config, rc_subscription **subscription);

/* Ends a subscription. Do not read what it lent any more. NULL is fine. */
RC_API void rc_subscription_close(rc_subscription *subscription);

/* What a stream contains. */
enum rc_type {
	RC_TYPE_MESSAGE = 0,
	RC_TYPE_LAGGED = 1,  /* count positions from first on passed this reader by: an upper bound of messages */
	RC_TYPE_LOSS = 2,    /* sequences first..last of source will not come; count of them; reason: RC_LOSS_REASON_* */
	RC_TYPE_DAMAGED = 3, /* the slot at position first has impossible bytes; reading goes on behind it */
	RC_TYPE_EPOCH = 4,   /* reserved: the source came back */
	RC_TYPE_DOWN = 5,    /* reserved: the source went away */
	RC_TYPE_ABANDONED = 6 /* of a queue group: taker had message `sequence` of source, at position, in hand
	                         and is gone; nobody knows whether it was handled */
};

/* One message, or one event. Programs skip types that they do not know. */
typedef struct rc_received {
	uint32_t type;    /* rc_type */
	uint32_t reason;  /* of an event */
	const void *data; /* the payload, lent; not NULL even if it is empty */
	size_t size;      /* of the payload in bytes */
	struct rc_address source; /* participant and handle that published it, or that an event is about */
	uint64_t sequence;     /* of the source: from 1, without a gap */
	uint64_t position;     /* in the ring */
	uint64_t timestamp_ns; /* wall clock of the publisher; 0: none */
	uint32_t schema;       /* low half of the schema's hash; 0: unknown */
	uint8_t kind;          /* RC_MESSAGE_KIND_* */
	uint8_t content;       /* RC_CONTENT_* */
	uint16_t flags;        /* RC_MESSAGE_FLAG_* */
	uint64_t first, last, count; /* of an event */
	const char *topic;     /* its topic, also for a pattern; valid as long as the subscription */
	const struct rc_address_block *block; /* of a direct message, a request or a survey: a copy, valid as data is; else NULL */
	struct rc_address taker; /* of RC_TYPE_ABANDONED: who had it in hand */
	uint64_t reserved[2];
} rc_received;

/* Takes the next message or event; RC_NOTHING if there is none. The payload is lent until the next call with
 * this subscription. Never waits. Allocates only for messages larger than a slot. */
RC_API int rc_subscription_poll(rc_subscription *subscription, rc_received *received);

/* Does the same, but waits up to timeout ns; then RC_TIMED_OUT. */
RC_API int rc_subscription_wait(rc_subscription *subscription, int64_t timeout, rc_received *received);

/* Copies the next message into buffer, of capacity bytes; received->data is buffer. If it does not fit:
 * RC_ERROR_BUFFER, received->size says what is needed, and the message comes again. */
RC_API int rc_subscription_read(rc_subscription *subscription, void *buffer, size_t capacity, int64_t timeout, rc_received *received);

/* Gives back what the last call lent, before the next call does. In a queue group the message in hand then
 * counts as handled, and nobody will be told of it. */
RC_API void rc_subscription_release(rc_subscription *subscription);

/* A message that outlives the next call. */
typedef struct rc_kept rc_kept;

/* Keeps the message that the last call of a subscription lent, `received`, until it is dropped. Its bytes
 * stay where they are, and its slot is not given back, so publishers wait as for a slow reader. When what was
 * read since then takes a quarter of the ring, the next call is RC_ERROR_BUSY until it is dropped. A reader
 * that is put out goes on, and what it kept stays; it can't keep more (RC_ERROR_BUSY) until that is dropped.
 * A message may outlive its subscription, but the domain can't be closed before. RC_ERROR_INVALID if the
 * message is not the one lent. Only for the subscription's thread, as is rc_kept_drop. Allocates. */
RC_API int rc_subscription_keep(rc_subscription *subscription, const rc_received *received, rc_kept **kept);

/* Gives a kept message back. NULL is fine. */
RC_API void rc_kept_drop(rc_kept *kept);

/* Waits until one of count subscriptions, all of one domain, has something; *ready is its index. The search
 * begins after the one that was ready last. All sleep on one doorbell, whatever their number. The calling
 * thread uses them all meanwhile. */
RC_API int rc_subscriptions_wait(rc_subscription *const *subscriptions, size_t count, int64_t timeout, size_t *ready);

/* Gives a descriptor for event loops, readable when the subscription should be polled. Then poll until
 * RC_NOTHING: that call clears it and arms it again. It may be readable without a message. The first call
 * starts one thread for the whole domain. The descriptor belongs to the subscription; do not read, write or
 * close it. */
RC_API int rc_subscription_fd(rc_subscription *subscription, int *fd);

/* Opens a counter in a file that tools read while the program runs; all threads share it. label is a dotted
 * name, a colon, and what it counts, at most 48 bytes of UTF-8. The same label is the same counter. The first
 * call makes the file; a domain has at most 256 counters. *counter is valid as long as the domain. */
RC_API int rc_counter_open(rc_domain *domain, const char *label, uint64_t **counter);

/* Adds to a counter. */
RC_API void rc_counter_add(uint64_t *counter, uint64_t n);

#include "ringcast/messaging.h"
#include "ringcast/presence.h"

#ifdef __cplusplus
}
#endif

/* The common message without a call, unless RC_NO_INLINE is defined. */
#include "ringcast/inline.h"

#endif
