/* Requests whose outcome is to come. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "away.h"

/* Of so many answers taken new credit is given for them. */
#define GRANT_AT (STREAM_SHARES / 2)
#define CREDIT_REST UINT64_C(1000000)

void rci_future_known(rc_future *c, rc_ready *ready)
{
	struct desk *k = c->desk;
	(void)pthread_mutex_lock(&k->domain->mutex);
	k->domain->open_handles++;
	(void)pthread_mutex_unlock(&k->domain->mutex);
	desk_lock(k);
	c->ready = ready;
	if (rci_party_call(&(struct party){.call = c})) /* it has come already */
		rci_desk_tell(k, c);
	else if (!k->led)
		rci_events_show(&k->source); /* nobody has left word for its answer */
	desk_unlock(k);
}

/* Moves an answer out; the caller's memory takes its place. */
static void move(rc_reply *from, rc_reply *to)
{
	rc_reply mine = *to;
	*to = *from;
	*from = mine;
}

/* What there is to take; the mutex is held. *grant: so much credit is to be given. */
static int take(rc_future *c, rc_reply *reply, uint32_t *grant)
{
	struct answer *a = c->first;
	if (a != NULL) {
		c->first = a->next;
		if (c->first == NULL)
			c->last = &c->first;
		move(&a->reply, reply);
		free(a->reply.data);
		free(a);
		if (++c->credit >= GRANT_AT && !c->settled && !c->survey) {
			*grant = c->credit;
			c->credit = 0;
		}
		return RC_OK;
	}
	if (!c->settled)
		return RC_NOTHING;
	if (c->taken || (c->many && c->code == RC_OK)) /* an error ends a stream, too, and is told once */
		return RC_END;
	if (c->has)
		move(&c->reply, reply);
	c->taken = true;
	int result = c->code == RC_ERROR_REPLY ? (c->into = reply, rci_call_outcome(c)) : rci_call_outcome(c);
	c->into = &c->reply;
	return result;
}

/* Lets the instance send so many more. In a full uplink it waits for room. */
static void give_credit(rc_future *c, uint32_t n)
{
	struct desk *k = c->desk;
	desk_lock(k);
	bool away = c->uplink.node != 0, settled = c->settled;
	desk_unlock(k);
	if (!away && c->callee != NULL)
		rci_callee_grant(c->callee, c->correlation, n);
	while (away && !settled && rci_control_away(k->post, c, AWAY_CREDIT, n) == RC_ERROR_OVERLOADED && rci_now() < c->due) {
		rci_sleep(CREDIT_REST);
		desk_lock(k);
		settled = c->settled;
		desk_unlock(k);
	}
}

int rc_future_wait(rc_future *c, int64_t timeout, rc_reply *reply)
{
	struct party p;
	uint32_t grant = 0;
	if (c == NULL || reply == NULL)
		return rci_fail(RC_ERROR_INVALID, "future: NULL");
	struct desk *k = c->desk;
	int result = rci_usable(k->domain);
	if (result != RC_OK)
		return result;
	desk_lock(k);
	result = take(c, reply, &grant);
	if (result == RC_NOTHING) {
		rci_party_begin(&p, k, c);
		c->party = &p;
		int waited = rci_desk_await(k, &p, rci_deadline(timeout));
		c->party = NULL;
		rci_party_end(&p);
		result = waited < 0 ? waited : take(c, reply, &grant);
	}
	desk_unlock(k);
	if (grant != 0)
		give_credit(c, grant);
	return result;
}

int rc_future_cancel(rc_future *c)
{
	int result = c == NULL ? rci_fail(RC_ERROR_INVALID, "future: NULL") : rci_usable(c->desk->domain);
	if (result != RC_OK)
		return result;
	desk_lock(c->desk);
	rci_desk_give_up(c->desk, c, RC_ERROR_CANCELED);
	desk_unlock(c->desk);
	return RC_OK;
}

void rc_future_close(rc_future *c)
{
	if (c == NULL)
		return;
	struct desk *k = c->desk;
	rc_domain *d = k->domain;
	if (load_relaxed(&d->forked) == 0) {
		desk_lock(k);
		rci_desk_forget(k, c);
		desk_unlock(k);
		rci_callee_drop(c->callee);
	}
	while (c->first != NULL) {
		struct answer *a = c->first;
		c->first = a->next;
		free(a->reply.data);
		free(a);
	}
	free(c->reply.data);
	free(c->asked.addresses);
	free(c);
	(void)pthread_mutex_lock(&d->mutex);
	d->open_handles--;
	(void)pthread_mutex_unlock(&d->mutex);
}

/* Calls whom there is something for; the mutex is held, but not while they run. */
static size_t call_all(struct desk *k)
{
	size_t called = 0;
	while (k->queue != NULL) {
		rc_future *c = k->queue;
		k->queue = c->next_queued;
		if (k->queue == NULL)
			k->queue_end = &k->queue;
		c->queued = false;
		rc_ready *ready = c->ready;
		void *argument = c->argument;
		desk_unlock(k);
		ready(argument, c);
		called++;
		desk_lock(k);
	}
	return called;
}

static bool queue_ready(const struct party *p) { return p->desk->queue != NULL; }

/* Clears the descriptor and leaves word for what comes from now on, where nobody reads. */
static void arm(struct desk *k)
{
	if (k->source.fd < 0)
		return;
	rci_events_clear(&k->source);
	if (!k->led && rci_reader_leave_word(&k->reader))
		rci_events_blind(k->domain);
}

int rc_replies_dispatch(rc_domain *d, int64_t timeout, size_t *called)
{
	struct post *post;
	struct desk *k;
	struct party p;
	int result = rci_post(d, &post);
	if (result == RC_OK)
		result = rci_desk(post, &k);
	if (called != NULL)
		*called = 0;
	if (result != RC_OK)
		return result;
	uint64_t deadline = rci_deadline(timeout);
	desk_lock(k);
	if (k->dispatching) {
		desk_unlock(k);
		return rci_fail(RC_ERROR_BUSY, "dispatch: another thread does");
	}
	k->dispatching = true;
	arm(k);
	rci_party_begin(&p, k, NULL);
	p.ready = queue_ready;
	size_t n = 0;
	do {
		result = rci_desk_await(k, &p, n == 0 ? deadline : 0);
		n += call_all(k);
	} while (result == RC_OK);
	rci_party_end(&p);
	k->dispatching = false;
	desk_unlock(k);
	if (called != NULL)
		*called = n;
	return result < 0 ? result : n != 0 ? RC_OK : RC_NOTHING;
}

int rc_replies_fd(rc_domain *d, int *fd)
{
	struct post *post;
	struct desk *k;
	int result = fd == NULL ? rci_fail(RC_ERROR_INVALID, "descriptor: NULL") : rci_post(d, &post);
	if (result == RC_OK)
		result = rci_desk(post, &k);
	if (result != RC_OK)
		return result;
	desk_lock(k);
	result = rci_events_open(d, &k->source);
	*fd = k->source.fd;
	desk_unlock(k);
	return result;
}
