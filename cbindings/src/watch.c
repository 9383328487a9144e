/* Watching who comes and goes: messaging.md, 12. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "presence.h"

struct rc_watch {
	rc_domain *domain;
	uint32_t kinds;
	char name[RC_MAX_NAME + 1];
	bool once, looked, first;
	struct bells bells;
	struct presences before, now;
	/* What is to be told of the last look: first what is in before and not in now, from the end, then what is in now and
	 * not in before. */
	size_t down, up;
	bool telling;
};

static size_t token(const char *s) { return strcspn(s, "."); }

/* Whether some name is matched by both; each may be a name or a pattern. */
static bool overlap(const char *a, const char *b)
{
	if ((a[0] == '$') != (b[0] == '$'))
		return false; /* a pattern that begins with $ spells the first token out */
	for (;;) {
		size_t n = token(a), m = token(b);
		if (a[0] == '>' || b[0] == '>')
			return true;
		if (a[0] != '*' && b[0] != '*' && (n != m || memcmp(a, b, n) != 0))
			return false;
		if (a[n] == 0 || b[m] == 0)
			return a[n] == b[m];
		a += n + 1;
		b += m + 1;
	}
}

static bool wanted(const rc_watch *w, const struct present *p)
{
	if (w->kinds != 0 && (w->kinds >> p->kind & 1) == 0)
		return false;
	return w->name[0] == 0 || p->kind < RC_PRESENCE_PUBLISHER || overlap(w->name, p->name);
}

static const struct present *find(const struct presences *state, const struct present *key)
{
	size_t from = 0, to = state->count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int c = rci_present_compare(&state->all[middle], key);
		if (c == 0)
			return &state->all[middle];
		if (c < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* Why something of this address is gone. */
static uint8_t reason(const rc_watch *w, const struct rc_address *a)
{
	const rc_domain *d = w->domain;
	if (a->node == d->node_id && a->epoch == d->epoch) {
		uint32_t ending = rci_ending(d, a->index, a->generation); /* as the record tells, whoever freed it */
		if (ending == RC_ENDING_NONE && a->index < d->record_count && w->bells.dead[a->index])
			ending = RC_ENDING_DIED;
		return ending == RC_ENDING_DIED ? RC_REASON_DIED : RC_REASON_LEFT;
	}
	return rci_presences_reason(&w->now, a);
}

static void tell(const struct present *p, rc_presence_event *e)
{
	memset(e, 0, sizeof *e);
	e->kind = p->kind;
	e->language = p->language;
	e->name = p->name;
	e->program = p->program;
	e->version = p->version;
	e->address = p->address;
	e->limit = p->limit;
	e->room = p->room;
}

/* The next event of the last look; false: all is told. */
static bool next_event(rc_watch *w, rc_presence_event *e)
{
	while (w->down > 0) {
		const struct present *p = &w->before.all[--w->down];
		if (find(&w->now, p) != NULL || !wanted(w, p))
			continue;
		tell(p, e);
		e->reason = reason(w, &p->address);
		return true;
	}
	while (w->up < w->now.count) {
		const struct present *p = &w->now.all[w->up++];
		if (find(&w->before, p) != NULL || !wanted(w, p))
			continue;
		tell(p, e);
		e->up = true;
		e->first = w->first;
		return true;
	}
	return false;
}

static int look(rc_watch *w)
{
	struct presences now;
	rci_bells_attend(&w->bells);
	int result = rci_presences_look(w->domain, &w->before, w->bells.dead, &now);
	if (result != RC_OK)
		return result;
	w->first = !w->looked;
	w->looked = true;
	w->now = now;
	w->down = w->before.count;
	w->up = 0;
	w->telling = true;
	return RC_OK;
}

/* All of the last look is told. */
static void settle(rc_watch *w)
{
	rci_presences_free(&w->before);
	w->before = w->now;
	memset(&w->now, 0, sizeof w->now);
	memset(w->bells.dead, 0, w->domain->record_count);
	w->telling = false;
}

static int check_config(const rc_watch_config *c)
{
	for (size_t i = 0; i < sizeof c->reserved / sizeof *c->reserved; i++)
		if (c->reserved[i] != 0)
			return rci_fail(RC_ERROR_INVALID, "watch: reserved field %zu is not zero", i);
	if ((c->kinds & ~(uint32_t)0x3e) != 0)
		return rci_fail(RC_ERROR_INVALID, "watch: kinds %#x: want bits %d to %d", (unsigned)c->kinds, RC_PRESENCE_NODE, RC_PRESENCE_INSTANCE);
	if (c->name != NULL && !rci_pattern_valid(c->name))
		return rci_fail(RC_ERROR_NAME, "watch \"%.64s\": not a name, nor a pattern", c->name);
	return RC_OK;
}

static void count_handle(rc_domain *d, int by)
{
	(void)pthread_mutex_lock(&d->mutex);
	d->open_handles += (unsigned)by;
	(void)pthread_mutex_unlock(&d->mutex);
}

int rc_watch_open(rc_domain *d, const rc_watch_config *config, rc_watch **watch)
{
	static const rc_watch_config all;
	int result = d == NULL || watch == NULL ? rci_fail(RC_ERROR_INVALID, "watch: NULL") : rci_usable(d);
	if (config == NULL)
		config = &all;
	if (result == RC_OK)
		result = check_config(config);
	if (result != RC_OK)
		return result;
	rc_watch *w = calloc(1, sizeof *w);
	if (w == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "watch");
	w->domain = d;
	w->kinds = config->kinds;
	w->once = config->once;
	if (config->name != NULL)
		memcpy(w->name, config->name, strlen(config->name) + 1);
	result = rci_bells_open(&w->bells, d);
	if (result != RC_OK) {
		rci_bells_close(&w->bells);
		free(w);
		return result;
	}
	count_handle(d, 1);
	*watch = w;
	return RC_OK;
}

int rc_watch_wait(rc_watch *w, int64_t timeout, rc_presence_event *event)
{
	int result = w == NULL || event == NULL ? rci_fail(RC_ERROR_INVALID, "watch: NULL") : rci_usable(w->domain);
	if (result != RC_OK)
		return result;
	uint64_t deadline = rci_deadline(timeout);
	for (;;) {
		if (w->telling && next_event(w, event))
			return RC_OK;
		if (w->telling)
			settle(w);
		if (w->looked && w->once)
			return RC_END;
		result = w->looked ? rci_bells_wait(&w->bells, deadline) : RC_OK;
		if (result == RC_TIMED_OUT)
			return timeout == 0 ? RC_NOTHING : RC_TIMED_OUT;
		result = look(w);
		if (result != RC_OK)
			return result;
	}
}

int rc_watch_fd(rc_watch *w, int *fd)
{
	int result = w == NULL || fd == NULL ? rci_fail(RC_ERROR_INVALID, "descriptor: NULL") : rci_usable(w->domain);
	if (result == RC_OK)
		*fd = w->bells.epoll;
	return result;
}

void rc_watch_close(rc_watch *w)
{
	if (w == NULL)
		return;
	rci_bells_close(&w->bells);
	rci_presences_free(&w->before);
	rci_presences_free(&w->now);
	count_handle(w->domain, -1);
	free(w);
}
