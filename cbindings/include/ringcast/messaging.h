/* Messages to one process, requests, services and surveys. Included by ringcast.h; the rules are
 * spec/messaging.md, 7 to 11.
 *
 *	rc_reply reply = {0};
 *	if (rc_request(domain, "pricing", "17", 2, NULL, &reply) == RC_OK)
 *		fwrite(reply.data, 1, reply.size, stdout);
 *	rc_reply_clear(&reply);
 *
 * Reading answers. No thread is started. Whoever waits for an answer reads the inbox for all waiters of this
 * process, and passes that on when its own has come. rc_replies_dispatch reads for requests that nobody waits
 * for; rc_replies_fd gives event loops a descriptor that says when to call it.
 *
 * Names. A domain keeps open the 256 services that it called last, and those that somebody waits for, each
 * with three descriptors and three mappings. So a program may call any number of names.
 *
 * Threads. Any number of threads may call the functions that take a domain, and several may use a service. A
 * future and a task are each for one thread at a time.
 *
 * `options` may be NULL everywhere, which is all zero.
 */
#ifndef RINGCAST_MESSAGING_H
#define RINGCAST_MESSAGING_H

/* Sends a message to the inbox of a participant. RC_OK: it was put there. Never waits; allocates only for the
 * first message to an address. RC_ERROR_GONE, also for an outdated address; RC_ERROR_NO_INBOX,
 * RC_ERROR_NODE_DOWN, RC_ERROR_OVERLOADED (its inbox is full), RC_ERROR_TOO_LARGE: nothing was sent. */
RC_API int rc_send(rc_domain *domain, const struct rc_address *to, const void *data, size_t size);

/* Does the same to any one instance of a service; no answer comes. RC_ERROR_NO_SERVICE, RC_ERROR_OVERLOADED
 * (the service's queue is full), RC_ERROR_TOO_LARGE, RC_ERROR_NAME: nothing was sent. */
RC_API int rc_send_service(rc_domain *domain, const char *service, const void *data, size_t size);

/* Opens the inbox of this process as a subscription: read it, wait for it and close it as one. The first call
 * makes it; until then senders get RC_ERROR_NO_INBOX. received->block says who sent a message. If
 * received->kind is RC_MESSAGE_KIND_REQUEST, it is a request: rc_answer. Only one may be open: RC_ERROR_BUSY.
 * Allocates. */
RC_API int rc_inbox_open(rc_domain *domain, rc_subscription **inbox);

/* Answers a request from the inbox, or a survey on a topic. `request` is the block of what was received, or a
 * copy of it to answer later. RC_OK also if the asker is gone or has given up. Never waits.
 * RC_ERROR_TOO_LARGE: it does not fit the inbox of the asker, who is told. RC_ERROR_NOT_ADDRESSED: it is no
 * request. */
RC_API int rc_answer(rc_domain *domain, const struct rc_address_block *request, const void *data, size_t size);
/* Answers with an error: the asker gets RC_ERROR_REPLY, the code (up to 2^32 - 257) and the text. */
RC_API int rc_answer_error(rc_domain *domain, const struct rc_address_block *request, uint32_t code, const char *text);
/* Returns the nanoseconds that a request has left; 0: its asker no longer waits, or it is no request. */
RC_API int64_t rc_time_left(const struct rc_address_block *request);

/* An answer. Begin with all zero. The next call that gets it uses its memory again; rc_reply_clear frees it.
 * data is aligned to 8 bytes. */
typedef struct rc_reply {
	void *data;
	size_t size, capacity;
	struct rc_address source; /* who answered */
	uint32_t schema;          /* low half of the schema's hash; 0: unknown */
	uint32_t code;            /* of RC_ERROR_REPLY: the handler's, and data its text */
	uint8_t content;          /* RC_CONTENT_* */
	uint8_t reserved[15];
} rc_reply;

RC_API void rc_reply_clear(rc_reply *reply);

typedef struct rc_future rc_future;
/* Called by rc_replies_dispatch, in its thread, when the future has something to take. It may close the
 * future. If another thread closes it, this call may be under way, and `argument` must outlive it. */
typedef void rc_ready(void *argument, rc_future *future);

