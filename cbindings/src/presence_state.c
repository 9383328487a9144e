/* Reading who is there: messaging.md, 12. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "post.h"
#include "presence.h"
#include "table.h"

/* Memory of texts, freed with its state. */
struct texts {
	struct texts *next;
	char bytes[];
};

/* Copies a text into the state. */
static const char *keep_text(struct presences *p, const char *text)
{
	size_t size = strlen(text) + 1;
	struct texts *t = malloc(sizeof *t + size);
	if (t == NULL) {
		p->failed = true;
		return "";
	}
	memcpy(t->bytes, text, size);
	t->next = p->texts;
	p->texts = t;
	return t->bytes;
}

static void add(struct presences *p, const struct present *one)
{
	if (p->count == p->room) {
		size_t room = p->room == 0 ? 64 : 2 * p->room;
		struct present *all = realloc(p->all, room * sizeof *all);
		if (all == NULL) {
			p->failed = true;
			return;
		}
		p->all = all;
		p->room = room;
	}
	p->all[p->count++] = *one;
}

static void add_gone(struct presences *p, const struct rc_address *address, uint8_t ending)
{
	if (p->gone_count == p->gone_room) {
		size_t room = p->gone_room == 0 ? 64 : 2 * p->gone_room;
		struct departed *all = realloc(p->gone, room * sizeof *all);
		if (all == NULL) {
			p->failed = true;
			return;
		}
		p->gone = all;
		p->gone_room = room;
	}
	p->gone[p->gone_count++] = (struct departed){*address, ending};
}

void rci_presences_free(struct presences *p)
{
	while (p->texts != NULL) {
		struct texts *t = p->texts;
		p->texts = t->next;
		free(t);
	}
	free(p->all);
	free(p->gone);
	memset(p, 0, sizeof *p);
}

