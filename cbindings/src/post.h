/* Direct messages: inboxes of others, services that are called, and what answers our own requests
 * (messaging.md, 7 to 11). */
#ifndef RCI_POST_H
#define RCI_POST_H

#include "group.h"
#include "publisher.h"

/* The rings of an inbox; the uplink is the forwarder's, and takes what is for other nodes. */
enum { BOX_MAIL, BOX_REPLIES, BOX_UPLINK };

#define INSTANCES "instances" /* the queue group that reads a service's ring */

/* Codes of answers of kind Error (messaging.md, 9). */
enum {
	ANSWER_NO_SERVICE = 1, ANSWER_OVERLOADED, ANSWER_INSTANCE_DIED, ANSWER_NODE_DOWN, ANSWER_DEADLINE, ANSWER_CANCELED, ANSWER_NO_REPLY,
	ANSWER_TOO_LARGE, ANSWER_GONE, ANSWER_REQUEST_TOO_LARGE, ANSWER_APPLICATION = 256
};

/* A direct message on its way. The block's source is filled in by who sends it. */
struct letter {
	const void *data;
	size_t size;
	uint32_t schema;
	uint16_t flags;
	uint8_t kind, content;
	struct rc_address_block block;
};

/* Our producer of one ring of direct messages; for one thread at a time. */
struct pen {
	struct producer producer;
	uint64_t sequence;
};

struct outbox;
struct callee;
struct desk;
struct survey_topic;

/* What a domain has for direct messages; made at first need. */
struct post {
	rc_domain *domain; /* immutable, like self */
	struct rc_address self;

	pthread_mutex_t mutex; /* for the outboxes */
	struct outbox *outboxes;

	pthread_mutex_t callees_mutex; /* for the list, not for what is in it */
	struct callee *callees; /* who was called last is first */

	pthread_mutex_t desk_mutex; /* for the making of it */
	struct desk *desk; /* NULL before the first request */

	pthread_mutex_t surveys_mutex; /* held while a question is published */
	struct survey_topic *surveys;

	uint64_t dropped; /* what could not be delivered, or was not for us */
};

/* post.c */
int rci_post(rc_domain *domain, struct post **post);
/* Lets everything go; nobody is within a call. */
void rci_post_end(rc_domain *domain);
/* Why an address can't be reached; RC_OK if its ring is to be looked for. */
int rci_route(const struct post *post, const struct rc_address *to);
/* What is left of a request's time now, in ns; 0 or less: nothing. */
int64_t rci_block_left(const struct rc_address_block *block);
/* Says how much time a request has left, and when that was. */
void rci_block_time(struct rc_address_block *block, uint64_t left, uint64_t now);
static inline bool rci_same_address(const struct rc_address *a, const struct rc_address *b)
{
	return a->node == b->node && a->epoch == b->epoch && a->generation == b->generation && a->index == b->index;
}
/* The shape of both rings of an inbox. */
struct shape rci_inbox_shape(const rc_domain *domain, uint32_t slots);
void rci_inbox_path(const rc_domain *domain, const struct rc_address *a, int box, char *path);
/* An inbox of this participant exists. */
void rci_inbox_exists(rc_domain *domain);
/* Whether a name is in use as the other kind: RC_ERROR_NAME_KIND. folder is the other kind's. */
int rci_name_kind(rc_domain *domain, const char *name, const char *folder);

/* pen.c: publishes in one slot, without waiting: RC_OK, RC_NOTHING (no room), RCI_RETIRED. */
int rci_pen_put(struct pen *pen, const struct rc_address *self, struct letter *letter, uint64_t *position);

/* outbox.c: puts a letter into a ring of an inbox of this node; into the uplink with the destination that it has. */
int rci_box_send(struct post *post, const struct rc_address *to, int box, struct letter *letter);
/* The same, or into the uplink where the address is of another node. */
int rci_post_send(struct post *post, const struct rc_address *to, int box, struct letter *letter);
/* Closes those of who has gone. */
void rci_outboxes_tidy(struct post *post);
void rci_outboxes_close(struct post *post);

/* A service's ring as its callers see it. */
struct callee {
	/* Immutable. */
	struct post *post;
	char name[RC_MAX_NAME + 1];
	char path[RCI_PATH];
	uint64_t hash;
	struct callee *next; /* who was called before it; callees_mutex */

	unsigned holds; /* who is within a call to it, and futures; goes up under callees_mutex */
	uint64_t reviewed; /* in which review; the desk's mutex */

	pthread_mutex_t mutex; /* for what follows */
	struct ring *ring; /* NULL while there is none */
	struct group *group;
	uint64_t serial; /* which opening of it: positions of another one mean nothing */
	struct pen pen;
};

/* callee.c. Each service that was had is given back by a drop, before which it is not forgotten. */
int rci_callee(struct post *post, const char *name, struct callee **callee);
void rci_callee_drop(struct callee *callee);
/* Publishes without waiting, at *position of the opening *serial. */
int rci_callee_put(struct callee *callee, struct letter *letter, uint64_t *position, uint64_t *serial);
/* Takes a request back that nobody has started: true if nobody will. */
bool rci_callee_withdraw(struct callee *callee, uint64_t position, uint64_t serial);
/* Tells whoever has a request in hand that its caller has given it up. */
void rci_callee_cancel(struct callee *callee, uint64_t correlation);
/* Lets an instance send n more answers of a stream. */
void rci_callee_grant(struct callee *callee, uint64_t correlation, uint32_t n);
/* Recovers dead instances; calls visit with each of our requests whose taker is gone; false: no instance is left. */
bool rci_callee_review(struct callee *callee, void (*visit)(void *argument, uint64_t correlation), void *argument);
void rci_callees_close(struct post *post);
int rci_no_service(const char *name);

/* outside.c: a queue group as it looks to who publishes for it. */
bool rci_group_withdraw(const struct group *group, uint64_t position);
/* Changes the control word of the row that has our request in hand; false: none has. */
bool rci_group_cancel(const struct group *group, const struct rc_address *caller, uint64_t correlation);
bool rci_group_grant(const struct group *group, const struct rc_address *caller, uint64_t correlation, uint32_t n);
/* A message in a hand, or in one of the dead. */
struct held {
	struct rc_address caller, taker;
	uint64_t correlation, position;
};
bool rci_group_held(const struct group *group, uint32_t row, struct held *held);
/* Whether there is a position that nobody has started, nor stepped over. */
bool rci_group_unstarted(const struct group *group);

#endif
