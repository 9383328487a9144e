/* Topics that match a pattern and can't be joined: told once each, and tried again at each change (messaging.md, 4). */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subscription.h"

struct refused {
	struct refused *next;
	int code;
	bool told;
	char topic[RC_MAX_NAME + 1];
	char detail[512];
};

void rci_refused_add(rc_subscription *s, const char *topic, int code)
{
	if (code == RC_ERROR_NOT_FOUND)
		return; /* it has gone meanwhile */
	for (const struct refused *r = s->refused; r != NULL; r = r->next)
		if (strcmp(r->topic, topic) == 0)
			return;
	struct refused *r = calloc(1, sizeof *r);
	if (r == NULL)
		return; /* at the next change */
	r->code = code;
	(void)snprintf(r->topic, sizeof r->topic, "%s", topic);
	(void)snprintf(r->detail, sizeof r->detail, "%s", rc_error_detail());
	r->next = s->refused;
	s->refused = r;
}

int rci_refused_tell(const rc_subscription *s)
{
	for (struct refused *r = s->refused; r != NULL; r = r->next) {
		if (r->told)
			continue;
		r->told = true;
		return rci_fail(r->code, "topic %s: %s", r->topic, r->detail);
	}
	return RC_NOTHING;
}

void rci_refused_forget(rc_subscription *s)
{
	while (s->refused != NULL) {
		struct refused *next = s->refused->next;
		free(s->refused);
		s->refused = next;
	}
}
