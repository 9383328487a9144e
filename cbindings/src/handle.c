/* Numbers of publishers: messaging.md, 3. A source never comes again in a topic with
 * sequences that begin anew, so a closed handle is kept for the topic's next publisher. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain.h"

static struct handle *closed_handle(rc_domain *d, const char *topic, unsigned *highest)
{
	struct handle *found = NULL;
	*highest = 0;
	for (struct handle *h = d->handles; h != NULL; h = h->next) {
		if (strcmp(h->topic, topic) != 0)
			continue;
		if (h->number > *highest)
			*highest = h->number;
		if (!h->open)
			found = h;
	}
	return found;
}

int rci_handle_take(rc_domain *d, const char *topic, struct handle **handle)
{
	unsigned highest;
	int result = RC_OK;
	(void)pthread_mutex_lock(&d->mutex);
	struct handle *h = closed_handle(d, topic, &highest);
	if (h == NULL && highest == UINT16_MAX) {
		result = rci_fail(RC_ERROR_DOMAIN_FULL, "publisher of %s: all its %u handles are in use", topic, UINT16_MAX);
	} else if (h == NULL && (h = calloc(1, sizeof *h)) == NULL) {
		result = rci_fail(RC_ERROR_NO_MEMORY, "publisher of %s", topic);
	} else if (h->number == 0) {
		(void)snprintf(h->topic, sizeof h->topic, "%s", topic);
		h->number = (uint16_t)(highest + 1);
		h->next = d->handles;
		d->handles = h;
	}
	if (result == RC_OK)
		h->open = true;
	(void)pthread_mutex_unlock(&d->mutex);
	*handle = h;
	return result;
}

void rci_handle_give(rc_domain *d, struct handle *handle)
{
	(void)pthread_mutex_lock(&d->mutex);
	handle->open = false;
	(void)pthread_mutex_unlock(&d->mutex);
}
