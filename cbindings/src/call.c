/* Requests that are waited for, and messages that nobody answers: messaging.md, 7 to 10. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "away.h"

/* Bounds of the time of a request. */
#define DEFAULT_TIME INT64_C(10000000000)
#define MAX_TIME INT64_C(1800000000000)

static const rc_ask usual;

int rci_ask_check(const rc_ask **ask)
{
	if (*ask == NULL)
		*ask = &usual;
	for (size_t i = 0; i < sizeof (*ask)->reserved / sizeof *(*ask)->reserved; i++)
		if ((*ask)->reserved[i] != 0)
			return rci_fail(RC_ERROR_INVALID, "ask: reserved field %zu is not zero", i);
	if ((*ask)->reserved0 != 0)
		return rci_fail(RC_ERROR_INVALID, "ask: reserved0 is not zero");
	if ((*ask)->content > RC_CONTENT_FLAT_BUFFER)
		return rci_fail(RC_ERROR_INVALID, "ask: unknown content %u", (unsigned)(*ask)->content);
	return RC_OK;
}

uint64_t rci_due(const rc_ask *ask)
{
	int64_t time = ask->timeout == 0 ? DEFAULT_TIME : ask->timeout;
	return rci_now() + (uint64_t)(time < 0 || time > MAX_TIME ? MAX_TIME : time);
}

static bool shares_ready(const struct party *p) { return p->desk->shares >= p->need; }

/* Waits for shares; the mutex is held. */
static int await_shares(struct desk *k, uint32_t shares, uint64_t due)
{
	struct party p;
	rci_party_begin(&p, k, NULL);
	p.ready = shares_ready;
	p.need = shares;
	int result = rci_desk_await(k, &p, due);
	rci_party_end(&p);
	return result;
}

/* The ring of answers has to be there before anybody may answer; the mutex is held. */
static int have_ring(struct desk *k)
{
	if (k->ring != NULL)
		return RC_OK;
	if (k->led)
		return rci_fail(k->lost, "own inbox was damaged, and can't be made again: %s", rc_error_text(k->lost));
	return rci_desk_ring(k);
}

int rci_call_begin(struct desk *k, rc_future *c, uint32_t shares, bool wait)
{
	int result = RC_OK;
	c->desk = k;
	c->last = &c->first;
	if (c->into == NULL)
		c->into = &c->reply;
	if (shares > k->limit)
		return rci_fail(RC_ERROR_OVERLOADED, "own inbox holds %u answers, %u are asked for: ask for more with rc_config.in_flight", (unsigned)k->limit, (unsigned)shares);
	desk_lock(k);
	if (k->shares < shares)
		result = wait ? await_shares(k, shares, c->due) : RC_FULL;
	if (result == RC_OK)
		result = have_ring(k);
	if (result == RC_OK)
		result = rci_desk_take(k, c, shares);
	desk_unlock(k);
	return result;
}

void rci_call_letter(const rc_future *c, const struct question *q, struct letter *l)
{
	uint64_t now = rci_now();
	memset(l, 0, sizeof *l);
	l->data = q->data;
	l->size = q->size;
	l->kind = RC_MESSAGE_KIND_REQUEST;
	l->content = q->ask->content;
	l->schema = q->ask->schema;
	l->flags = c->many && !c->survey ? RC_MESSAGE_FLAG_MORE : 0;
	l->block.correlation = c->correlation;
	rci_block_time(&l->block, c->due > now ? c->due - now : 0, now);
}

/* Sends a call to another node; refused is why its own has not taken it, if it is for a service. */
static int dispatch_away(rc_future *c, struct letter *l, int refused, struct rc_address *up)
{
	struct desk *k = c->desk;
	desk_lock(k);
	c->away = true; /* before it goes: an answer may come at once */
	c->refused = refused == RC_ERROR_OVERLOADED ? refused : 0;
	desk_unlock(k);
	if (c->callee != NULL)
		return rci_serve_away(k->post, c->callee, l, refused, up);
	int result = rci_standing(k->domain, &c->target);
	return result == RC_OK ? rci_uplink_put(k->post, &c->target, l, up) : result;
}

