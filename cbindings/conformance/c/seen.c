/* Who is there on other nodes: watch, and subscribers. */
#define _GNU_SOURCE
#include <stdio.h>

#include "asked.h"

static const char *const kinds[] = {"", "node", "participant", "publisher", "subscriber", "instance"};
static const char *const reasons[] = {"", "left", "died", "node-down", "no-forwarder", "node-left"};

int watch_others(rc_domain *domain)
{
	const rc_watch_config config = {.kinds = 1 << RC_PRESENCE_NODE | 1 << RC_PRESENCE_PUBLISHER | 1 << RC_PRESENCE_SUBSCRIBER | 1 << RC_PRESENCE_INSTANCE};
	rc_watch *w;
	rc_presence_event e;
	int result = rc_watch_open(domain, &config, &w);
	if (result == RC_OK)
		printf("ready\n");
	while (result == RC_OK) {
		char address[RC_ADDRESS_TEXT];
		(void)fflush(stdout);
		result = rc_watch_wait(w, PATIENCE, &e);
		if (result == RC_OK)
			result = rc_address_format(&e.address, address, sizeof address);
		if (result == RC_OK)
			printf("%s %s %s %s%s%s\n", e.up ? "up" : "down", kinds[e.kind], e.name, address, e.up ? "" : " ", reasons[e.reason]);
	}
	printf("watch: %s\n", rc_error_text(result));
	return 1;
}

int count_subscribers(rc_domain *domain, const char *topic)
{
	uint32_t have;
	int result = rc_wait_for_subscribers(domain, topic, 0, 0, &have);
	if (result != RC_OK) {
		printf("subscribers: %s\n", rc_error_detail());
		return 1;
	}
	printf("%u\n", (unsigned)have);
	return 0;
}