/* How to ask. */
typedef struct rc_ask {
	int64_t timeout;   /* ns, the request's time, which travels with it; 0: 10 s; at most 30 min */
	bool idempotent;   /* it may run twice: sent again if its instance or node died (rc_request only) */
	uint8_t content;   /* RC_CONTENT_* */
	uint32_t schema;   /* low half of the schema's hash */
	uint32_t quorum;   /* of a survey: how many answers are enough; 0: all who are asked */
	uint32_t reserved0;
	rc_ready *ready;   /* of the futures; NULL: rc_future_wait and rc_future_poll only */
	void *argument;    /* its first argument */
	uint32_t reserved[8]; /* zero */
} rc_ask;

/* Asks any one instance of a service and waits for the answer. RC_OK, or:
 *
 *	RC_ERROR_NO_SERVICE      nobody answers to the name: it did not run; at once
 *	RC_ERROR_OVERLOADED      a queue is full, the detail says which: it did not run; at once
 *	RC_ERROR_REPLY           the handler's own error: reply->code, reply->data is its text
 *	RC_ERROR_NO_REPLY        the handler ended without an answer
 *	RC_ERROR_REPLY_TOO_LARGE the answer does not fit our inbox (rc_config.inbox_slot_size)
 *	RC_ERROR_INSTANCE_DIED   whoever had it in hand is gone: nobody knows whether it ran; some ms later
 *	RC_TIMED_OUT             the request's time is over: nobody knows whether it ran
 *	RC_ERROR_TOO_LARGE, RC_ERROR_NAME
 *
 * A request runs at most once. Waits only for the answer and, if rc_config.in_flight requests are open, for
 * one of them. Allocates if the reply's memory does not suffice. */
RC_API int rc_request(rc_domain *domain, const char *service, const void *data, size_t size, const rc_ask *options, rc_reply *reply);
/* Does the same with the inbox of a participant. Also RC_ERROR_GONE, RC_ERROR_NO_INBOX, RC_ERROR_NODE_DOWN:
 * it did not run. */
RC_API int rc_request_to(rc_domain *domain, const struct rc_address *to, const void *data, size_t size, const rc_ask *options, rc_reply *reply);

/* Does the same without waiting. RC_OK: it was sent, and the future has the outcome, once. Thousands may be
 * open. RC_FULL: rc_config.in_flight are open; take some outcomes first. Errors known at once are returned.
 * Allocates. */
RC_API int rc_request_start(rc_domain *domain, const char *service, const void *data, size_t size, const rc_ask *options, rc_future **future);
RC_API int rc_request_start_to(rc_domain *domain, const struct rc_address *to, const void *data, size_t size, const rc_ask *options, rc_future **future);
/* Starts a request that takes many answers. The instance runs at most 15 ahead of their taker. Holds 16 of
 * those that may be open. */
RC_API int rc_stream_start(rc_domain *domain, const char *service, const void *data, size_t size, const rc_ask *options, rc_future **future);
/* Publishes a question on a topic. All its subscribers may answer (rc_answer). The answers come through the
 * future, until all participants that subscribe have answered or are gone, a quorum has answered, or the time
 * is over. Holds one of those that may be open for each who is asked. Waits for room in the topic, as a
 * publisher does, at most for its time. */
RC_API int rc_survey_start(rc_domain *domain, const char *topic, const void *data, size_t size, const rc_ask *options, rc_future **future);

/* Takes the next answer: RC_OK, and *reply has it. RC_NOTHING: none came within timeout ns (0: does not
 * wait). RC_END: no more will come, of a stream, a survey, or a request whose answer was taken. Otherwise an
 * error of rc_request; RC_TIMED_OUT is the request's time. */
RC_API int rc_future_wait(rc_future *future, int64_t timeout, rc_reply *reply);
/* Gives the request up and tells whoever runs it. What came before may still be taken; then
 * RC_ERROR_CANCELED. */
RC_API int rc_future_cancel(rc_future *future);
/* Gives up what is open, and frees the future. NULL is fine. */
RC_API void rc_future_close(rc_future *future);

/* Reads what has come for all futures of the domain and calls their `ready`, each once for all that has come,
 * until nothing is left. Waits up to timeout ns for something to call. *called says how many were called
 * (NULL is fine). RC_OK if any; otherwise RC_NOTHING. One thread at a time: RC_ERROR_BUSY. */
RC_API int rc_replies_dispatch(rc_domain *domain, int64_t timeout, size_t *called);
/* Gives a descriptor that is readable when rc_replies_dispatch(domain, 0, ...) should be called, which clears
 * it. It may be readable without cause. The first descriptor of a domain starts one thread for all. Do not
 * read, write or close it. */