/* Sends a call to its service or address; on an error nothing was sent, and it is settled. */
static int dispatch(rc_future *c, const struct question *q)
{
	struct desk *k = c->desk;
	struct letter l;
	uint64_t position = 0, serial = 0;
	struct rc_address up = {0};
	rci_call_letter(c, q, &l);
	int result = c->callee != NULL ? rci_callee_put(c->callee, &l, &position, &serial)
		: rci_is_away(k->post, &c->target) ? RC_ERROR_NODE_DOWN : rci_post_send(k->post, &c->target, BOX_MAIL, &l);
	if (result != RC_OK && (c->callee != NULL || rci_is_away(k->post, &c->target)))
		result = dispatch_away(c, &l, result, &up);
	desk_lock(k);
	if (result == RC_OK) {
		c->uplink = up;
		c->position = position;
		c->serial = serial;
		c->sent = true;
	} else {
		rci_desk_settle(k, c, result);
	}
	desk_unlock(k);
	return result;
}

static const char *whom(const rc_future *c, char *text)
{
	if (c->callee != NULL)
		return c->callee->name;
	if (c->survey || rc_address_format(&c->target, text, RC_ADDRESS_TEXT) != RC_OK)
		return "a topic";
	return text;
}

int rci_call_outcome(const rc_future *c)
{
	char text[RC_ADDRESS_TEXT] = "";
	if (c->code >= 0)
		return c->code;
	if (c->code == RC_ERROR_REPLY)
		return rci_fail(c->code, "request to \"%s\": %.512s (code %u)", whom(c, text), c->has ? (const char *)c->into->data : "", (unsigned)c->into->code);
	return rci_fail(c->code, "request to \"%s\": %s", whom(c, text), rc_error_text(c->code));
}

/* One request, from its beginning to its outcome. */
static int ask_once(struct desk *k, rc_future *c, const struct question *q)
{
	struct party p;
	int result = rci_call_begin(k, c, 1, true);
	if (result == RC_OK)
		result = dispatch(c, q);
	if (result != RC_OK)
		return result;
	desk_lock(k);
	rci_party_begin(&p, k, c);
	c->party = &p;
	result = rci_desk_await(k, &p, c->due);
	c->party = NULL;
	rci_party_end(&p);
	bool given_up = !c->settled;
	if (given_up)
		rci_desk_give_up(k, c, result);
	desk_unlock(k);
	return given_up && result < 0 ? result : rci_call_outcome(c); /* the detail says why nobody can read the answer */
}

/* Whether a request that ended so may be sent again, if it may run twice: whoever had it is gone. An address has no other. */
static bool may_be_elsewhere(const rc_future *call, int result)
{
	return result == RC_ERROR_INSTANCE_DIED || (result == RC_ERROR_NODE_DOWN && call->callee != NULL);
}

static int ask(rc_domain *d, rc_future *call, const struct question *q, rc_reply *reply)
{
	struct post *post;
	struct desk *k;
	int result = reply == NULL || (q->data == NULL && q->size != 0)
		? rci_fail(RC_ERROR_INVALID, "request: no place for the reply, or no data (NULL)") : rci_post(d, &post);
	if (result == RC_OK)
		result = rci_desk(post, &k);
	if (result != RC_OK)
		return result;
	uint64_t due = rci_due(q->ask); /* one time, however often it is sent */
	do {
		rc_future c = *call;
		c.due = due;
		c.into = reply;
		result = ask_once(k, &c, q);
	} while (q->ask->idempotent && may_be_elsewhere(call, result) && rci_now() < due);
	return result;
}

int rc_request(rc_domain *d, const char *service, const void *data, size_t size, const rc_ask *options, rc_reply *reply)
{
	struct post *post;
	rc_future call = {.owned = true};
	int result = rci_ask_check(&options);
	if (result == RC_OK)
		result = rci_post(d, &post);
	if (result == RC_OK)
		result = rci_callee(post, service, &call.callee);
	if (result != RC_OK)
		return result;
	const struct question q = {data, size, options};
	result = ask(d, &call, &q, reply);
	rci_callee_drop(call.callee);
	return result;
}

int rc_request_to(rc_domain *d, const struct rc_address *to, const void *data, size_t size, const rc_ask *options, rc_reply *reply)
{
	rc_future call = {.owned = true};
	int result = to == NULL ? rci_fail(RC_ERROR_INVALID, "request: no address") : rci_ask_check(&options);
	if (result != RC_OK)
		return result;
	const struct question q = {data, size, options};
	call.target = *to;
	call.target.handle = 0;
	return ask(d, &call, &q, reply);
}

