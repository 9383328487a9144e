/* Forked children: locks and bells live on in them, so each such descriptor is closed
 * there, and the handles are marked dead (segment.md, 5). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "domain.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct fd_slot *slots;
static rc_domain *domains;

static void prepare(void) { (void)pthread_mutex_lock(&mutex); }
static void parent(void) { (void)pthread_mutex_unlock(&mutex); }

static void child(void)
{
	for (struct fd_slot *s = slots; s != NULL; s = s->next) {
		(void)close(s->fd);
		s->fd = -1;
	}
	for (rc_domain *d = domains; d != NULL; d = d->next) {
		store_relaxed(&d->forked, 1);
		(void)pthread_mutex_init(&d->mutex, NULL); /* a thread that is not here may have held them */
		(void)pthread_mutex_init(&d->sleep_mutex, NULL);
	}
	(void)pthread_mutex_unlock(&mutex);
}

static void install(void) { (void)pthread_atfork(prepare, parent, child); }

static void insert(struct fd_slot *slot, int fd)
{
	slot->fd = fd;
	slot->previous = NULL;
	slot->next = fd >= 0 ? slots : NULL;
	if (slot->next != NULL)
		slots->previous = slot;
	if (fd >= 0)
		slots = slot;
}

/* Takes a slot out of the list, if it is there; returns its descriptor. */
static int take_out(struct fd_slot *slot)
{
	int fd = slot->fd;
	if (slot->previous != NULL)
		slot->previous->next = slot->next;
	else if (slots == slot)
		slots = slot->next;
	if (slot->next != NULL)
		slot->next->previous = slot->previous;
	slot->fd = -1;
	slot->next = slot->previous = NULL;
	return fd;
}

int rci_fd_open(struct fd_slot *slot, const char *path, int flags)
{
	(void)pthread_once(&once, install);
	(void)pthread_mutex_lock(&mutex); /* no fork between the two */
	int fd = open(path, flags | O_CLOEXEC, 0600);
	int error = errno;
	insert(slot, fd);
	(void)pthread_mutex_unlock(&mutex);
	errno = error;
	return fd;
}

void rci_fd_close(struct fd_slot *slot)
{
	(void)pthread_mutex_lock(&mutex);
	int fd = take_out(slot);
	if (fd >= 0)
		(void)close(fd);
	(void)pthread_mutex_unlock(&mutex);
}

void rci_fd_move(struct fd_slot *to, struct fd_slot *from)
{
	(void)pthread_mutex_lock(&mutex);
	int old = take_out(to), fd = take_out(from);
	insert(to, fd);
	if (old >= 0)
		(void)close(old);
	(void)pthread_mutex_unlock(&mutex);
}

void rci_fork_add(rc_domain *domain)
{
	(void)pthread_once(&once, install);
	(void)pthread_mutex_lock(&mutex);
	domain->next = domains;
	domains = domain;
	(void)pthread_mutex_unlock(&mutex);
}

void rci_fork_remove(rc_domain *domain)
{
	(void)pthread_mutex_lock(&mutex);
	for (rc_domain **d = &domains; *d != NULL; d = &(*d)->next) {
		if (*d == domain) {
			*d = domain->next;
			break;
		}
	}
	(void)pthread_mutex_unlock(&mutex);
}
