/* Asks a service with each line of the standard input, all at once, and prints the answers in order: ringcast-request SERVICE */
#include <stdio.h>
#include <string.h>

#include "ringcast.h"

#define MOST 90 /* open at once */

static const rc_ask patient = {.timeout = 60 * INT64_C(1000000000)}; /* without one: 10 s */

/* Prints the answer; an error of the handler is one, too. */
static int print(rc_future *future, rc_reply *reply)
{
	int result = rc_future_wait(future, RC_FOREVER, reply);
	rc_future_close(future);
	if (result == RC_OK)
		printf("%.*s\n", (int)reply->size, (const char *)reply->data);
	else if (result == RC_ERROR_REPLY)
		printf("refused (%u): %s\n", (unsigned)reply->code, (const char *)reply->data);
	return result == RC_ERROR_REPLY ? RC_OK : result;
}

static int ask(rc_domain *domain, const char *service)
{
	char line[2048];
	rc_future *open[MOST];
	rc_reply reply = {0};
	size_t asked = 0, answered = 0;
	int result = RC_OK;
	while (result == RC_OK && fgets(line, sizeof line, stdin) != NULL) {
		if (asked - answered == MOST)
			result = print(open[answered++ % MOST], &reply);
		if (result == RC_OK)
			result = rc_request_start(domain, service, line, strcspn(line, "\n"), &patient, &open[asked % MOST]);
		asked += result == RC_OK;
	}
	while (answered < asked) {
		int last = print(open[answered++ % MOST], &reply);
		result = result == RC_OK ? last : result;
	}
	rc_reply_clear(&reply);
	return result;
}

int main(int argc, char **argv)
{
	rc_domain *domain = NULL;
	if (argc != 2) {
		fprintf(stderr, "usage: %s SERVICE\n", argv[0]);
		return 2;
	}
	int result = rc_domain_open(NULL, &domain);
	if (result == RC_OK)
		result = ask(domain, argv[1]);
	if (result != RC_OK)
		fprintf(stderr, "%s: %s\n", rc_error_text(result), rc_error_detail());
	(void)rc_domain_close(domain);
	return result == RC_OK ? 0 : 1;
}
