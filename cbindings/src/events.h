/* Descriptors for event loops: event_fd.c. */
#ifndef RCI_EVENTS_H
#define RCI_EVENTS_H

#include "domain.h"

/* One descriptor that one thread of the domain makes readable when the doorbell rings. */
struct event_source {
	int fd; /* -1: none */
	struct event_source *next;
	const uint32_t *hurry; /* not NULL, and not 0 there: also every 10 ms */
};

/* Gives the source a descriptor if it has none. */
int rci_events_open(rc_domain *domain, struct event_source *source);
/* Clears it; before word is left in the rings that it is for. */
void rci_events_clear(const struct event_source *source);
/* Where producers may not see that somebody sleeps. */
void rci_events_blind(rc_domain *domain);
/* Makes it readable. */
void rci_events_show(const struct event_source *source);
void rci_events_forget(rc_domain *domain, struct event_source *source);

#endif
