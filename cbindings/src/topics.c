/* Patterns: topics that match are joined as they appear (messaging.md, 4). One thread a domain
 * sleeps on inotify and rings our own doorbell; where that can't be had, it looks every 50 ms. */
#define _GNU_SOURCE
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "subscription.h"

#define CONTROL_SUFFIX ".ctl"
#define LOOK_MS 50

struct topic_watch {
	rc_domain *domain;
	pthread_t thread;
	int watch, end; /* inotify, or -1; an eventfd that ends the thread */
	uint32_t changes;
};

static void *run(void *argument)
{
	struct topic_watch *w = argument;
	char events[4096];
	struct pollfd fds[2] = {{w->end, POLLIN, 0}, {w->watch, POLLIN, 0}};
	for (;;) {
		int n = poll(fds, w->watch >= 0 ? 2 : 1, w->watch >= 0 ? -1 : LOOK_MS);
		if (n < 0)
			continue; /* EINTR */
		if ((fds[0].revents & POLLIN) != 0)
			return NULL;
		while (w->watch >= 0 && read(w->watch, events, sizeof events) > 0) {
		}
		(void)add_seq(&w->changes, 1);
		rci_ring_bell(w->domain, w->domain->index);
	}
}

static void free_watch(struct topic_watch *w)
{
	if (w->watch >= 0)
		(void)close(w->watch);
	if (w->end >= 0)
		(void)close(w->end);
	free(w);
}

static int start(rc_domain *d)
{
	char path[RCI_PATH];
	struct topic_watch *w = calloc(1, sizeof *w);
	if (w == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "watch of topics");
	w->domain = d;
	w->changes = 1;
	w->end = eventfd(0, EFD_CLOEXEC);
	w->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	(void)snprintf(path, sizeof path, "%.*s/topics", RCI_PATH - 16, d->directory);
	if (w->watch >= 0 && inotify_add_watch(w->watch, path, IN_CREATE | IN_MOVED_TO) < 0) {
		(void)close(w->watch);
		w->watch = -1;
	}
	if (w->end < 0 || pthread_create(&w->thread, NULL, run, w) != 0) {
		free_watch(w);
		return rci_fail(RC_ERROR_SYSTEM, "watch of topics: its thread can't be started");
	}
	d->topics = w;
	return RC_OK;
}

int rci_topics_watch(rc_domain *d)
{
	(void)pthread_mutex_lock(&d->mutex);
	int result = d->topics != NULL ? RC_OK : start(d);
	(void)pthread_mutex_unlock(&d->mutex);
	return result;
}

uint32_t rci_topics_changes(const rc_domain *d) { return load_seq(&d->topics->changes); }

void rci_topics_stop(rc_domain *d)
{
	const uint64_t one = 1;
	struct topic_watch *w = d->topics;
	if (w == NULL)
		return;
	if (load_relaxed(&d->forked) == 0) {
		if (write(w->end, &one, sizeof one) != (ssize_t)sizeof one)
			return; /* cannot happen: the count is not near its end */
		(void)pthread_join(w->thread, NULL);
	}
	free_watch(w);
	d->topics = NULL;
}

static bool joined(const rc_subscription *s, const char *topic)
{
	for (const struct stream *t = s->first; t != NULL; t = t->next)
		if (strcmp(t->topic, topic) == 0)
			return true;
	return false;
}

void rci_topics_look(rc_subscription *s, bool first)
{
	char path[RCI_PATH], topic[256];
	(void)snprintf(path, sizeof path, "%.*s/topics", RCI_PATH - 16, s->domain->directory);
	DIR *dir = opendir(path);
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		size_t n = strlen(entry->d_name), suffix = strlen(CONTROL_SUFFIX);
		if (n <= suffix || n - suffix > RC_MAX_NAME || strcmp(entry->d_name + n - suffix, CONTROL_SUFFIX) != 0)
			continue;
		(void)snprintf(topic, sizeof topic, "%.*s", (int)(n - suffix), entry->d_name);
		struct stream *stream = NULL;
		if (!rc_name_matches(s->name, topic) || joined(s, topic))
			continue;
		int result = rci_stream_open(s, topic, s->history, first, &stream);
		if (result != RC_OK) { /* tried again at the next change */
			rci_refused_add(s, topic, result);
			continue;
		}
		stream->next = s->first;
		s->first = stream;
	}
	if (dir != NULL)
		(void)closedir(dir);
}
