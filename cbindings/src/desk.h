/* Where a domain's requests are open: the ring of their answers, and who waits for which. Whoever waits reads the
 * ring himself, for all others, too: he leads. The others are parked, and one of them leads when he has what he
 * waited for. messaging.md, 9. */
#ifndef RCI_DESK_H
#define RCI_DESK_H

#include "events.h"
#include "post.h"
#include "reader.h"

/* A correlation has that many slots. */
#define MAX_CALLS 65536
/* What a stream holds: its first credit and its last answer. */
#define STREAM_SHARES (FIRST_CREDIT + 1)

struct desk;

/* Somebody who waits, in his own stack; the desk's mutex. */
struct party {
	pthread_cond_t told;
	bool (*ready)(const struct party *party); /* whether he has what he waits for */
	const struct desk *desk;
	rc_future *call;  /* what he waits for, or */
	uint32_t need;    /* so many shares */
	bool parked;
	struct party *previous, *next;
};

/* An answer of several that nobody has taken. */
struct answer {
	rc_reply reply;
	struct answer *next;
};

/* Who is asked by a survey and has not answered. */
struct asked {
	struct rc_address *addresses;
	uint32_t count, quorum, got;
};

/* A request that is open, or whose outcome nobody has taken yet; the desk's mutex but for what is immutable. */
struct rc_future {
	/* Immutable while it is open. */
	struct desk *desk;
	struct callee *callee; /* NULL: to target, or a survey */
	struct rc_address target;
	bool many; /* more than one answer */
	bool survey;
	bool owned; /* of rc_request, in its stack: nobody else knows it */
	rc_ready *ready;
	void *argument;
	uint64_t correlation, due;

	uint32_t shares;
	uint64_t position, serial; /* where it lies in its service's ring */
	struct rc_address uplink; /* of the forwarder that it went to; node 0: it is on this node */
	bool away; /* it goes to another node */
	int refused; /* what its own node had said, where that has instances; 0: nothing */
	bool sent, settled;
	int code; /* the outcome */
	rc_reply *into; /* where the one answer goes */
	rc_reply reply; /* its place, if nobody has another */
	bool has, taken; /* the one answer: is there; was taken */
	struct answer *first, **last;
	uint32_t credit; /* answers taken since credit was given */
	struct asked asked;
	struct party *party; /* who waits for it */
	bool queued; /* to be called */
	rc_future *next_queued;
};

/* A call that is settled when everything before that position was read: its instance may have answered before it went. */
struct dying {
	uint64_t correlation, tail;
};

struct desk {
	/* Immutable. */
	struct post *post;
	rc_domain *domain;
	uint32_t limit; /* shares in all */

	/* Of who leads; changed under the mutex. */
	struct ring *ring; /* NULL: the last one was damaged, and no other could be made: */
	int lost;          /* why */
	struct reader reader;
	uint64_t spin_ns, reviewed;

	struct event_source source; /* readable when somebody should dispatch */
	uint32_t news; /* there is something besides messages */
	uint64_t due;  /* when the first call's time is over; 0: no call */
	uint64_t late; /* answers that nobody waited for */
	uint32_t open; /* calls that are not settled */

	pthread_mutex_t mutex; /* for what follows */
	rc_future **calls;
	uint32_t call_count, *free_slots, free_count;
	uint64_t serial, reviews;
	uint32_t shares; /* that nobody holds */
	bool led, dispatching;
	struct party *leader, *first, *last;
	struct dying *dying;
	size_t dying_count, dying_room;
	rc_future *queue, **queue_end; /* to be called */
};

/* desk.c */
int rci_desk(struct post *post, struct desk **desk);
int rci_desk_ring(struct desk *desk);
void rci_desk_close(struct post *post);
static inline void desk_lock(struct desk *k) { (void)pthread_mutex_lock(&k->mutex); }
static inline void desk_unlock(struct desk *k) { (void)pthread_mutex_unlock(&k->mutex); }
/* All below: the mutex is held. */
/* Opens a call that has its shares, where there is a slot. */
int rci_desk_take(struct desk *desk, rc_future *call, uint32_t shares);
rc_future *rci_desk_find(const struct desk *desk, uint64_t correlation);
void rci_desk_settle(struct desk *desk, rc_future *call, int code);
/* Takes a request back, or has whoever runs it stop. */
void rci_desk_give_up(struct desk *desk, rc_future *call, int code);
/* There is something for whoever waits for it. */
void rci_desk_tell(struct desk *desk, rc_future *call);
/* Whoever leads looks at what is new besides messages. */
void rci_desk_stir(struct desk *desk);
void rci_desk_wake(struct desk *desk, struct party *party);
/* Leaves a call for good: nothing of it is in any list. */
void rci_desk_forget(struct desk *desk, rc_future *call);

/* answer.c: hands an answer to its call. */
void rci_desk_deliver(struct desk *desk, const struct view *view);
void rci_survey_less(struct desk *desk, rc_future *call);

/* review.c: expire settles the calls whose time is over, bury those whose instance is gone and that were read to the
 * end; both with the mutex. review looks for them; who leads calls it, without. */
void rci_desk_expire(struct desk *desk);
void rci_desk_bury(struct desk *desk);
void rci_desk_review(struct desk *desk);

/* lead.c: waits until the party is ready, or it is that late (of rci_now; UINT64_MAX: for ever): RC_OK, RC_TIMED_OUT, or an
 * error. The mutex is held before and after. */
int rci_desk_await(struct desk *desk, struct party *party, uint64_t deadline);

/* call.c */
/* What is asked, of whom. */
struct question {
	const void *data;
	size_t size;
	const rc_ask *ask;
};
int rci_ask_check(const rc_ask **ask);
/* Opens a call: waits for its shares until its time is over, or says RC_FULL. */
int rci_call_begin(struct desk *desk, rc_future *call, uint32_t shares, bool wait);
void rci_call_letter(const rc_future *call, const struct question *question, struct letter *letter);
/* The outcome of a call that is settled, with its text. */
int rci_call_outcome(const rc_future *call);
/* When a request with these options is over, and a wait of so long. */
uint64_t rci_due(const rc_ask *ask);
uint64_t rci_deadline(int64_t timeout);

/* future.c: a call has become a future, which counts as a handle; its callback may come from here on. */
void rci_future_known(rc_future *call, rc_ready *ready);

/* lead.c */
bool rci_party_call(const struct party *party);
void rci_party_begin(struct party *party, struct desk *desk, rc_future *call);
void rci_party_end(struct party *party);

#endif
