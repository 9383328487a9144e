/* A publisher and a subscription of one topic, in a domain of their own. */
#ifndef RC_TEST_PAIR_H
#define RC_TEST_PAIR_H

#include "check.h"

struct pair {
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
};

static inline struct pair open_pair(const char *topic, const rc_publisher_config *publisher, const rc_subscription_config *subscription)
{
	struct pair p = {0};
	WANT(RC_OK, rc_domain_open(NULL, &p.domain));
	WANT(RC_OK, rc_subscription_open(p.domain, topic, subscription, &p.subscription));
	WANT(RC_OK, rc_publisher_open(p.domain, topic, publisher, &p.publisher));
	return p;
}

static inline void close_pair(struct pair *p)
{
	rc_publisher_close(p->publisher);
	rc_subscription_close(p->subscription);
	WANT(RC_OK, rc_domain_close(p->domain));
}

#endif
