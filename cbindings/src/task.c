/* Answering a request: messaging.md, 8 and 9. */
#define _GNU_SOURCE
#include <string.h>

#include "away.h"
#include "service.h"
#include "subscription.h"

/* How old an answer of the kernel may be that the caller lives; and how long a handler sleeps for credit. */
#define ASK_AGAIN UINT64_C(10000000)

static struct task *task_of(const rc_task *shown) { return (struct task *)(uintptr_t)shown; }

static int check(const rc_task *shown, const void *data, size_t size)
{
	if (shown == NULL || (data == NULL && size != 0))
		return rci_fail(RC_ERROR_INVALID, "answer: no task, or no data (NULL)");
	return rci_usable(task_of(shown)->service->domain);
}

/* Sends one answer. A caller that is gone or does not wait any more is no error. */
static int answer(struct task *t, struct letter *l)
{
	struct post *post = t->service->post;
	if (t->shown.one_way)
		return RC_OK;
	l->block.correlation = t->block.correlation;
	l->content = t->content;
	l->schema = t->schema;
	int result = rci_post_send(post, &t->block.source, BOX_REPLIES, l);
	if (result != RC_OK)
		add_relaxed(&post->dropped, 1);
	return result;
}

int rci_task_error(struct task *t, uint32_t code, const char *text)
{
	struct letter l = {.data = text, .size = strlen(text), .kind = RC_MESSAGE_KIND_ERROR};
	l.block.code = code;
	return answer(t, &l);
}

void rci_task_done(struct task *t)
{
	rc_service *s = t->service;
	(void)cas(&t->hand->position, t->word, hand_with(t->word, RC_IN_HAND_STATE_FREE)); /* pairs(hand) */
	(void)pthread_mutex_lock(&s->mutex);
	t->busy = false;
	s->busy--;
	(void)pthread_mutex_unlock(&s->mutex);
	if (load_seq(&s->hungry) == 0)
		return;
	rci_ring_bell(s->domain, s->domain->index);
	rci_events_show(&s->event);
}

int rc_task_reply(rc_task *shown, const void *data, size_t size)
{
	int result = check(shown, data, size);
	if (result == RC_ERROR_INVALID && shown != NULL) {
		rc_task_drop(shown); /* it ends all the same, or it would stay in hand for good */
		return rci_fail(result, "answer: no data (NULL) for %zu bytes: the asker was told that there is no answer", size);
	}
	if (result != RC_OK)
		return result;
	struct task *t = task_of(shown);
	struct letter l = {.data = data, .size = size, .kind = RC_MESSAGE_KIND_REPLY};
	result = answer(t, &l);
	if (result == RC_ERROR_TOO_LARGE) {
		(void)rci_task_error(t, ANSWER_TOO_LARGE, "");
		(void)rci_fail(result, "answer of %zu bytes does not fit the asker's inbox, who was told so", size);
	}
	rci_task_done(t);
	return result == RC_ERROR_TOO_LARGE ? result : RC_OK;
}

int rc_task_fail(rc_task *shown, uint32_t code, const char *text)
{
	int result = check(shown, text != NULL ? text : "", 0);
	if (result != RC_OK)
		return result;
	struct task *t = task_of(shown);
	uint32_t most = UINT32_MAX - ANSWER_APPLICATION;
	result = rci_task_error(t, ANSWER_APPLICATION + (code < most ? code : most), text != NULL ? text : "");
	if (result == RC_ERROR_TOO_LARGE)
		(void)rci_task_error(t, ANSWER_TOO_LARGE, "");
	rci_task_done(t);
	return result == RC_ERROR_TOO_LARGE ? result : RC_OK;
}

void rc_task_drop(rc_task *shown)
{
	if (shown == NULL || rci_usable(task_of(shown)->service->domain) != RC_OK)
		return;
	/* Whose time is over hears that, whichever clock saw it first. */
	(void)rci_task_error(task_of(shown), rc_task_time_left(shown) > 0 ? ANSWER_NO_REPLY : ANSWER_DEADLINE, "");
	rci_task_done(task_of(shown));
}

