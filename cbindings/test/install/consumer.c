/* A program that uses the installed library: a message there and back. */
#include <ringcast.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	rc_domain *domain = NULL;
	rc_publisher *publisher = NULL;
	rc_subscription *subscription = NULL;
	rc_received r;
	int result = rc_domain_open(NULL, &domain);
	if (result == RC_OK)
		result = rc_subscription_open(domain, "greetings", NULL, &subscription);
	if (result == RC_OK)
		result = rc_publisher_open(domain, "greetings", NULL, &publisher);
	for (int i = 0; i < 100 && result == RC_OK; i++) { /* the first goes to the library, others are inline */
		result = rc_publisher_publish(publisher, "hello", 5, RC_FOREVER);
		if (result == RC_OK)
			result = rc_subscription_wait(subscription, RC_FOREVER, &r);
		if (result == RC_OK && (r.type != RC_TYPE_MESSAGE || r.size != 5 || memcmp(r.data, "hello", 5) != 0))
			result = RC_ERROR_INVALID;
	}
	if (result != RC_OK)
		fprintf(stderr, "%s: %s\n", rc_error_text(result), rc_error_detail());
	rc_publisher_close(publisher);
	rc_subscription_close(subscription);
	return rc_domain_close(domain) == RC_OK && result == RC_OK ? 0 : 1;
}
