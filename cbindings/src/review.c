/* Whose time is over, and who is gone: messaging.md, 9, Departures. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "away.h"

/* Many calls that end one behind the other cost one look. */
#define DUE_STEP UINT64_C(1000000)

void rci_desk_expire(struct desk *k)
{
	uint64_t now = rci_now(), next = 0;
	if (k->due == 0 || now < k->due)
		return;
	for (uint32_t i = 0; i < k->call_count; i++) {
		rc_future *c = k->calls[i];
		if (c == NULL)
			continue;
		if (c->due <= now)
			rci_desk_give_up(k, c, RC_TIMED_OUT);
		else if (next == 0 || c->due < next)
			next = c->due;
	}
	if (next != 0 && next < now + DUE_STEP)
		next = now + DUE_STEP;
	store_relaxed(&k->due, next);
}

/* Whether an address of any node is nobody's any more. */
static bool departed(const struct desk *k, const struct rc_address *a)
{
	return rci_is_away(k->post, a) ? rci_standing(k->domain, a) != RC_OK : rci_recover(k->domain, a);
}

/* Of a survey it is one answer less. */
static void bereave(struct desk *k, rc_future *c)
{
	if (!c->survey) {
		rci_desk_settle(k, c, c->uplink.node != 0 ? RC_ERROR_NODE_DOWN : RC_ERROR_INSTANCE_DIED);
		return;
	}
	for (uint32_t i = c->asked.count; i-- > 0;)
		if (departed(k, &c->asked.addresses[i]))
			c->asked.addresses[i] = c->asked.addresses[--c->asked.count];
	rci_survey_less(k, c);
}

void rci_desk_bury(struct desk *k)
{
	size_t kept = 0;
	for (size_t i = 0; i < k->dying_count; i++) {
		struct dying x = k->dying[i];
		rc_future *c = rci_desk_find(k, x.correlation);
		if (c == NULL)
			continue;
		if (k->reader.cursor < x.tail)
			k->dying[kept++] = x;
		else
			bereave(k, c);
	}
	k->dying_count = kept;
	if (kept != 0)
		store_seq(&k->news, 1); /* again behind the next message */
}

/* Notes that whoever had a request is gone. What it had answered lies before the tail. */
static void note(void *argument, uint64_t correlation)
{
	struct desk *k = argument;
	for (size_t i = 0; i < k->dying_count; i++)
		if (k->dying[i].correlation == correlation)
			return;
	if (k->dying_count == k->dying_room) {
		size_t room = k->dying_room == 0 ? 16 : 2 * k->dying_room;
		struct dying *more = realloc(k->dying, room * sizeof *more);
		if (more == NULL)
			return; /* the next review tries again */
		k->dying = more;
		k->dying_room = room;
	}
	k->dying[k->dying_count++] = (struct dying){correlation, load_acquire(&k->ring->control->tail)}; /* pairs(tail) */
	store_seq(&k->news, 1);
}

static void review_survey(struct desk *k, const rc_future *c)
{
	for (uint32_t i = 0; i < c->asked.count; i++) {
		if (departed(k, &c->asked.addresses[i])) {
			note(k, c->correlation);
			return;
		}
	}
}

/* No instance is left: what nobody has started never runs. */
static void withdraw_all(struct desk *k, const struct callee *callee)
{
	for (uint32_t i = 0; i < k->call_count; i++) {
		rc_future *c = k->calls[i];
		if (c != NULL && c->callee == callee && c->sent && c->uplink.node == 0 && rci_callee_withdraw(c->callee, c->position, c->serial))
			rci_desk_settle(k, c, RC_ERROR_NO_SERVICE);
	}
}

/* Looks once at each service to which a call is open: such a one is not forgotten. */
static void review_callees(struct desk *k)
{
	k->reviews++;
	for (uint32_t i = 0; i < k->call_count; i++) {
		struct callee *callee = k->calls[i] != NULL ? k->calls[i]->callee : NULL;
		if (callee == NULL || callee->reviewed == k->reviews)
			continue;
		callee->reviewed = k->reviews;
		if (!rci_callee_review(callee, note, k))
			withdraw_all(k, callee);
	}
}

void rci_desk_review(struct desk *k)
{
	desk_lock(k);
	review_callees(k);
	for (uint32_t i = 0; i < k->call_count; i++) {
		const rc_future *c = k->calls[i];
		if (c == NULL || !c->sent || (c->callee != NULL && c->uplink.node == 0))
			continue;
		if (c->uplink.node != 0) {
			if (rci_recover(k->domain, &c->uplink))
				note(k, c->correlation);
		} else if (c->survey)
			review_survey(k, c);
		else if (rci_recover(k->domain, &c->target))
			note(k, c->correlation);
	}
	store_relaxed(&k->reviewed, rci_now());
	desk_unlock(k);
	rci_outboxes_tidy(k->post);
}
