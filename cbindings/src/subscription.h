/* What a subscription has. */
#ifndef RCI_SUBSCRIPTION_H
#define RCI_SUBSCRIPTION_H

#include "assemble.h"

struct rc_subscription {
	rc_domain *domain;
	struct ring *ring;
	struct reader reader;
	struct assembler assembler;
	char topic[RC_MAX_NAME + 1];
	char path[RCI_PATH];
	bool live, local_only, interested;
	bool kept_valid; /* what a waiting call has found, or could not hand out, comes next */
	rc_received kept;
	size_t turn; /* where the next wait over several begins */

	int event_fd; /* -1: none */
	rc_subscription *next_event;
};

/* One try to take something: RC_OK, RC_NOTHING, or an error. */
int rci_subscription_take(rc_subscription *subscription, rc_received *received);

/* waiting.c: how somebody waits. */
struct waiter {
	int (*look)(void *argument);     /* RC_NOTHING: go on waiting */
	void (*prepare)(void *argument); /* leaves word where it is waited for */
	uint64_t (*nap)(void *argument); /* the longest sleep without a look, in ns */
	void *argument;
};

/* Looks, spins, then sleeps, until look returns another code than RC_NOTHING. */
int rci_wait_for(rc_domain *domain, int64_t timeout, const struct waiter *waiter);

/* event_fd.c */
void rci_events_forget(rc_subscription *subscription);
/* Clears the descriptor and sets the bit: what comes from now on makes it readable. */
void rci_events_arm(rc_subscription *subscription);

#endif
