/* Takes messages of a topic as one of a queue group: start it several times, and each message
 * goes to one of them. It ends when a message says "end": ringcast-worker TOPIC */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ringcast.h"

/* True: the message says "end". */
static bool work(const rc_received *r)
{
	char taker[RC_ADDRESS_TEXT];
	switch (r->type) {
	case RC_TYPE_MESSAGE:
		if (r->size == 3 && memcmp(r->data, "end", 3) == 0)
			return true;
		printf("%" PRIu64 ": %.*s\n", r->sequence, (int)r->size, (const char *)r->data);
		break;
	case RC_TYPE_ABANDONED: /* a worker died: nobody knows how far it came */
		(void)rc_address_format(&r->taker, taker, sizeof taker);
		printf("look after %" PRIu64 ", which %s had\n", r->sequence, taker);
		break;
	default:
		break;
	}
	(void)fflush(stdout);
	return false;
}

int main(int argc, char **argv)
{
	rc_domain *domain = NULL;
	rc_subscription *jobs = NULL;
	rc_received received;
	rc_subscription_config config = {.reading = RC_READ_GROUP, .group = "workers"};
	if (argc != 2) {
		fprintf(stderr, "usage: %s TOPIC\n", argv[0]);
		return 2;
	}
	int result = rc_domain_open(NULL, &domain);
	if (result == RC_OK)
		result = rc_subscription_open(domain, argv[1], &config, &jobs);
	if (result == RC_OK)
		fprintf(stderr, "ready for %s\n", argv[1]);
	while (result == RC_OK) {
		result = rc_subscription_wait(jobs, RC_FOREVER, &received); /* says that the one before was handled */
		if (result == RC_OK && work(&received))
			break;
	}
	if (result != RC_OK)
		fprintf(stderr, "%s: %s\n", rc_error_text(result), rc_error_detail());
	rc_subscription_close(jobs);
	(void)rc_domain_close(domain);
	return result == RC_OK ? 0 : 1;
}
