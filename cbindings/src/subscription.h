/* What a subscription has. */
#ifndef RCI_SUBSCRIPTION_H
#define RCI_SUBSCRIPTION_H

#include "assemble.h"
#include "events.h"
#include "member.h"

/* One topic of a subscription. */
struct stream {
	rc_domain *domain;
	struct ring *ring;
	struct reader reader;
	struct member *member; /* of a queue group; NULL: the reader reads */
	struct assembler assembler;
	char topic[RC_MAX_NAME + 1];
	char path[RCI_PATH];
	bool live, mail;
	struct wish want; /* what its ring is opened as */
	struct rc_address_block block; /* of the message that was handed out last */
	bool failed; /* its ring can't be read: told once, then left alone */
	struct stream *next;
};

struct rc_subscription {
	struct rc_inline_subscription fast; /* first: inline.h */
	rc_domain *domain;
	char name[RC_MAX_NAME + 1]; /* a topic, or a pattern */
	bool pattern, live, local_only, interested;
	bool mail; /* the inbox of this participant */
	char group[GROUP_NAME_LIMIT + 1]; /* empty: none */
	uint64_t history;
	struct stream *first;   /* one for a name; for a pattern, those that match */
	struct stream *current; /* read now */
	unsigned in_turn;       /* messages taken from it while others wait */
	struct refused *refused; /* topics of a pattern that can't be joined */
	uint32_t seen_topics;   /* count of changes of topics/ at the last look */
	bool kept_valid; /* what a waiting call has found, or could not hand out, comes next */
	rc_received kept;
	size_t turn; /* where the next wait over several begins */
	uint64_t spin_ns;

	struct event_source event;
};

/* The short ways end: what they have read counts. Before anybody touches the reader. */
void rci_subscription_slow(rc_subscription *subscription);
/* One try to take something: RC_OK, RC_NOTHING, or an error. */
int rci_subscription_take(rc_subscription *subscription, rc_received *received);

/* stream.c */
/* Opens a topic's ring and joins. first: from its first message, since the topic came after the subscription. */
int rci_stream_open(rc_subscription *subscription, const char *topic, uint64_t history, bool first, struct stream **stream);
void rci_stream_close(struct stream *stream);
/* One try to take something. */
int rci_stream_take(struct stream *stream, rc_received *received);
/* inbox.c: makes it that of the inbox; whether a message of it is for us, and in time. */
void rci_mail_stream(struct stream *stream);
bool rci_mail_is_ours(rc_domain *domain, const struct view *view);
/* Gives back what is in hand. */
void rci_stream_release(struct stream *stream);
/* Leave word in all rings of the subscriptions before sleep. True: a producer may not see that. */
bool rci_streams_leave_word(rc_subscription *const *subscriptions, size_t count);
/* Whether BACKLOG messages wait in one of their rings, for a reader of its own. */
bool rci_streams_backlog(rc_subscription *const *subscriptions, size_t count);
/* Whether somebody stands in the way, so that sleep is to be short. */
bool rci_stream_waits_for_others(const struct stream *stream);

/* topics.c */
/* Starts to watch topics/ for a pattern. */
int rci_topics_watch(rc_domain *domain);
/* A number that is another after a topic has come. */
uint32_t rci_topics_changes(const rc_domain *domain);
void rci_topics_stop(rc_domain *domain);
/* Joins the topics that match and are not joined yet. */
void rci_topics_look(rc_subscription *subscription, bool first);

/* refused.c: topics of a pattern that can't be joined. */
void rci_refused_add(rc_subscription *subscription, const char *topic, int code);
/* Tells of one that was not told of: its error; RC_NOTHING if there is none. */
int rci_refused_tell(const rc_subscription *subscription);
void rci_refused_forget(rc_subscription *subscription);

/* waiting.c: how somebody waits. */
struct waiter {
	int (*look)(void *argument);     /* RC_NOTHING: go on waiting */
	bool (*hint)(void *argument);    /* a cheaper look, which may miss what look finds; NULL: there is none */
	bool (*many)(void *argument);    /* whether a BACKLOG waits; NULL: it can't be told */
	void (*prepare)(void *argument); /* leaves word where it is waited for */
	uint64_t (*nap)(void *argument); /* the longest sleep without a look, in ns */
	void *argument;
};

/* Looks, spins, then sleeps, until look returns another code than RC_NOTHING. *spin_ns is how long to spin
 * before sleep, by recent success; 0 at first. */
int rci_wait_for(rc_domain *domain, int64_t timeout, uint64_t *spin_ns, const struct waiter *waiter);
/* How long to spin next, behind a sleep that took so long: twice as long where something was ready soon, or a BACKLOG
 * soon enough, since then waking alone took longer than many messages; else half. */
uint64_t rci_spin_learn(uint64_t spin_ns, uint64_t took, bool ready, bool many);

/* event_fd.c */
/* Clears the descriptor and sets the bit: what comes from now on makes it readable. */
void rci_events_arm(rc_subscription *subscription);

#endif
