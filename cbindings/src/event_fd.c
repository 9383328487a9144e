/* Descriptors for event loops: one thread a domain sleeps on the doorbell for all. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "subscription.h"

/* Nobody sleeps longer without a look. */
#define LONGEST_SLEEP UINT64_C(100000000)
/* While somebody has to be looked after, or where a producer may not see that we sleep. */
#define HURRIED_SLEEP UINT64_C(10000000)
#define BLIND_SLEEP UINT64_C(1000000)

struct event_thread {
	rc_domain *domain;
	pthread_t thread;
	pthread_mutex_t mutex;
	struct event_source *first;
	int stop;
	int blind; /* membarrier is not allowed here; stays */
};

void rci_events_show(const struct event_source *s)
{
	const uint64_t one = 1;
	if (s->fd >= 0 && write(s->fd, &one, sizeof one) < 0)
		return; /* it is readable already */
}

static bool hurried(const struct event_source *s) { return s->hurry != NULL && load_relaxed(s->hurry) != 0; }

static void make_readable(struct event_thread *e, bool all)
{
	(void)pthread_mutex_lock(&e->mutex);
	for (const struct event_source *s = e->first; s != NULL; s = s->next)
		if (all || hurried(s))
			rci_events_show(s);
	(void)pthread_mutex_unlock(&e->mutex);
}

static uint64_t nap(struct event_thread *e)
{
	bool hurry = false;
	if (load_seq(&e->blind))
		return BLIND_SLEEP;
	(void)pthread_mutex_lock(&e->mutex);
	for (const struct event_source *s = e->first; s != NULL; s = s->next)
		hurry |= hurried(s);
	(void)pthread_mutex_unlock(&e->mutex);
	return hurry ? HURRIED_SLEEP : LONGEST_SLEEP;
}

static void *run(void *argument)
{
	struct event_thread *e = argument;
	uint32_t seen = rci_bell(e->domain);
	uint64_t shown = rci_now();
	while (load_seq(&e->stop) == 0) {
		uint32_t before = seen;
		rci_sleep_on_bell(e->domain, seen, nap(e));
		seen = rci_bell(e->domain); /* before the descriptors: what comes later rings again */
		uint64_t now = rci_now();
		bool all = seen != before || now - shown >= LONGEST_SLEEP || load_seq(&e->blind);
		if (all)
			shown = now;
		make_readable(e, all);
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
	store_release(&d->events, e);
	return RC_OK;
}

int rci_events_open(rc_domain *d, struct event_source *s)
{
	if (s->fd >= 0)
		return RC_OK;
	int made = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* readable: the first look arms it */
	if (made < 0)
		return rci_fail_system("make", "eventfd");
	(void)pthread_mutex_lock(&d->mutex);
	int result = d->events != NULL ? RC_OK : start(d);
	struct event_thread *e = d->events;
	(void)pthread_mutex_unlock(&d->mutex);
	if (result != RC_OK) {
		(void)close(made);
		return result;
	}
	(void)pthread_mutex_lock(&e->mutex);
	s->fd = made;
	s->next = e->first;
	e->first = s;
	(void)pthread_mutex_unlock(&e->mutex);
	rci_ring_bell(d, d->index); /* the thread may sleep for longer than this one allows */
	return RC_OK;
}

int rc_subscription_fd(rc_subscription *s, int *fd)
{
	int result = s == NULL || fd == NULL ? rci_fail(RC_ERROR_INVALID, "descriptor: NULL") : rci_usable(s->domain);
	if (result == RC_OK)
		result = rci_events_open(s->domain, &s->event);
	if (result == RC_OK)
		*fd = s->event.fd;
	return result;
}

void rci_events_clear(const struct event_source *s)
{
	uint64_t count;
	if (read(s->fd, &count, sizeof count) < 0)
		count = 0; /* it was not readable */
}

void rci_events_blind(rc_domain *d)
{
	struct event_thread *e = load_acquire(&d->events);
	if (e == NULL || load_seq(&e->blind) != 0)
		return;
	store_seq(&e->blind, 1);
	rci_ring_bell(d, d->index); /* the thread sleeps for longer by now */
}

void rci_events_arm(rc_subscription *s)
{
	rci_events_clear(&s->event);
	if (__builtin_expect(rci_streams_leave_word(&s, 1), 0))
		rci_events_blind(s->domain);
}

void rci_events_forget(rc_domain *d, struct event_source *source)
{
	struct event_thread *e = d->events;
	if (source->fd < 0 || e == NULL)
		return;
	if (load_relaxed(&d->forked) == 0) {
		(void)pthread_mutex_lock(&e->mutex);
		for (struct event_source **at = &e->first; *at != NULL; at = &(*at)->next) {
			if (*at == source) {
				*at = source->next;
				break;
			}
		}
		(void)pthread_mutex_unlock(&e->mutex);
	}
	(void)close(source->fd);
	source->fd = -1;
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
