/* Our own inbox, and answers to what was asked there or on a topic: messaging.md, 7, 10 and 11. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "post.h"
#include "subscription.h"

#define INBOX_SLOTS 128
#define INBOX_NAME "$inbox" /* where a topic's name stands */

void rci_mail_stream(struct stream *s)
{
	struct rc_address self = rci_self(s->domain);
	s->mail = true;
	s->want.shape = rci_inbox_shape(s->domain, INBOX_SLOTS);
	rci_inbox_path(s->domain, &self, BOX_MAIL, s->path);
}

bool rci_mail_is_ours(rc_domain *d, const struct view *v)
{
	struct rc_address self = rci_self(d);
	bool good = (v->header.flags & RC_MESSAGE_FLAG_ADDRESSED) != 0 && rci_same_address(&v->block.destination, &self) &&
		(v->header.kind == RC_MESSAGE_KIND_DATA || (v->header.kind == RC_MESSAGE_KIND_REQUEST && rci_block_left(&v->block) > 0));
	if (!good && d->post != NULL)
		add_relaxed(&d->post->dropped, 1);
	return good;
}

/* Counts a handle, of which there is one: the inbox. */
static int reserve(rc_domain *d)
{
	int result = RC_OK;
	(void)pthread_mutex_lock(&d->mutex);
	if (d->inbox_open)
		result = rci_fail(RC_ERROR_BUSY, "inbox: it is open already");
	d->inbox_open = true;
	d->open_handles += result == RC_OK;
	(void)pthread_mutex_unlock(&d->mutex);
	return result;
}

int rc_inbox_open(rc_domain *d, rc_subscription **inbox)
{
	struct post *post;
	int result = inbox == NULL ? rci_fail(RC_ERROR_INVALID, "inbox: NULL") : rci_post(d, &post);
	if (result == RC_OK)
		result = reserve(d);
	if (result != RC_OK)
		return result;
	rc_subscription *s = calloc(1, sizeof *s);
	if (s == NULL) {
		(void)pthread_mutex_lock(&d->mutex);
		d->inbox_open = false;
		d->open_handles--;
		(void)pthread_mutex_unlock(&d->mutex);
		return rci_fail(RC_ERROR_NO_MEMORY, "inbox");
	}
	s->domain = d;
	s->event.fd = -1;
	s->mail = true;
	(void)snprintf(s->name, sizeof s->name, INBOX_NAME);
	result = rci_stream_open(s, INBOX_NAME, 0, false, &s->first);
	s->current = s->first;
	if (result != RC_OK) {
		rc_subscription_close(s);
		return result;
	}
	rci_inbox_exists(d);
	*inbox = s;
	return RC_OK;
}

/* Sends the answer to a request whose block that is. */
static int answer(rc_domain *d, const struct rc_address_block *request, struct letter *l)
{
	struct post *post;
	int result = request == NULL || (l->data == NULL && l->size != 0) ? rci_fail(RC_ERROR_INVALID, "answer: NULL") : rci_post(d, &post);
	if (result != RC_OK)
		return result;
	if (request->correlation == 0)
		return rci_fail(RC_ERROR_NOT_ADDRESSED, "answer: the message is no request");
	l->block.correlation = request->correlation;
	result = rci_post_send(post, &request->source, BOX_REPLIES, l);
	if (result == RC_ERROR_TOO_LARGE) {
		struct letter tell = {.kind = RC_MESSAGE_KIND_ERROR, .block = {.correlation = request->correlation, .code = ANSWER_TOO_LARGE}};
		(void)rci_post_send(post, &request->source, BOX_REPLIES, &tell);
		return rci_fail(RC_ERROR_TOO_LARGE, "answer of %zu bytes does not fit the asker's inbox, who was told so", l->size);
	}
	if (result != RC_OK)
		add_relaxed(&post->dropped, 1); /* the asker is gone, or does not wait */
	return RC_OK;
}

int rc_answer(rc_domain *d, const struct rc_address_block *request, const void *data, size_t size)
{
	struct letter l = {.data = data, .size = size, .kind = RC_MESSAGE_KIND_REPLY};
	return answer(d, request, &l);
}

int rc_answer_error(rc_domain *d, const struct rc_address_block *request, uint32_t code, const char *text)
{
	struct letter l = {.data = text, .size = text != NULL ? strlen(text) : 0, .kind = RC_MESSAGE_KIND_ERROR};
	l.block.code = ANSWER_APPLICATION + (code < UINT32_MAX - ANSWER_APPLICATION ? code : UINT32_MAX - ANSWER_APPLICATION);
	return answer(d, request, &l);
}

int64_t rc_time_left(const struct rc_address_block *request)
{
	int64_t left = request != NULL && request->correlation != 0 ? rci_block_left(request) : 0;
	return left > 0 ? left : 0;
}