/* Begins a call that lives on in a future. */
static int start(rc_domain *d, const rc_future *call, const struct question *q, rc_future **future)
{
	struct post *post;
	struct desk *k;
	int result = future == NULL || (q->data == NULL && q->size != 0)
		? rci_fail(RC_ERROR_INVALID, "request: no place for the future, or no data (NULL)") : rci_post(d, &post);
	if (result == RC_OK)
		result = rci_desk(post, &k);
	if (result != RC_OK)
		return result;
	rc_future *c = malloc(sizeof *c);
	if (c == NULL)
		return rci_fail(RC_ERROR_NO_MEMORY, "future");
	*c = *call;
	c->due = rci_due(q->ask);
	c->argument = q->ask->argument;
	result = rci_call_begin(k, c, c->many ? STREAM_SHARES : 1, false);
	if (result == RC_OK)
		result = dispatch(c, q);
	if (result != RC_OK) {
		free(c);
		return result;
	}
	rci_future_known(c, q->ask->ready);
	*future = c;
	return RC_OK;
}

static int start_service(rc_domain *d, const char *service, const struct question *q, bool many, rc_future **future)
{
	struct post *post;
	rc_future call = {.many = many};
	int result = rci_post(d, &post);
	if (result == RC_OK)
		result = rci_callee(post, service, &call.callee);
	if (result != RC_OK)
		return result;
	result = start(d, &call, q, future);
	if (result != RC_OK)
		rci_callee_drop(call.callee); /* else the future does */
	return result;
}

int rc_request_start(rc_domain *d, const char *service, const void *data, size_t size, const rc_ask *options, rc_future **future)
{
	int result = rci_ask_check(&options);
	const struct question q = {data, size, options};
	return result == RC_OK ? start_service(d, service, &q, false, future) : result;
}

int rc_stream_start(rc_domain *d, const char *service, const void *data, size_t size, const rc_ask *options, rc_future **future)
{
	int result = rci_ask_check(&options);
	const struct question q = {data, size, options};
	return result == RC_OK ? start_service(d, service, &q, true, future) : result;
}

int rc_request_start_to(rc_domain *d, const struct rc_address *to, const void *data, size_t size, const rc_ask *options, rc_future **future)
{
	rc_future call;
	memset(&call, 0, sizeof call);
	int result = to == NULL ? rci_fail(RC_ERROR_INVALID, "request: no address") : rci_ask_check(&options);
	if (result != RC_OK)
		return result;
	const struct question q = {data, size, options};
	call.target = *to;
	call.target.handle = 0;
	return start(d, &call, &q, future);
}

static int check_message(const void *data, size_t size)
{
	return data == NULL && size != 0 ? rci_fail(RC_ERROR_INVALID, "send: no data (NULL) for %zu bytes", size) : RC_OK;
}

int rc_send(rc_domain *d, const struct rc_address *to, const void *data, size_t size)
{
	struct post *post;
	struct letter l = {.data = data, .size = size, .kind = RC_MESSAGE_KIND_DATA};
	int result = to == NULL ? rci_fail(RC_ERROR_INVALID, "send: no address") : check_message(data, size);
	if (result == RC_OK)
		result = rci_post(d, &post);
	return result == RC_OK ? rci_post_send(post, to, BOX_MAIL, &l) : result;
}

int rc_send_service(rc_domain *d, const char *service, const void *data, size_t size)
{
	struct post *post;
	struct callee *callee;
	struct letter l = {.data = data, .size = size, .kind = RC_MESSAGE_KIND_DATA};
	uint64_t position, serial;
	struct rc_address up;
	int result = check_message(data, size);
	if (result == RC_OK)
		result = rci_post(d, &post);
	if (result == RC_OK)
		result = rci_callee(post, service, &callee);
	if (result != RC_OK)
		return result;
	result = rci_callee_put(callee, &l, &position, &serial);
	if (result != RC_OK)
		result = rci_serve_away(post, callee, &l, result, &up);
	rci_callee_drop(callee);
	return result;
}
