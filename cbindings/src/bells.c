/* What says that somebody came or went: the bells of participants, and a watch of live/ (segment.md, 5). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "presence.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
/* Behind an event the table is looked at again after 1, 2, 4 ... ms. */
#define LAST_STEP 64
/* Without inotify, and where a bell can't be had. */
#define BLIND_LOOK (40 * MS)
#define UNHEARD_LOOK (5 * MS)
/* How long a process may take between its bell and its lock. */
#define HANG_UP_PATIENCE (50 * MS)

/* What an event of epoll is about, besides the index of a bell. */
enum { ABOUT_EVENTS = 1 << 20, ABOUT_TIMER };

static bool add(const struct bells *b, int fd, uint32_t about)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = about};
	return epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* Arms the timer for the next look without an event. */
static void arm(const struct bells *b)
{
	uint64_t ns = b->step != 0 ? b->step * MS : b->events < 0 ? BLIND_LOOK : SECOND;
	if (b->unheard && ns > UNHEARD_LOOK)
		ns = UNHEARD_LOOK;
	struct itimerspec t = {.it_value = {(time_t)(ns / SECOND), (long)(ns % SECOND)}};
	(void)timerfd_settime(b->timer, 0, &t, NULL);
}

static void watch_folder(struct bells *b)
{
	char path[RCI_PATH];
	(void)snprintf(path, sizeof path, "%.*s/live", RCI_PATH - 16, b->domain->directory);
	b->events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (b->events < 0)
		return;
	if (inotify_add_watch(b->events, path, IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_DELETE) >= 0 && add(b, b->events, ABOUT_EVENTS))
		return;
	(void)close(b->events);
	b->events = -1;
}

int rci_bells_open(struct bells *b, rc_domain *d)
{
	memset(b, 0, sizeof *b);
	b->domain = d;
	b->events = b->timer = -1;
	b->step = 1;
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b->epoll < 0)
		return rci_fail_system("make", "epoll");
	b->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (b->timer < 0 || !add(b, b->timer, ABOUT_TIMER))
		return rci_fail_system("make", "timerfd");
	watch_folder(b);
	b->bells = calloc(d->record_count, sizeof *b->bells);
	b->dead = calloc(d->record_count, 1);
	if (b->bells == NULL || b->dead == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "watch");
	for (uint32_t i = 0; i < d->record_count; i++)
		b->bells[i].fd = -1;
	return RC_OK;
}

static void let_go(struct bell *bell)
{
	if (bell->fd >= 0)
		(void)close(bell->fd);
	bell->fd = -1;
}

void rci_bells_close(struct bells *b)
{
	for (uint32_t i = 0; b->bells != NULL && i < b->domain->record_count; i++)
		let_go(&b->bells[i]);
	if (b->events >= 0)
		(void)close(b->events);
	if (b->timer >= 0)
		(void)close(b->timer);
	if (b->epoll >= 0)
		(void)close(b->epoll);
	free(b->bells);
	free(b->dead);
}

/* Opens a bell whose owner holds it; false: there is none to be heard. */
static bool hear(struct bells *b, uint32_t index)
{
	char path[RCI_PATH], byte;
	(void)snprintf(path, sizeof path, "%.*s/live/%u", RCI_PATH - 64, b->domain->directory, (unsigned)index);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	if (read(fd, &byte, 1) >= 0 || errno != EAGAIN || !add(b, fd, index)) {
		(void)close(fd);
		return false;
	}
	b->bells[index].fd = fd;
	return true;
}

void rci_bells_attend(struct bells *b)
{
	const rc_domain *d = b->domain;
	b->changes = load_acquire(rci_changes(d));
	b->unheard = false;
	for (uint32_t i = 0; i < d->record_count; i++) {
		struct bell *bell = &b->bells[i];
		uint64_t state = load_acquire(&rci_record(d, i)->state); /* pairs(live) */
		bool live = (uint32_t)state == RC_PARTICIPANT_STATE_LIVE && i != d->index;
		if (!live || bell->generation != (uint32_t)(state >> 32))
			let_go(bell);
		if (!live || bell->fd >= 0)
			continue;
		bell->generation = (uint32_t)(state >> 32);
		if (!hear(b, i) && rci_alive(d, i))
			b->unheard = true;
	}
	arm(b);
}

/* A bell was let go: dead, if the lock gets free before the record moves on. */
static void hung_up(struct bells *b, uint32_t index)
{
	const rc_domain *d = b->domain;
	struct rc_address a = {d->node_id, d->epoch, b->bells[index].generation, (uint16_t)index, 0};
	uint64_t begin = rci_now();
	let_go(&b->bells[index]);
	while (!rci_gone(d, &a) && rci_now() - begin < HANG_UP_PATIENCE) {
		if (!rci_alive(d, index)) {
			b->dead[index] = !rci_gone(d, &a);
			return;
		}
		rci_sleep(50000);
	}
}

/* Takes note of one event: true if somebody should look now. */
static bool note(struct bells *b, uint32_t about)
{
	char bytes[4096];
	uint64_t ticks;
	if (about == ABOUT_TIMER) {
		if (read(b->timer, &ticks, sizeof ticks) != (ssize_t)sizeof ticks)
			return false;
		bool whole = b->step == 0 || b->events < 0; /* the look of each second */
		b->step = b->step >= LAST_STEP ? 0 : 2 * b->step;
		arm(b);
		return whole || b->unheard || load_acquire(rci_changes(b->domain)) != b->changes;
	}
	if (about == ABOUT_EVENTS)
		while (read(b->events, bytes, sizeof bytes) > 0) {
		}
	else if (about < b->domain->record_count)
		hung_up(b, about);
	b->step = 1;
	return true;
}

int rci_bells_wait(struct bells *b, uint64_t deadline)
{
	struct epoll_event events[16];
	for (;;) {
		uint64_t now = rci_now(), rest = deadline > now ? (deadline - now + MS - 1) / MS : 0;
		int n = epoll_wait(b->epoll, events, 16, rest > 60000 ? 60000 : (int)rest);
		bool look = false;
		for (int i = 0; i < n; i++)
			look |= note(b, events[i].data.u32);
		if (look)
			return RC_OK;
		if (rci_now() >= deadline)
			return RC_TIMED_OUT;
	}
}
