/* Prints the messages of a topic, a line each: ringcast-sub TOPIC [COUNT] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ringcast.h"

static void print(const rc_received *r)
{
	switch (r->type) {
	case RC_TYPE_MESSAGE:
		(void)fwrite(r->data, 1, r->size, stdout);
		(void)putchar('\n');
		break;
	case RC_TYPE_LAGGED:
		fprintf(stderr, "missed at most %" PRIu64 " messages: this program is too slow\n", r->count);
		break;
	case RC_TYPE_LOSS:
		fprintf(stderr, "lost %" PRIu64 " messages of another node\n", r->count);
		break;
	default:
		break;
	}
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	rc_domain *domain = NULL;
	rc_subscription *subscription = NULL;
	rc_received received;
	if (argc < 2) {
		fprintf(stderr, "usage: %s TOPIC [COUNT]\n", argv[0]);
		return 2;
	}
	unsigned long left = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	int result = rc_domain_open(NULL, &domain);
	if (result == RC_OK)
		result = rc_subscription_open(domain, argv[1], NULL, &subscription);
	if (result == RC_OK)
		fprintf(stderr, "subscribed to %s\n", argv[1]);
	while (result == RC_OK) {
		result = rc_subscription_wait(subscription, RC_FOREVER, &received);
		if (result != RC_OK)
			break;
		print(&received);
		if (received.type == RC_TYPE_MESSAGE && left != 0 && --left == 0)
			break;
	}
	if (result != RC_OK)
		fprintf(stderr, "%s: %s\n", rc_error_text(result), rc_error_detail());
	rc_subscription_close(subscription);
	(void)rc_domain_close(domain);
	return result == RC_OK ? 0 : 1;
}
