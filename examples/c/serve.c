/* Answers requests to a service with their text in capitals, until its standard input ends: ringcast-serve SERVICE */
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "ringcast.h"

static void answer(rc_task *task)
{
	char text[2048];
	const char *from = task->data;
	for (size_t i = 0; i < task->size && i < sizeof text; i++)
		text[i] = (char)toupper((unsigned char)from[i]);
	if (task->size == 0)
		(void)rc_task_fail(task, 1, "nothing to write in capitals");
	else
		(void)rc_task_reply(task, text, task->size);
}

/* An event loop: the service's descriptor says when to look. */
static int serve(rc_service *service)
{
	rc_task *task;
	struct pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}};
	int result = rc_service_fd(service, &fds[1].fd);
	while (result == RC_OK && fds[0].revents == 0) {
		while (rc_service_poll(service, &task) == RC_OK)
			answer(task);
		(void)poll(fds, 2, -1);
	}
	if (result == RC_OK)
		result = rc_service_stop(service); /* what has come by now is answered, too */
	while (result == RC_OK && rc_service_wait(service, RC_FOREVER, &task) == RC_OK)
		answer(task);
	return result;
}

int main(int argc, char **argv)
{
	rc_domain *domain = NULL;
	rc_service *service = NULL;
	if (argc != 2) {
		fprintf(stderr, "usage: %s SERVICE\n", argv[0]);
		return 2;
	}
	int result = rc_domain_open(NULL, &domain);
	if (result == RC_OK)
		result = rc_service_open(domain, argv[1], NULL, &service);
	if (result == RC_OK) {
		fprintf(stderr, "serving %s\n", argv[1]);
		result = serve(service);
	}
	if (result != RC_OK)
		fprintf(stderr, "%s: %s\n", rc_error_text(result), rc_error_detail());
	rc_service_close(service);
	(void)rc_domain_close(domain);
	return result == RC_OK ? 0 : 1;
}
