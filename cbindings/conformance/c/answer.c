/* The server of the request cells: one loop for a service, the inbox and surveys. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asked.h"

struct server {
	rc_domain *domain;
	rc_service *service;
	rc_subscription *inbox, *questions;
};

static void say(const char *what)
{
	printf("%s\n", what);
	(void)fflush(stdout);
}

static void answer_many(rc_task *task, int count)
{
	char text[16];
	for (int i = 0; i < count; i++) {
		int n = snprintf(text, sizeof text, "%d", i);
		if (rc_task_more(task, text, (size_t)n, PATIENCE) != RC_OK) {
			rc_task_drop(task);
			return;
		}
	}
	(void)rc_task_reply(task, "end", 3);
}

static void wait_for_the_end(rc_task *task)
{
	say("waiting");
	while (rc_task_wanted(task) == RC_OK)
		(void)usleep(1000);
	say("given up");
	rc_task_drop(task);
}

/* Does what a request's first byte says. */
static void answer_one(rc_task *task)
{
	static const char large[4096];
	char first = task->size > 0 ? *(const char *)task->data : 'e', count[16] = "";
	switch (first) {
	case 'f':
		(void)rc_task_fail(task, 7, "no");
		break;
	case 'n':
		rc_task_drop(task);
		break;
	case 'l':
		(void)rc_task_reply(task, large, sizeof large);
		break;
	case 's':
		memcpy(count, (const char *)task->data + 1, task->size - 1 < sizeof count - 1 ? task->size - 1 : sizeof count - 1);
		answer_many(task, atoi(count));
		break;
	case 'w':
		wait_for_the_end(task);
		break;
	case 'h':
		(void)rc_task_more(task, "holding", 7, PATIENCE);
		(void)sleep(30);
		rc_task_drop(task);
		break;
	default:
		(void)rc_task_reply(task, task->data, task->size);
	}
}

static void answer_message(const struct server *s, const rc_received *r, const void *data, size_t size)
{
	if (r->kind != RC_MESSAGE_KIND_REQUEST)
		return; /* mail is for the client that asks next */
	if (data == NULL && r->size == 5 && memcmp(r->data, "error", 5) == 0)
		(void)rc_answer_error(s->domain, r->block, 3, "away");
	else
		(void)rc_answer(s->domain, r->block, data != NULL ? data : r->data, data != NULL ? size : r->size);
}

/* Takes all that is there. */
static void answer_what_is_there(const struct server *s)
{
	rc_received r;
	rc_task *task;
	while (rc_subscription_poll(s->inbox, &r) == RC_OK)
		answer_message(s, &r, NULL, 0);
	while (rc_subscription_poll(s->questions, &r) == RC_OK)
		answer_message(s, &r, "here", 4);
	while (rc_service_poll(s->service, &task) == RC_OK)
		answer_one(task);
}

static int begin(struct server *s, struct pollfd *fds)
{
	struct rc_address address;
	char text[RC_ADDRESS_TEXT];
	int result = rc_service_open(s->domain, SERVICE, NULL, &s->service);
	if (result == RC_OK)
		result = rc_inbox_open(s->domain, &s->inbox);
	if (result == RC_OK)
		result = rc_subscription_open(s->domain, SURVEY_TOPIC, NULL, &s->questions);
	if (result == RC_OK)
		result = rc_service_fd(s->service, &fds[1].fd);
	if (result == RC_OK)
		result = rc_subscription_fd(s->inbox, &fds[2].fd);
	if (result == RC_OK)
		result = rc_subscription_fd(s->questions, &fds[3].fd);
	if (result == RC_OK)
		result = rc_domain_address(s->domain, &address);
	if (result == RC_OK)
		result = rc_address_format(&address, text, sizeof text);
	if (result != RC_OK) {
		printf("answer: %s\n", rc_error_detail());
		return 1;
	}
	printf("ready %s\n", text);
	(void)fflush(stdout);
	return 0;
}

int answer_all(rc_domain *domain)
{
	struct server s = {.domain = domain};
	struct pollfd fds[4] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
	rc_task *task;
	if (begin(&s, fds) != 0)
		return 1;
	while (fds[0].revents == 0) {
		answer_what_is_there(&s);
		(void)poll(fds, 4, -1);
	}
	(void)rc_service_stop(s.service);
	while (rc_service_wait(s.service, PATIENCE, &task) == RC_OK)
		answer_one(task);
	rc_service_close(s.service);
	rc_subscription_close(s.inbox);
	rc_subscription_close(s.questions);
	return 0;
}
