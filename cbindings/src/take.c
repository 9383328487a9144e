/* Taking requests: messaging.md, 8. Of several threads that wait one leads, and takes the next. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "away.h"
#include "service.h"
#include "subscription.h"

#define LONGEST_SLEEP UINT64_C(100000000)
#define STUCK_SLEEP UINT64_C(1000000)
/* What is told or refused in one look before it ends. */
#define LOOK_MOST 1024

/* A hand without a request; NULL: all have one. */
static struct task *free_hand(rc_service *s)
{
	struct task *found = NULL;
	if (s->next != NULL)
		return s->next;
	store_seq(&s->hungry, 1); /* before the look: who ends a task rings after his store, or is seen */
	(void)pthread_mutex_lock(&s->mutex);
	for (uint32_t i = 0; found == NULL && i < s->limit; i++) {
		struct task *t = &s->tasks[i];
		if (t->busy)
			continue;
		if (t->row == GROUP_ROWS) { /* reports held the rows when it was joined */
			rci_member_hold_row(&s->member);
			t->row = s->member.row;
			s->member.row = GROUP_ROWS;
		}
		if (t->row != GROUP_ROWS)
			found = t;
	}
	(void)pthread_mutex_unlock(&s->mutex);
	if (found != NULL && load_seq(&s->stopping) == 0)
		store_relaxed(&s->hungry, 0);
	s->next = found;
	return found;
}

/* Tells a caller that the instance that had its request is gone. */
static void tell_caller(const rc_service *s, const struct report *report)
{
	struct letter l = {.kind = RC_MESSAGE_KIND_ERROR, .block = {.correlation = report->sequence, .code = ANSWER_INSTANCE_DIED}};
	if (report->sequence != 0 && rci_post_send(s->post, &report->source, BOX_REPLIES, &l) != RC_OK)
		add_relaxed(&s->post->dropped, 1);
}

/* Makes it the task of what was taken: RC_NOTHING: it was not for us, or its time is over. */
static int accept(rc_service *s, struct task *t, const struct view *v)
{
	static const struct rc_address nobody;
	const struct rc_slot_header *h = &v->header;
	t->block = v->block;
	t->content = 0;
	t->schema = t->sent = 0;
	memset(&t->up, 0, sizeof t->up);
	if (rci_is_away(s->post, &v->block.source))
		(void)rci_forwarder(s->domain, &t->up);
	memset(&t->shown, 0, sizeof t->shown);
	t->shown.data = v->payload;
	t->shown.size = h->payload_length;
	t->shown.source = v->block.source;
	t->shown.schema = h->schema_hash;
	t->shown.content = h->content;
	t->shown.one_way = h->kind == RC_MESSAGE_KIND_DATA;
	t->shown.streams = h->kind == RC_MESSAGE_KIND_REQUEST && (h->flags & RC_MESSAGE_FLAG_MORE) != 0;
	bool good = (h->flags & RC_MESSAGE_FLAG_ADDRESSED) != 0 && v->block.service_hash == s->hash && rci_same_address(&v->block.destination, &nobody) &&
		(t->shown.one_way || h->kind == RC_MESSAGE_KIND_REQUEST);
	int64_t left = !good || t->shown.one_way ? INT64_C(1800000000000) : rci_block_left(&t->block);
	t->asked = rci_now();
	t->due = t->asked + (uint64_t)(left > 0 ? left : 0);
	if (good && (t->shown.one_way || (left > 0 && load_relaxed(&s->hurry) == 0)))
		return RC_OK;
	if (!good)
		add_relaxed(&s->post->dropped, 1);
	else
		(void)rci_task_error(t, left > 0 ? ANSWER_NO_SERVICE : ANSWER_DEADLINE, "");
	rci_task_done(t);
	return RC_NOTHING;
}

/* Hands have looked into a ring that is retired, and do until they are done, so it stays mapped. */
static int set_aside(rc_service *s)
{
	struct ring **old = realloc(s->old, (s->old_count + 1) * sizeof(struct ring *));
	if (old == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "service %s", s->name);
	s->old = old;
	s->old[s->old_count++] = s->ring;
	rci_ring_share(s->ring);
	(void)rci_service_leave(s);
	return rci_service_join(s);
}

/* Nothing is left for an instance that stops: it leaves, and where requests came between its last look and that, it
 * serves them, too. */
static int conclude(rc_service *s)
{
	(void)pthread_mutex_lock(&s->mutex);
	bool busy = s->busy != 0, ended = s->ended;
	(void)pthread_mutex_unlock(&s->mutex);
	if (ended)
		return RC_END;
	if (busy) {
		store_seq(&s->hungry, 1);
		return RC_NOTHING;
	}
	if (rci_service_leave(s)) {
		int result = rci_service_join(s);
		return result == RC_OK ? RCI_AGAIN : result;
	}
	(void)pthread_mutex_lock(&s->mutex);
	s->ended = true;
	(void)pthread_cond_broadcast(&s->turn);
	(void)pthread_mutex_unlock(&s->mutex);
	return RC_END;
}

static bool alone(const rc_service *s)
{
	for (uint64_t i = 0, used = ring_entries_used(s->ring); i < used; i++)
		if (i != s->member.eyes.entry && rci_group_member_at(s->member.group, i) != NOBODY)
			return false;
	return true;
}