static int compare_numbers(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

int rci_present_compare(const struct present *a, const struct present *b)
{
	int c = compare_numbers(a->address.node, b->address.node);
	c = c != 0 ? c : compare_numbers(a->address.epoch, b->address.epoch);
	c = c != 0 ? c : compare_numbers(a->address.index, b->address.index);
	c = c != 0 ? c : compare_numbers(a->address.generation, b->address.generation);
	c = c != 0 ? c : compare_numbers(a->kind, b->kind);
	return c != 0 ? c : strcmp(a->name, b->name);
}

static int compare(const void *a, const void *b) { return rci_present_compare(a, b); }

/* One who is asked what he does. */
struct look {
	struct table_visitor visitor; /* first */
	struct presences *now;
	const char *program, *version;
};

static void put(struct look *l, uint32_t kind, const char *name, uint32_t limit, uint32_t room)
{
	struct present one = {l->visitor.address, kind, limit, room, l->visitor.language, name, l->program, l->version};
	add(l->now, &one);
}

static void see_participant(struct table_visitor *v, const char *name, const char *version)
{
	struct look *l = (void *)v;
	l->program = keep_text(l->now, name);
	l->version = keep_text(l->now, version);
	put(l, RC_PRESENCE_PARTICIPANT, l->program, 0, 0);
}

static void see_interest(struct table_visitor *v, const char *name, bool pattern, bool publisher)
{
	struct look *l = (void *)v;
	(void)pattern;
	put(l, publisher ? RC_PRESENCE_PUBLISHER : RC_PRESENCE_SUBSCRIBER, keep_text(l->now, name), 0, 0);
}

static void see_service(struct table_visitor *v, const char *name, uint32_t limit, uint32_t room)
{
	struct look *l = (void *)v;
	put(l, RC_PRESENCE_INSTANCE, keep_text(l->now, name), limit, room);
}

static void see_node(struct table_visitor *v, const char *name, const char *version)
{
	struct look *l = (void *)v;
	l->program = keep_text(l->now, name);
	l->version = keep_text(l->now, version);
	put(l, RC_PRESENCE_NODE, l->program, 0, 0);
}

static void see_gone(struct table_visitor *v, uint8_t ending)
{
	struct look *l = (void *)v;
	add_gone(l->now, &v->address, ending);
}

/* Whether a participant of the node is known to subscribe to the name. */
static bool listed(const struct presences *p, const struct rc_address *node, const char *name)
{
	for (size_t i = p->count; i-- > 0 && p->all[i].address.node == node->node;)
		if (p->all[i].kind == RC_PRESENCE_SUBSCRIBER && strcmp(p->all[i].name, name) == 0)
			return true;
	return false;
}

static void see_want(struct table_visitor *v, const char *name, const char *program, const char *version, bool partial)
{
	struct look *l = (void *)v;
	if (!partial || listed(l->now, &v->address, name))
		return;
	l->program = keep_text(l->now, program);
	l->version = keep_text(l->now, version);
	put(l, RC_PRESENCE_SUBSCRIBER, keep_text(l->now, name), 0, 0);
}

/* Takes over what was known of others: of one participant, or of all other nodes. */
static void keep_known(struct presences *now, const struct presences *before, const struct rc_address *one, uint32_t node)
{
	for (size_t i = 0; i < before->count; i++) {
		struct present p = before->all[i];
		bool wanted = one != NULL ? memcmp(&p.address, one, sizeof *one) == 0 : p.address.node != node;
		if (!wanted)
			continue;
		p.name = keep_text(now, p.name);
		p.program = keep_text(now, p.program);
		p.version = keep_text(now, p.version);
		add(now, &p);
	}
}

static void see_record(rc_domain *d, uint32_t index, const struct presences *before, uint8_t *dead, struct look *l)
{
	const struct rc_participant_record *r = rci_record(d, index);
	uint64_t state = load_acquire(&r->state); /* pairs(live) */
	size_t size = 0, had = l->now->count;
	if ((uint32_t)state != RC_PARTICIPANT_STATE_LIVE)
		return;
	if (!rci_alive(d, index)) {
		if (load_acquire(&r->state) == state) /* or it has just left */
			dead[index] = 1;
		return;
	}
	l->visitor.address = (struct rc_address){d->node_id, d->epoch, (uint32_t)(state >> 32), (uint16_t)index, 0};
	l->visitor.language = load_relaxed(&r->language);
	uint8_t *table = rci_info_read(d, index, &size);
	bool good = table != NULL && rci_table_visit(table, size, &l->visitor);
	free(table);
	if (good)
		return;
	l->now->count = had;
	keep_known(l->now, before, &l->visitor.address, 0);
}

static void see_others(rc_domain *d, const struct presences *before, struct look *l)
{
	size_t size = 0, had = l->now->count;
	l->now->forwarder = rci_locked(d->node.file.fd, RC_LOCK_BYTE_FORWARDER);
	if (!l->now->forwarder)
		return;
	uint8_t *table = rci_directory_read(d, &size);
	bool good = table != NULL && (size == 0 || rci_directory_visit(table, size, &l->visitor));
	free(table);
	if (good)
		return;
	l->now->count = had;
	l->now->gone_count = 0;
	keep_known(l->now, before, NULL, d->node_id);
}

/* A thing that somebody says twice is there once. */
static void sort(struct presences *p)
{
	size_t kept = 0;
	if (p->count != 0)
		qsort(p->all, p->count, sizeof *p->all, compare);
	for (size_t i = 0; i < p->count; i++)
		if (kept == 0 || compare(&p->all[kept - 1], &p->all[i]) != 0)
			p->all[kept++] = p->all[i];
	p->count = kept;
}

/* The ending that was told last of this address; 0: none was. */
static uint8_t ending_of(const struct presences *p, const struct rc_address *a)
{
	for (size_t i = p->gone_count; i-- > 0;)
		if (rci_same_address(&p->gone[i].address, a))
			return p->gone[i].ending;
	return RC_ENDING_NONE;
}

static bool has_node(const struct presences *p, const struct rc_address *node)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->all[i].kind == RC_PRESENCE_NODE && rci_same_address(&p->all[i].address, node))
			return true;
	return false;
}

uint8_t rci_presences_reason(const struct presences *now, const struct rc_address *a)
{
	const struct rc_address node = {.node = a->node, .epoch = a->epoch};
	if (!now->forwarder)
		return RC_REASON_NO_FORWARDER;
	if (has_node(now, &node))
		return a->generation != 0 && ending_of(now, a) == RC_ENDING_DIED ? RC_REASON_DIED : RC_REASON_LEFT;
	return ending_of(now, &node) == RC_ENDING_LEFT ? RC_REASON_NODE_LEFT : RC_REASON_NODE_DOWN;
}

int rci_presences_look(rc_domain *d, const struct presences *before, uint8_t *dead, struct presences *now)
{
	struct look l = {{.participant = see_participant, .interest = see_interest, .service = see_service, .node = see_node, .want = see_want,
		.departed = see_gone, .lost = see_gone}, now, "", ""};
	memset(now, 0, sizeof *now);
	for (uint32_t i = 0; i < d->record_count; i++)
		see_record(d, i, before, dead, &l);
	see_others(d, before, &l);
	sort(now);
	if (!now->failed)
		return RC_OK;
	rci_presences_free(now);
	return rci_fail(RC_ERROR_NO_MEMORY, "watch");
}
