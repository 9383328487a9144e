/* Publishes lines of the standard input on a topic: ringcast-pub TOPIC */
#include <stdio.h>
#include <string.h>

#include "ringcast.h"

int main(int argc, char **argv)
{
	rc_domain *domain = NULL;
	rc_publisher *publisher = NULL;
	char line[4096];
	if (argc != 2) {
		fprintf(stderr, "usage: %s TOPIC\n", argv[0]);
		return 2;
	}
	int result = rc_domain_open(NULL, &domain);
	if (result == RC_OK)
		result = rc_publisher_open(domain, argv[1], NULL, &publisher);
	while (result == RC_OK && fgets(line, sizeof line, stdin) != NULL)
		result = rc_publisher_publish(publisher, line, strcspn(line, "\n"), RC_FOREVER);
	if (result != RC_OK)
		fprintf(stderr, "%s: %s\n", rc_error_text(result), rc_error_detail());
	rc_publisher_close(publisher);
	(void)rc_domain_close(domain);
	return result == RC_OK ? 0 : 1;
}