/* Takes from the ring: RCI_AGAIN: what was there is dealt with. */
static int take_next(rc_service *s, struct task **task)
{
	struct view view;
	struct report report;
	struct task *t = free_hand(s);
	struct member *m = &s->member;
	uint8_t *own = m->eyes.copy;
	if (t != NULL) {
		m->row = t->row;
		m->eyes.copy = t->copy;
	}
	int found = rci_member_next(m, &view, &report);
	m->row = GROUP_ROWS;
	m->eyes.copy = own;
	switch (found) {
	case READ_MESSAGE:
		t->hand = &m->group->rows[t->row];
		t->word = m->hand;
		m->hand = 0;
		s->next = NULL;
		(void)pthread_mutex_lock(&s->mutex);
		t->busy = true;
		s->busy++;
		(void)pthread_mutex_unlock(&s->mutex);
		*task = t;
		return accept(s, t, &view) == RC_OK ? RC_OK : RCI_AGAIN;
	case READ_NOTHING:
		return RC_NOTHING;
	case READ_ABANDONED:
		tell_caller(s, &report);
		return RCI_AGAIN;
	case READ_RETIRED:
		found = set_aside(s);
		return found == RC_OK ? RCI_AGAIN : found;
	case READ_ERROR:
		return RC_ERROR_READERS_FULL;
	default:
		return RCI_AGAIN; /* positions that nobody saw are their callers' deadlines */
	}
}

int rci_service_take(rc_service *s, struct task **task)
{
	for (int i = 0; i < LOOK_MOST; i++) {
		bool stopping = load_seq(&s->stopping) != 0;
		if (s->ring == NULL)
			return RC_END; /* it has left, or could not be opened again */
		int result = stopping && !alone(s) ? conclude(s) : take_next(s, task);
		if (result == RC_NOTHING && stopping)
			result = conclude(s);
		if (result != RCI_AGAIN)
			return result;
	}
	return RC_NOTHING;
}

/* Who leads, and what he has found. */
struct taking {
	rc_service *service;
	struct task *task;
};

static int look(void *argument)
{
	struct taking *w = argument;
	return rci_service_take(w->service, &w->task);
}

static void prepare(void *argument)
{
	struct taking *w = argument;
	rc_service *s = w->service;
	if (s->ring == NULL)
		return;
	if (!s->member.ended)
		rci_member_look_round(&s->member);
	s->blind = rci_reader_leave_word(&s->member.eyes) && !rci_sleep_fence();
}

static uint64_t nap_of(void *argument)
{
	const struct taking *w = argument;
	const struct member *m = &w->service->member;
	return m->suspect != 0 || m->eyes.stuck || w->service->blind ? STUCK_SLEEP : LONGEST_SLEEP;
}

/* Waits until nobody leads; the mutex is held. False: the time is up. */
static bool lead(rc_service *s, uint64_t deadline)
{
	const struct timespec t = {(time_t)(deadline / UINT64_C(1000000000)), (long)(deadline % UINT64_C(1000000000))};
	while (s->led && !s->ended) {
		if (deadline / UINT64_C(1000000000) > INT32_MAX)
			(void)pthread_cond_wait(&s->turn, &s->mutex);
		else if (pthread_cond_timedwait(&s->turn, &s->mutex, &t) != 0 && s->led)
			return false;
	}
	s->led = true;
	return true;
}

static void arm(rc_service *s)
{
	if (s->event.fd < 0 || s->ring == NULL)
		return;
	rci_events_clear(&s->event);
	if (!s->member.ended)
		rci_member_look_round(&s->member);
	if (rci_reader_leave_word(&s->member.eyes))
		rci_events_blind(s->domain);
}

static int take(rc_service *s, int64_t timeout, rc_task **task)
{
	struct taking w = {s, NULL};
	struct waiter waiter = {look, NULL, NULL, prepare, nap_of, &w};
	int result = s == NULL || task == NULL ? rci_fail(RC_ERROR_INVALID, "take: NULL") : rci_usable(s->domain);
	if (result != RC_OK)
		return result;
	uint64_t deadline = rci_deadline(timeout);
	(void)pthread_mutex_lock(&s->mutex);
	bool leads = !s->ended && lead(s, deadline);
	bool ended = s->ended;
	(void)pthread_mutex_unlock(&s->mutex);
	if (!leads || ended)
		return ended ? RC_END : RC_TIMED_OUT;
	result = look(&w);
	if (result == RC_NOTHING && timeout == 0) {
		arm(s);
		result = look(&w);
	} else if (result == RC_NOTHING) {
		uint64_t now = rci_now();
		result = rci_wait_for(s->domain, deadline == UINT64_MAX ? RC_FOREVER : deadline > now ? (int64_t)(deadline - now) : 0, &s->spin_ns, &waiter);
	}
	(void)pthread_mutex_lock(&s->mutex);
	s->led = false;
	(void)pthread_cond_signal(&s->turn);
	(void)pthread_mutex_unlock(&s->mutex);
	if (result == RC_OK)
		*task = &w.task->shown;
	return result;
}

int rc_service_poll(rc_service *s, rc_task **task)
{
	int result = take(s, 0, task);
	return result == RC_TIMED_OUT ? RC_NOTHING : result;
}

int rc_service_wait(rc_service *s, int64_t timeout, rc_task **task)
{
	int result = take(s, timeout, task);
	return result == RC_NOTHING ? RC_TIMED_OUT : result;
}

int rc_service_fd(rc_service *s, int *fd)
{
	int result = s == NULL || fd == NULL ? rci_fail(RC_ERROR_INVALID, "descriptor: NULL") : rci_usable(s->domain);
	if (result == RC_OK)
		result = rci_events_open(s->domain, &s->event);
	if (result == RC_OK)
		*fd = s->event.fd;
	return result;
}
