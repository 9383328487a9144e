/* Descriptors for event loops: one thread a domain sleeps on the doorbell for all. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "subscription.h"

/* Nobody sleeps longer without a look. */
#define LONGEST_SLEEP UINT64_C(100000000)
/* Where a producer may not see that we sleep. */
#define BLIND_SLEEP UINT64_C(1000000)

struct event_thread {
	rc_domain *domain;
	pthread_t thread;
	pthread_mutex_t mutex;
	rc_subscription *first;
	int stop;
	int blind; /* membarrier is not allowed here; stays */
};

static void make_all_readable(struct event_thread *e)
{
	const uint64_t one = 1;
	(void)pthread_mutex_lock(&e->mutex);
	for (rc_subscription *s = e->first; s != NULL; s = s->next_event)
		if (write(s->event_fd, &one, sizeof one) < 0)
			continue; /* it is readable already */
	(void)pthread_mutex_unlock(&e->mutex);
}

static void *run(void *argument)
{
	struct event_thread *e = argument;
	uint32_t seen = rci_bell(e->domain);
	while (load_seq(&e->stop) == 0) {
		rci_sleep_on_bell(e->domain, seen, load_seq(&e->blind) ? BLIND_SLEEP : LONGEST_SLEEP);
		seen = rci_bell(e->domain); /* before the descriptors: what comes later rings again */
		make_all_readable(e);
	}
	return NULL;
}

static int start(rc_domain *d)
{
	struct event_thread *e = calloc(1, sizeof *e);
	if (e == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "thread of descriptors");
	e->domain = d;
	(void)pthread_mutex_init(&e->mutex, NULL);
	if (pthread_create(&e->thread, NULL, run, e) != 0) {
		(void)pthread_mutex_destroy(&e->mutex);
		free(e);
		return rci_fail(RC_ERROR_SYSTEM, "thread of descriptors: can't be started");
	}
	d->events = e;
	return RC_OK;
}

int rc_subscription_fd(rc_subscription *s, int *fd)
{
	int result = fd == NULL ? rci_fail(RC_ERROR_INVALID, "descriptor: NULL") : rci_usable(s->domain);
	if (result != RC_OK)
		return result;
	if (s->event_fd < 0) {
		int made = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* readable: the first poll arms it */
		if (made < 0)
			return rci_fail_system("make", "eventfd");
		(void)pthread_mutex_lock(&s->domain->mutex);
		result = s->domain->events != NULL ? RC_OK : start(s->domain);
		struct event_thread *e = s->domain->events;
		(void)pthread_mutex_unlock(&s->domain->mutex);
		if (result != RC_OK) {
			(void)close(made);
			return result;
		}
		(void)pthread_mutex_lock(&e->mutex);
		s->event_fd = made;
		s->next_event = e->first;
		e->first = s;
		(void)pthread_mutex_unlock(&e->mutex);
	}
	*fd = s->event_fd;
	return RC_OK;
}

void rci_events_arm(rc_subscription *s)
{
	struct event_thread *e = s->domain->events;
	uint64_t count;
	if (read(s->event_fd, &count, sizeof count) < 0)
		count = 0; /* it was not readable */
	if (__builtin_expect(!rci_streams_leave_word(&s, 1), 1) || e == NULL || load_seq(&e->blind) != 0)
		return;
	store_seq(&e->blind, 1);
	rci_ring_bell(s->domain, s->domain->index); /* the thread sleeps for longer by now */
}

void rci_events_forget(rc_subscription *s)
{
	struct event_thread *e = s->domain->events;
	if (s->event_fd < 0 || e == NULL)
		return;
	if (load_relaxed(&s->domain->forked) == 0) {
		(void)pthread_mutex_lock(&e->mutex);
		for (rc_subscription **at = &e->first; *at != NULL; at = &(*at)->next_event) {
			if (*at == s) {
				*at = s->next_event;
				break;
			}
		}
		(void)pthread_mutex_unlock(&e->mutex);
	}
	(void)close(s->event_fd);
	s->event_fd = -1;
}

void rci_events_stop(rc_domain *d)
{
	struct event_thread *e = d->events;
	if (e == NULL)
		return;
	if (load_relaxed(&d->forked) == 0) {
		store_seq(&e->stop, 1);
		rci_ring_bell(d, d->index);
		(void)pthread_join(e->thread, NULL);
		(void)pthread_mutex_destroy(&e->mutex);
	}
	free(e);
	d->events = NULL;
}
