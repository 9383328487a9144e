/* What a topic's ring is, as its users see it. */
#define _GNU_SOURCE
#include <string.h>

#include "publisher.h"
#include "subscription.h"

static void fill(const struct ring *r, rc_topic_info *info)
{
	const struct rc_ring_control *c = r->control;
	memset(info, 0, sizeof *info);
	info->slots = r->shape.slots;
	info->slot_size = r->shape.payload;
	info->mode = r->shape.mode;
	info->kind = r->shape.kind;
	info->history = r->shape.history;
	info->message_limit = rci_message_limit(&r->shape);
	info->tail = load_acquire(&c->tail);
	info->quarantined = load_relaxed(&c->quarantined);
	info->recovered = load_relaxed(&c->recovered);
	info->evicted = load_relaxed(&c->evicted);
	info->damaged = load_relaxed(&c->damaged);
}

int rc_publisher_info(const rc_publisher *p, rc_topic_info *info)
{
	int result = p == NULL || info == NULL ? rci_fail(RC_ERROR_INVALID, "info: NULL") : rci_usable(p->domain);
	if (result == RC_OK && p->producer.ring == NULL)
		return rci_fail(RC_ERROR_NOT_FOUND, "info of %s: its ring is gone, and could not be opened again: open the publisher again", p->topic);
	if (result == RC_OK)
		fill(p->producer.ring, info);
	return result;
}

int rc_subscription_info(const rc_subscription *s, rc_topic_info *info)
{
	int result = s == NULL || info == NULL ? rci_fail(RC_ERROR_INVALID, "info: NULL") : rci_usable(s->domain);
	if (result == RC_OK && s->pattern)
		return rci_fail(RC_ERROR_INVALID, "%s: a pattern has no ring of its own", s->name);
	if (result == RC_OK)
		fill(s->first->ring, info);
	return result;
}
