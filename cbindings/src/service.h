/* One instance of a service: messaging.md, 8. */
#ifndef RCI_SERVICE_H
#define RCI_SERVICE_H

#include "events.h"
#include "member.h"
#include "post.h"

/* One request that is, or may be, in hand. The service's mutex is for busy; the rest is whose task it is. */
struct task {
	rc_task shown; /* first */
	rc_service *service;
	bool busy;
	uint8_t *copy; /* of the message */
	uint32_t row;  /* GROUP_ROWS: none yet */
	struct rc_in_hand_row *hand; /* its row in the ring that it was taken from */
	uint64_t word; /* of the hand */
	struct rc_address_block block;
	uint64_t due, asked; /* when its time is over; when the kernel said last that its caller lives */
	uint32_t sent; /* answers with more to come */
	struct rc_address up; /* of the forwarder that brought it from another node; node 0: it is of this one */
	uint32_t schema; /* of its answers */
	uint8_t content;
};

struct rc_service {
	/* Immutable. */
	rc_domain *domain;
	struct post *post;
	char name[RC_MAX_NAME + 1];
	char path[RCI_PATH];
	uint64_t hash;
	struct wish want;
	struct grant rights;
	uint32_t limit;

	/* Of who leads: he takes the next request. */
	struct ring *ring; /* NULL while there is none */
	struct member member;
	struct task *next; /* whose hand takes it; NULL: to be found */
	struct ring **old; /* retired, and perhaps somebody has a request of theirs in hand */
	uint32_t old_count;
	uint64_t spin_ns;
	bool blind;

	struct event_source event;
	uint32_t hungry;   /* somebody waits for the end of a task */
	uint32_t stopping, hurry; /* stopped; what waits is refused */

	pthread_mutex_t mutex; /* for what follows */
	pthread_cond_t turn;
	bool led, told, ended;
	struct task *tasks;
	uint32_t busy;
};

/* service.c: joins the ring of the name, which it makes if it is not there. */
int rci_service_join(rc_service *service);
/* Leaves it: true if nobody else is there, and something waits. */
bool rci_service_leave(rc_service *service);

/* take.c: one try. RC_OK, RC_NOTHING, RC_END, or an error. */
int rci_service_take(rc_service *service, struct task **task);

/* task.c: sends an answer of kind Error. */
int rci_task_error(struct task *task, uint32_t code, const char *text);
/* Ends the hand. */
void rci_task_done(struct task *task);

#endif
