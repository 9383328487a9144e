/* The way to other nodes: messaging.md, 13. */
#define _GNU_SOURCE
#include "away.h"

#include <stdlib.h>
#include <string.h>

#include "presence.h"
#include "table.h"

#define TRIES 10

bool rci_forwarder(rc_domain *d, struct rc_address *a)
{
	uint64_t word = load_acquire(&rci_node_record(d)->forwarder);
	uint32_t index = (uint32_t)word - 1;
	*a = (struct rc_address){d->node_id, d->epoch, (uint32_t)(word >> 32), (uint16_t)index, 0};
	return (uint32_t)word != 0 && index < d->record_count && !rci_gone(d, a);
}

int rci_uplink_put(struct post *p, const struct rc_address *to, struct letter *l, struct rc_address *up)
{
	l->block.destination = *to;
	l->block.destination.handle = 0;
	for (int i = 0; i < TRIES; i++) {
		if (!rci_forwarder(p->domain, up))
			break;
		int result = rci_box_send(p, up, BOX_UPLINK, l);
		if (result == RC_ERROR_OVERLOADED)
			return rci_fail(result, "uplink of this node is full");
		if (result != RC_ERROR_GONE && result != RC_ERROR_NO_INBOX)
			return result;
	}
	memset(up, 0, sizeof *up);
	return rci_fail(RC_ERROR_NODE_DOWN, "another node: no forwarder runs on this one");
}

/* What the directory says of one address. */
struct standing {
	struct table_visitor visitor; /* first */
	const struct rc_address *wanted;
	int code;
};

static void see_node(struct table_visitor *v, const char *name, const char *version)
{
	struct standing *s = (void *)v;
	(void)name, (void)version;
	if (v->address.node == s->wanted->node)
		s->code = v->address.epoch == s->wanted->epoch ? RC_OK : RC_ERROR_GONE;
}

static bool is_there(const struct standing *s)
{
	return s->visitor.address.node == s->wanted->node && s->visitor.address.epoch == s->wanted->epoch && s->visitor.address.index == s->wanted->index;
}

static void see_row(struct table_visitor *v, const char *name, const char *version)
{
	struct standing *s = (void *)v;
	(void)name, (void)version;
	if (is_there(s) && (int32_t)(v->address.generation - s->wanted->generation) > 0)
		s->code = RC_ERROR_GONE;
}

static void see_departure(struct table_visitor *v, uint8_t ending)
{
	struct standing *s = (void *)v;
	(void)ending;
	if (is_there(s) && (int32_t)(v->address.generation - s->wanted->generation) >= 0)
		s->code = RC_ERROR_GONE;
}

int rci_standing(rc_domain *d, const struct rc_address *to)
{
	struct standing s = {{.node = see_node, .participant = see_row, .departed = see_departure}, to, RC_ERROR_NODE_DOWN};
	char text[RC_ADDRESS_TEXT] = "";
	size_t size = 0;
	if (to->generation == 0)
		s.code = RC_ERROR_GONE;
	uint8_t *table = to->generation != 0 ? rci_directory_read(d, &size) : NULL;
	if (to->generation != 0 && table == NULL)
		return RC_OK; /* it is being written; the forwarder knows */
	if (size != 0 && !rci_directory_visit(table, size, &s.visitor))
		s.code = RC_OK;
	free(table);
	if (s.code == RC_OK)
		return RC_OK;
	(void)rc_address_format(to, text, sizeof text);
	return rci_fail(s.code, s.code == RC_ERROR_GONE ? "%s: is gone" : "%s: another node, and there is no way to it", text);
}

/* Whether some node serves a name. */
struct serving {
	struct table_visitor visitor; /* first */
	const char *name;
	bool found;
};

static void see_nothing(struct table_visitor *v, const char *name, const char *version) { (void)v, (void)name, (void)version; }

static void see_service(struct table_visitor *v, const char *name)
{
	struct serving *s = (void *)v;
	s->found |= strcmp(name, s->name) == 0;
}

static bool is_served(rc_domain *d, const char *name)
{
	struct serving s = {{.node = see_nothing, .node_service = see_service}, name, false};
	size_t size = 0;
	uint8_t *table = rci_directory_read(d, &size);
	if (table != NULL && size != 0)
		(void)rci_directory_visit(table, size, &s.visitor);
	free(table);
	return s.found;
}

int rci_serve_away(struct post *p, const struct callee *c, struct letter *l, int refused, struct rc_address *up)
{
	static const struct rc_address anybody;
	char why[256];
	if (refused != RC_ERROR_NO_SERVICE && refused != RC_ERROR_OVERLOADED)
		return refused;
	strncpy(why, rc_error_detail(), sizeof why - 1);
	why[sizeof why - 1] = 0;
	if (!rci_forwarder(p->domain, up) || !is_served(p->domain, c->name))
		return rci_fail(refused, "%s", why);
	l->block.service_hash = c->hash;
	int result = rci_uplink_put(p, &anybody, l, up);
	return result == RC_ERROR_NODE_DOWN ? rci_fail(refused, "%s", why) : result;
}

int rci_control_away(struct post *p, const rc_future *c, uint32_t code, uint32_t n)
{
	struct letter l = {.kind = RC_MESSAGE_KIND_SYSTEM};
	struct rc_address up;
	l.block.correlation = c->correlation;
	l.block.code = code;
	l.block.service_hash = c->callee != NULL ? c->callee->hash : 0;
	if (code == AWAY_CREDIT) {
		l.data = &n;
		l.size = sizeof n;
	}
	if (rci_gone(p->domain, &c->uplink))
		return RC_ERROR_NODE_DOWN; /* a later forwarder knows nothing of it */
	return rci_uplink_put(p, &c->target, &l, &up);
}

int rci_outcome_away(const rc_future *c, uint32_t code)
{
	if (code == ANSWER_NO_SERVICE)
		return c->refused != 0 ? c->refused : c->callee != NULL ? RC_ERROR_NO_SERVICE : RC_ERROR_NO_INBOX;
	return code == ANSWER_REQUEST_TOO_LARGE ? RC_ERROR_TOO_LARGE : RC_OK;
}
