/* What the parts of the extension share: objects that lend memory, and who may touch it.
 *
 * The Python types here are the data path. They exist because a cffi buffer does not know who
 * looks at it: a Message and a Slot count their exports, and what is looked at is not given back.
 * Everything that opens, configures or asks goes through cffi and ringcast.h.
 *
 * All fields are read and written with the GIL held. While a thread is in a call that released
 * it, the gate says so, and no other call goes to the same handle.
 */
#ifndef RCPY_NATIVE_H
#define RCPY_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "ringcast.h"

#ifdef Py_GIL_DISABLED
#error "ringcast counts the views of its memory under the GIL: build it for an interpreter that has one"
#endif

/* Errors of the binding itself, beside rc_code: errors.py knows them. */
enum { RCPY_CLOSED = -1001, RCPY_LEASE = -1002, RCPY_THREAD = -1003 };

/* A thread that waits looks for signals, and for somebody who closes, so often. */
#define RCPY_SLICE INT64_C(50000000)
/* Larger messages are copied without the GIL. */
#define RCPY_LARGE 32768

/* install.c */
/* Raises the exception of a code, with the library's detail; returns NULL. */
PyObject *rcpy_fail(int code);
PyObject *rcpy_fail_detail(int code, const char *detail);
/* Makes the object that stands for an event. */
PyObject *rcpy_event(const rc_received *received, PyObject *topic);
PyObject *rcpy_address(const struct rc_address *address);
/* Seconds, or None, to nanoseconds: -1 and an exception for what is no time. */
int rcpy_timeout(PyObject *seconds, int64_t *ns);
int rcpy_ready_message(PyObject *module);
int rcpy_ready_reader(PyObject *module);
int rcpy_ready_slot(PyObject *module);
int rcpy_ready_writer(PyObject *module);
int rcpy_ready_wait(PyObject *module);

/* domain_ref.c: a domain is closed when the last of its users lets go, in whatever order. */
typedef struct rcpy_domain rcpy_domain;
rcpy_domain *rcpy_domain_new(rc_domain *domain);
void rcpy_domain_hold(rcpy_domain *domain);
void rcpy_domain_drop(rcpy_domain *domain);
rc_domain *rcpy_domain_handle(const rcpy_domain *domain);

/* gate.c: one thread at a time. */
struct gate {
	unsigned long inside; /* the thread that is in a call without the GIL; 0: none */
	unsigned generation;  /* of forks, when it went in: a child has no such thread */
	bool closing;         /* somebody wants it closed: who is inside does it on the way out */
};

int rcpy_gate_install(void);
/* How often this process's line has forked: what was lent before is the parent's. */
unsigned rcpy_generation(void);
bool rcpy_gate_occupied(const struct gate *gate);
/* Raises if another call is inside. */
int rcpy_gate_check(const struct gate *gate, const char *what);
void rcpy_gate_enter(struct gate *gate);
void rcpy_gate_leave(struct gate *gate);
/* Waits, without the GIL, until nobody is inside; false if it is this thread itself. */
bool rcpy_gate_drain(const struct gate *gate);

/* Nanoseconds of the monotonic clock. */
int64_t rcpy_now(void);
/* The next slice of a wait that ends at deadline (INT64_MAX: never). */
int64_t rcpy_slice(int64_t deadline);
int64_t rcpy_deadline(int64_t timeout);

/* source.c: what a subscription lends from. It lives until the Reader and every view are gone. */
typedef struct message message;

/* A message that somebody looks at although the stream went on. */
struct kept {
	rc_kept *kept;
	struct kept *next; /* of those that nobody looks at any more */
};

struct source {
	rc_subscription *handle;
	rcpy_domain *domain;
	struct gate gate;
	bool closed, copies, group;
	unsigned generation; /* of forks, when it was opened */
	unsigned refs; /* the Reader, and each message that is lent or kept */
	unsigned lent; /* those messages */
	struct kept *dropped; /* by others while somebody was inside */

	message *current;   /* lent last; NULL: none */
	PyObject *view;     /* its memoryview, if somebody asked for it */
	const char *topic_at; /* the last topic, as the library and as Python has it */
	PyObject *topic;
};

void rcpy_source_drop(struct source *source);
/* Ends the lease of the current message: its memoryview works no more. If somebody looks at it all the
 * same, by a slice or an array, it is kept for him. -1 and an exception if that fails. */
int rcpy_source_settle(struct source *source);
/* Leaves the gate, and does what was left to who was inside. */
void rcpy_source_leave(struct source *source);
/* The message is not lent any more. */
void rcpy_source_give_back(message *message);
/* Closes: what is looked at stays until it is not any more. */
void rcpy_source_close(struct source *source);
/* The Reader was collected: a message that somebody has goes on, and so does what it lies in. */
void rcpy_source_forget(struct source *source);
/* A view of a lent message has gone. */
void rcpy_source_view_gone(message *message);

struct message {
	PyObject_HEAD
	rc_received received;
	PyObject *topic;
	PyObject *bytes;       /* its own copy; NULL: lent, or given back */
	struct source *source; /* lent from; NULL: not lent */
	struct kept *kept;     /* lent beyond its step */
	struct rc_address_block block; /* of a direct message: who asks, and for how long */
	bool addressed;
	Py_ssize_t exports;
};

extern PyTypeObject rcpy_message_type;
message *rcpy_message_new(void);

/* sink.c: what a publisher's slots are. */
typedef struct slot slot;
struct sink {
	rc_publisher *handle;
	rcpy_domain *domain;
	struct gate gate;
	unsigned generation; /* of forks, when it was opened */
	bool closed, end_pending; /* the claim is to be aborted by who is inside */
	unsigned refs; /* the Writer, and the open slot */
	rc_claim claim;
	slot *open; /* borrowed: who has the claim */
};

void rcpy_sink_drop(struct sink *sink);
void rcpy_sink_close(struct sink *sink);
/* Gives the open claim up; the slot has no views. */
void rcpy_sink_abort(struct sink *sink);
/* Does what rcpy_sink_abort left to who was inside. */
void rcpy_sink_end(struct sink *sink);

struct slot {
	PyObject_HEAD
	struct sink *sink; /* NULL: ended */
	uint8_t *data;
	size_t size, capacity;
	PyObject *view; /* weak reference to the memoryview, if somebody asked for it */
	Py_ssize_t exports;
	bool given_up; /* aborted, but somebody still looks */
};

extern PyTypeObject rcpy_slot_type;
slot *rcpy_slot_new(struct sink *sink, size_t size);
/* Its memoryview works no more, unless somebody looks through it. */
void rcpy_slot_blind(slot *slot);

/* Tells a memoryview to let go, and drops the reference: false, and neither, if somebody looks through it. */
bool rcpy_view_release(PyObject **view);

#endif