RC_API int rc_replies_fd(rc_domain *domain, int *fd);

/* One instance of a service. */
typedef struct rc_service rc_service;

/* How to serve. Zero asks for nothing: the queue is taken as it is, or made with the default. */
typedef struct rc_service_config {
	uint32_t concurrency; /* requests in hand at a time, 1 to 1024; 0: 1 */
	uint32_t queue;       /* requests that may wait, for all instances: a power of two, 4 to 2^20; default 256 */
	uint32_t slot_size;   /* bytes of the largest request; default 2048 */
	uint32_t file_mode;   /* who may call (write) and see (read) the service, as 0660 */
	const char *owner;    /* of the service, by name or number */
	const char *group;
	uint32_t reserved[8]; /* zero */
} rc_service_config;

/* A request in the hand of an instance. It is valid until it is answered or dropped. */
typedef struct rc_task {
	const void *data; /* valid as long as the task */
	size_t size;
	struct rc_address source; /* who asks */
	uint32_t schema;          /* low half of the schema's hash; 0: unknown */
	uint8_t content;          /* RC_CONTENT_* */
	bool one_way;             /* nobody waits for an answer (rc_send_service): answers are dropped */
	bool streams;             /* the asker takes many answers: rc_task_more */
	uint8_t reserved[9];
} rc_task;

/* Begins to serve a name. Instances of one name, wherever they run, share its requests: each takes the next
 * when it asks for one. RC_ERROR_NAME, RC_ERROR_NAME_KIND (the name is a topic here), RC_ERROR_SHAPE,
 * RC_ERROR_PERMISSION. Allocates. */
RC_API int rc_service_open(rc_domain *domain, const char *name, const rc_service_config *config, rc_service **service);

/* Takes the next request: RC_OK; RC_NOTHING if there is none or `concurrency` are in hand; RC_END if the
 * service was stopped and nothing is left. rc_service_poll never waits; rc_service_wait waits up to timeout
 * ns, then RC_TIMED_OUT. Any number of threads may take; any of them may answer. */
RC_API int rc_service_poll(rc_service *service, rc_task **task);
RC_API int rc_service_wait(rc_service *service, int64_t timeout, rc_task **task);
/* Gives a descriptor that is readable when rc_service_poll should be called, until RC_NOTHING; see
 * rc_subscription_fd. */
RC_API int rc_service_fd(rc_service *service, int *fd);

/* Tells callers at once that this instance is going. Go on taking until RC_END: what waits is left to other
 * instances, or served here if there are none. So a stop loses nothing. */
RC_API int rc_service_stop(rc_service *service);
/* Ends the service: requests in hand get RC_ERROR_NO_REPLY, waiting ones RC_ERROR_NO_SERVICE if there is no
 * other instance. Do not use its tasks any more. NULL is fine. */
RC_API void rc_service_close(rc_service *service);

/* Each of these three ends the task, whatever it returns: with the last answer, with an error of the handler,
 * and with RC_ERROR_NO_REPLY. Never waits, never allocates. RC_OK also if the asker is gone or has given up.
 * RC_ERROR_TOO_LARGE: it does not fit the inbox of the asker, who is told. */
RC_API int rc_task_reply(rc_task *task, const void *data, size_t size);
RC_API int rc_task_fail(rc_task *task, uint32_t code, const char *text);
RC_API void rc_task_drop(rc_task *task);
/* Sends one of many answers; the task goes on. Waits up to timeout ns while the asker has not taken the last
 * 15: RC_FULL (timeout 0; the service's descriptor becomes readable when there is room) or RC_TIMED_OUT.
 * RC_ERROR_CANCELED: nobody wants more; end the task. RC_ERROR_ONE_REPLY: the asker takes one.
 * RC_ERROR_TOO_LARGE. */
RC_API int rc_task_more(rc_task *task, const void *data, size_t size, int64_t timeout);
/* Returns whether the answer is still wanted: RC_OK, RC_TIMED_OUT, or RC_ERROR_CANCELED (given up, or the
 * asker is gone). Ask now and then in long work. A system call every 10 ms at most. */
RC_API int rc_task_wanted(rc_task *task);
/* Returns the nanoseconds that the request has left. */
RC_API int64_t rc_task_time_left(const rc_task *task);
/* Sets content and schema of the task's further answers. */
RC_API void rc_task_mark(rc_task *task, uint8_t content, uint32_t schema);

#endif
