/* How many subscribe to a topic: messaging.md, 4. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "presence.h"
#include "table.h"

#define LOOK_AGAIN UINT64_C(2000000)

/* Counts the subscriptions of other nodes: one by one as far as they are listed and their node has asked for them, and one
 * of a node that wants the topic and lists nobody who does. */
struct counting {
	struct table_visitor visitor; /* first */
	const char *topic;
	uint32_t count, listed; /* of all before, and of this node */
	const char **asked;     /* names and patterns that this node wants and that take the topic: they lie in the table */
	size_t asked_count, asked_room;
	bool failed; /* no memory */
};

static bool is_asked(const struct counting *c, const char *name)
{
	for (size_t i = 0; i < c->asked_count; i++)
		if (strcmp(c->asked[i], name) == 0)
			return true;
	return false;
}

static void count_interest(struct table_visitor *v, const char *name, bool pattern, bool publisher)
{
	struct counting *c = (void *)v;
	if (!publisher && !v->local_only && (strcmp(name, c->topic) == 0 || (pattern && rc_name_matches(name, c->topic))) && is_asked(c, name))
		c->listed++;
}

/* The node before has come to its end. */
static void add_node(struct counting *c)
{
	if (c->asked_count != 0) /* what it wants decides where messages go */
		c->count += c->listed != 0 ? c->listed : 1;
	c->listed = 0;
	c->asked_count = 0;
}

static void see_node(struct table_visitor *v, const char *name, const char *version)
{
	(void)name, (void)version;
	add_node((struct counting *)(void *)v);
}

static void see_asked(struct table_visitor *v, const char *name)
{
	struct counting *c = (void *)v;
	if (strcmp(name, c->topic) != 0 && !rc_name_matches(name, c->topic))
		return;
	if (c->asked_count == c->asked_room) {
		size_t room = c->asked_room == 0 ? 16 : 2 * c->asked_room;
		const char **more = realloc(c->asked, room * sizeof *more);
		c->failed |= more == NULL;
		if (more == NULL)
			return;
		c->asked = more;
		c->asked_room = room;
	}
	c->asked[c->asked_count++] = name;
}

static uint32_t own_subscriptions(rc_domain *d, const char *topic)
{
	uint32_t count = 0;
	(void)pthread_mutex_lock(&d->mutex);
	for (const struct interest *i = d->interests; i != NULL; i = i->next)
		if (!i->publisher && (strcmp(i->name, topic) == 0 || rc_name_matches(i->name, topic)))
			count += i->count;
	(void)pthread_mutex_unlock(&d->mutex);
	return count;
}

/* A directory that can't be read has none: there may be no forwarder. */
static int count_elsewhere(rc_domain *d, const char *topic, uint32_t *count)
{
	struct counting others = {.visitor = {.interest = count_interest, .node = see_node, .asks = see_asked}, .topic = topic};
	size_t size = 0;
	uint8_t *table = rci_directory_read(d, &size);
	bool good = table != NULL && size != 0 && rci_directory_visit(table, size, &others.visitor);
	add_node(&others);
	free(table);
	free(others.asked);
	if (others.failed)
		return rci_fail(RC_ERROR_NO_MEMORY, "wait for subscribers");
	*count += good ? others.count : 0;
	return RC_OK;
}

static int count_subscribers(rc_domain *d, const char *topic, uint32_t *found)
{
	uint32_t count = own_subscriptions(d, topic);
	size_t size = 0;
	for (uint32_t i = 0; i < d->record_count; i++) {
		if ((uint32_t)load_acquire(&rci_record(d, i)->state) != RC_PARTICIPANT_STATE_LIVE || i == d->index || !rci_alive(d, i)) /* pairs(live) */
			continue;
		uint8_t *table = rci_info_read(d, i, &size);
		count += table != NULL ? rci_table_subscriptions(table, size, topic) : 0;
		free(table);
	}
	*found = count;
	return count_elsewhere(d, topic, found);
}

int rc_wait_for_subscribers(rc_domain *d, const char *topic, uint32_t count, int64_t timeout, uint32_t *have)
{
	int result = d == NULL ? rci_fail(RC_ERROR_INVALID, "wait for subscribers: NULL") : rci_usable(d);
	if (result == RC_OK && !rci_name_valid(topic))
		result = rci_fail(RC_ERROR_NAME, "topic \"%.64s\": not a name", topic != NULL ? topic : "");
	uint64_t deadline = rci_deadline(timeout);
	while (result == RC_OK) {
		uint32_t found;
		result = count_subscribers(d, topic, &found);
		if (result != RC_OK)
			break;
		if (have != NULL)
			*have = found;
		if (found >= count)
			break;
		if (rci_now() >= deadline)
			return RC_TIMED_OUT;
		rci_sleep(LOOK_AGAIN);
	}
	return result;
}
