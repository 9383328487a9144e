/* Asking all who subscribe to a topic: messaging.md, 11. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "presence.h"
#include "survey.h"
#include "table.h"

/* A topic that we have asked questions on. */
struct survey_topic {
	char name[RC_MAX_NAME + 1];
	rc_publisher *publisher;
	struct survey_topic *next;
};

/* The publisher of a topic, for questions; the surveys' mutex is held. */
static int publisher_of(struct post *p, const char *topic, rc_publisher **publisher)
{
	struct survey_topic *t = p->surveys;
	while (t != NULL && strcmp(t->name, topic) != 0)
		t = t->next;
	if (t != NULL) {
		*publisher = t->publisher;
		return RC_OK;
	}
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "survey on %s", topic);
	int result = rc_publisher_open(p->domain, topic, NULL, &t->publisher);
	if (result != RC_OK) {
		free(t);
		return result;
	}
	(void)snprintf(t->name, sizeof t->name, "%s", topic);
	t->next = p->surveys;
	p->surveys = t;
	*publisher = t->publisher;
	return RC_OK;
}

/* Collects those of other nodes. */
struct elsewhere {
	struct table_visitor visitor; /* first */
	const char *topic;
	struct asked *asked;
	bool failed; /* no memory */
};

static void see_nothing(struct table_visitor *v, const char *name, const char *version) { (void)v, (void)name, (void)version; }

static void see_interest(struct table_visitor *v, const char *name, bool pattern, bool publisher)
{
	struct elsewhere *e = (void *)v;
	struct asked *asked = e->asked;
	if (publisher || v->local_only || !(strcmp(name, e->topic) == 0 || (pattern && rc_name_matches(name, e->topic))))
		return;
	if (asked->count != 0 && rci_same_address(&asked->addresses[asked->count - 1], &v->address))
		return; /* by another subscription */
	struct rc_address *more = realloc(asked->addresses, (asked->count + 1) * sizeof *more);
	e->failed |= more == NULL;
	if (more == NULL)
		return;
	asked->addresses = more;
	more[asked->count++] = v->address;
}

static int add_elsewhere(rc_domain *d, const char *topic, struct asked *asked)
{
	struct elsewhere e = {{.node = see_nothing, .interest = see_interest}, topic, asked, false};
	size_t size = 0;
	uint8_t *table = rci_locked(d->node.file.fd, RC_LOCK_BYTE_FORWARDER) ? rci_directory_read(d, &size) : NULL;
	if (table != NULL && size != 0)
		(void)rci_directory_visit(table, size, &e.visitor);
	free(table);
	return e.failed ? rci_fail(RC_ERROR_NO_MEMORY, "survey on %s", topic) : RC_OK;
}

/* The participants that subscribe to a topic: free(asked->addresses). */
static int subscribers(struct post *p, const char *topic, struct asked *asked)
{
	const rc_domain *d = p->domain;
	for (uint32_t i = 0; i < d->record_count; i++) {
		uint64_t state = load_acquire(&rci_record(d, i)->state); /* pairs(live) */
		size_t size = 0;
		if ((uint32_t)state != RC_PARTICIPANT_STATE_LIVE || !rci_alive(d, i))
			continue;
		uint8_t *table = rci_info_read(d, i, &size);
		bool asks = table != NULL && rci_table_subscriptions(table, size, topic) != 0;
		free(table);
		if (!asks)
			continue;
		struct rc_address *more = realloc(asked->addresses, (asked->count + 1) * sizeof *more);
		if (more == NULL)
			return rci_fail(RC_ERROR_NO_MEMORY, "survey on %s", topic);
		asked->addresses = more;
		more[asked->count++] = (struct rc_address){d->node_id, d->epoch, (uint32_t)(state >> 32), (uint16_t)i, 0};
	}
	return add_elsewhere(p->domain, topic, asked);
}

/* Publishes the question; the surveys' mutex is held. */
static int publish(rc_future *c, rc_publisher *publisher, const struct question *q)
{
	struct desk *k = c->desk;
	struct letter l;
	rc_marks marks;
	desk_lock(k);
	c->sent = true; /* before it is: answers may come at once */
	desk_unlock(k);
	rci_call_letter(c, q, &l);
	l.block.source = k->post->self;
	memset(&marks, 0, sizeof marks);
	marks.content = l.content;
	marks.schema = l.schema;
	const struct outgoing question = {q->data, q->size, &marks, &l.block};
	uint64_t now = rci_now();
	return rci_publisher_ask(publisher, &question, c->due > now ? (int64_t)(c->due - now) : 0);
}

/* Begins the call and publishes: RC_OK, or it is settled and nothing was sent. */
static int begin(struct post *p, rc_future *c, const char *topic, const struct question *q)
{
	struct desk *k = NULL;
	rc_publisher *publisher = NULL;
	int result = publisher_of(p, topic, &publisher);
	if (result == RC_OK)
		result = subscribers(p, topic, &c->asked);
	if (result == RC_OK)
		result = rci_desk(p, &k);
	if (result == RC_OK)
		result = rci_call_begin(k, c, c->asked.count, false);
	if (result != RC_OK)
		return result;
	if (c->asked.count != 0)
		result = publish(c, publisher, q);
	desk_lock(k);
	if (result != RC_OK || c->asked.count == 0)
		rci_desk_settle(k, c, result); /* without anybody it ends at once */
	desk_unlock(k);
	return result;
}

int rc_survey_start(rc_domain *d, const char *topic, const void *data, size_t size, const rc_ask *options, rc_future **future)
{
	struct post *p;
	int result = future == NULL || (data == NULL && size != 0) ? rci_fail(RC_ERROR_INVALID, "survey: no place for the future, or no data (NULL)") : rci_ask_check(&options);
	if (result == RC_OK && !rci_name_valid(topic))
		result = rci_fail(RC_ERROR_NAME, "survey on \"%.64s\": want letters, digits, _ and -, with dots between, at most %d bytes", topic != NULL ? topic : "", RC_MAX_NAME);
	if (result == RC_OK)
		result = rci_post(d, &p);
	if (result != RC_OK)
		return result;
	rc_future *c = calloc(1, sizeof *c);
	if (c == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "survey");
	const struct question q = {data, size, options};
	c->many = c->survey = true;
	c->due = rci_due(options);
	c->argument = options->argument;
	c->asked.quorum = options->quorum;
	(void)pthread_mutex_lock(&p->surveys_mutex);
	result = begin(p, c, topic, &q);
	(void)pthread_mutex_unlock(&p->surveys_mutex);
	if (result != RC_OK) {
		free(c->asked.addresses);
		free(c);
		return result;
	}
	rci_future_known(c, options->ready);
	*future = c;
	return RC_OK;
}

unsigned rci_surveys_close(struct post *p, bool count_only)
{
	unsigned n = 0;
	for (const struct survey_topic *t = p->surveys; t != NULL; t = t->next)
		n++;
	while (!count_only && p->surveys != NULL) {
		struct survey_topic *t = p->surveys;
		p->surveys = t->next;
		rc_publisher_close(t->publisher);
		free(t);
	}
	return n;
}