void rc_task_mark(rc_task *shown, uint8_t content, uint32_t schema)
{
	if (shown == NULL)
		return;
	task_of(shown)->content = content;
	task_of(shown)->schema = schema;
}

/* The control word of the hand; false: it is about another message. */
static bool control(const struct task *t, uint64_t *word)
{
	*word = load_acquire(row_control(t->hand)); /* pairs(control) */
	return control_tag(*word) == (uint32_t)hand_position(t->word);
}

int rc_task_wanted(rc_task *shown)
{
	uint64_t word, now = rci_now();
	int result = check(shown, NULL, 0);
	if (result != RC_OK)
		return result;
	struct task *t = task_of(shown);
	rc_domain *d = t->service->domain;
	bool gone = !t->shown.one_way && rci_gone(d, &t->block.source);
	if (!gone && !t->shown.one_way && now - t->asked >= ASK_AGAIN) {
		t->asked = now;
		gone = rci_recover(d, t->up.node != 0 ? &t->up : &t->block.source);
	}
	gone |= t->up.node != 0 && rci_gone(d, &t->up); /* who brought it has parted, and has told the caller */
	if (gone || load_relaxed(&t->service->hurry) != 0 || (control(t, &word) && (word & CONTROL_CANCEL) != 0))
		return rci_fail(RC_ERROR_CANCELED, "request: its asker has given it up, or is gone");
	return now >= t->due ? RC_TIMED_OUT : RC_OK;
}

int64_t rc_task_time_left(const rc_task *shown)
{
	uint64_t now = rci_now(), due = shown != NULL ? task_of(shown)->due : 0;
	return due > now ? (int64_t)(due - now) : 0;
}

/* One look for credit: RC_OK, one more may be sent; RC_NOTHING; or why none is wanted. */
static int look(void *argument)
{
	struct task *t = argument;
	uint64_t word;
	int result = rc_task_wanted(&t->shown);
	if (result != RC_OK)
		return result;
	return control(t, &word) && control_credit(word) <= t->sent ? RC_NOTHING : RC_OK;
}

static void leave_word(void *argument)
{
	const struct task *t = argument;
	uint64_t word;
	while (control(t, &word) && (word & (CONTROL_WAITING | CONTROL_CANCEL)) == 0 && control_credit(word) <= t->sent)
		if (cas(row_control(t->hand), word, word | CONTROL_WAITING)) /* pairs(control) */
			return;
}

static uint64_t nap_of(void *argument)
{
	(void)argument;
	return ASK_AGAIN;
}

static int await_credit(struct task *t, int64_t timeout)
{
	struct waiter waiter = {look, NULL, NULL, leave_word, nap_of, t};
	uint64_t spin_ns = 0;
	int result = look(t);
	if (result != RC_NOTHING)
		return result;
	if (timeout != 0)
		return rci_wait_for(t->service->domain, timeout, &spin_ns, &waiter);
	store_seq(&t->service->hungry, 1);
	leave_word(t);
	result = look(t);
	return result == RC_NOTHING ? RC_FULL : result;
}

int rc_task_more(rc_task *shown, const void *data, size_t size, int64_t timeout)
{
	int result = check(shown, data, size);
	if (result != RC_OK)
		return result;
	struct task *t = task_of(shown);
	if (t->shown.one_way)
		return RC_OK;
	if (!t->shown.streams)
		return rci_fail(RC_ERROR_ONE_REPLY, "answer: the asker takes one: it has to ask for a stream");
	result = await_credit(t, timeout);
	if (result != RC_OK)
		return result;
	struct letter l = {.data = data, .size = size, .kind = RC_MESSAGE_KIND_REPLY, .flags = RC_MESSAGE_FLAG_MORE};
	result = answer(t, &l);
	if (result == RC_OK)
		t->sent++;
	return result == RC_OK || result == RC_ERROR_TOO_LARGE ? result : rci_fail(RC_ERROR_CANCELED, "request: its asker is gone, or does not wait any more");
}
