/* What the C library refuses, and why. See doc.go; the list is that of refusals.go. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "ringcast.h"

#include "refuse.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

static int publisher_of(rc_domain *d, const char *topic, rc_publisher_config config, rc_publisher **p)
{
	*p = NULL;
	return rc_publisher_open(d, topic, &config, p);
}

static int small(rc_domain *d, const char *topic, rc_publisher **p)
{
	return publisher_of(d, topic, (rc_publisher_config){.slots = 64, .slot_size = 64}, p);
}

static int asked(rc_domain *d, const char *topic, rc_publisher_config config)
{
	rc_publisher *p;
	return publisher_of(d, topic, config, &p);
}

static int joined(rc_domain *d, const char *topic, rc_subscription_config config)
{
	rc_subscription *s;
	return rc_subscription_open(d, topic, &config, &s);
}

static int domain_of(rc_config config)
{
	rc_domain *other = NULL;
	int result = rc_domain_open(&config, &other);
	(void)rc_domain_close(other);
	return result;
}

static int domain_name(rc_domain *d, const char *t) { (void)d, (void)t; return domain_of((rc_config){.domain = "a/b"}); }
static int domain_mode(rc_domain *d, const char *t) { (void)d, (void)t; return domain_of((rc_config){.domain = "other", .mode = 0007}); }
static int domain_rights(rc_domain *d, const char *t) { (void)d, (void)t; return domain_of((rc_config){.mode = 0660}); }
static int domain_node(rc_domain *d, const char *t) { (void)d, (void)t; return domain_of((rc_config){.node = 8}); }
static int participant_name(rc_domain *d, const char *t)
{
	char name[66];
	(void)d, (void)t;
	memset(name, 'x', 65);
	name[65] = 0;
	return domain_of((rc_config){.name = name});
}

static int topic_name(rc_domain *d, const char *t) { (void)t; return asked(d, "a..b", (rc_publisher_config){0}); }
static int topic_pattern(rc_domain *d, const char *t) { (void)t; return asked(d, "a.*", (rc_publisher_config){0}); }
static int bad_pattern(rc_domain *d, const char *t) { (void)t; return joined(d, "a.>.b", (rc_subscription_config){0}); }
static int slots(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){.slots = 100}); }
static int few_slots(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){.slots = 2}); }
static int slot_size(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){.slot_size = (16 << 20) + 1}); }
static int history(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){.slots = 64, .history = 33}); }
static int topic_mode(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){.file_mode = 0007}); }
static int topic_owner(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){.owner = "no-such-user"}); }
static int topic_group(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){.group = "no-such-group"}); }
static int as_it_is(rc_domain *d, const char *t) { return asked(d, t, (rc_publisher_config){0}); }

/* Writes a topic and asks for it in another way. */
static int ask_again(rc_domain *d, const char *t, rc_publisher_config again)
{
	rc_publisher *p;
	int result = small(d, t, &p);
	if (result == RC_OK)
		result = rc_publisher_publish(p, "x", 1, 0);
	return result == RC_OK ? asked(d, t, again) : REFUSED_BEFORE;
}

static int other_shape(rc_domain *d, const char *t) { return ask_again(d, t, (rc_publisher_config){.slots = 128}); }
static int other_kind(rc_domain *d, const char *t) { return ask_again(d, t, (rc_publisher_config){.kind = RC_RING_KIND_EXCLUSIVE}); }
static int topic_rights(rc_domain *d, const char *t) { return ask_again(d, t, (rc_publisher_config){.file_mode = 0640}); }

static int owned(rc_domain *d, const char *t)
{
	if (asked(d, t, (rc_publisher_config){.kind = RC_RING_KIND_EXCLUSIVE}) != RC_OK)
		return REFUSED_BEFORE;
	return as_it_is(d, t);
}

static int too_large(rc_domain *d, const char *t)
{
	static const char bytes[2049];
	rc_publisher *p;
	return small(d, t, &p) == RC_OK ? rc_publisher_publish(p, bytes, sizeof bytes, 0) : REFUSED_BEFORE;
}

static int claim_too_large(rc_domain *d, const char *t)
{
	rc_publisher *p;
	rc_claim c;
	return small(d, t, &p) == RC_OK ? rc_publisher_claim(p, 65, 0, &c) : REFUSED_BEFORE;
}

/* One more than there is room for, with a reader who takes nothing. */
static int one_more(rc_domain *d, const char *t, int64_t timeout)
{
	rc_publisher *p;
	if (small(d, t, &p) != RC_OK || joined(d, t, (rc_subscription_config){0}) != RC_OK)
		return REFUSED_BEFORE;
	for (int i = 0; i < 64; i++)
		if (rc_publisher_publish(p, "x", 1, 0) != RC_OK)
			return REFUSED_BEFORE;
	return rc_publisher_publish(p, "x", 1, timeout);
}

static int full(rc_domain *d, const char *t) { return one_more(d, t, 0); }
static int no_room_in_time(rc_domain *d, const char *t) { return one_more(d, t, 5 * MS); }

static int empty(rc_domain *d, const char *t)
{
	rc_subscription *s;
	rc_received r;
	return rc_subscription_open(d, t, NULL, &s) == RC_OK ? rc_subscription_poll(s, &r) : REFUSED_BEFORE;
}

static int broken_of_pattern(rc_domain *d, const char *t) { (void)t; return empty(d, "spoiled.*"); }

static int none_in_time(rc_domain *d, const char *t)
{
	rc_subscription *s;
	rc_received r;
	return rc_subscription_open(d, t, NULL, &s) == RC_OK ? rc_subscription_wait(s, 5 * MS, &r) : REFUSED_BEFORE;
}

/* A claim that another publisher's message and a reader wait for. */
static int claim_taken(rc_domain *d, const char *t)
{
	rc_publisher *p, *other;
	rc_subscription *s;
	rc_claim c;
	rc_received r;
	if (small(d, t, &p) != RC_OK || small(d, t, &other) != RC_OK || rc_subscription_open(d, t, NULL, &s) != RC_OK ||
		rc_publisher_claim(p, 1, 0, &c) != RC_OK || rc_publisher_publish(other, "x", 1, SECOND) != RC_OK ||
		rc_subscription_wait(s, 30 * SECOND, &r) != RC_OK)
		return REFUSED_BEFORE;
	return rc_claim_commit(&c, c.data, 1, NULL);
}

static int second_claim(rc_domain *d, const char *t)
{
	rc_publisher *p;
	rc_claim c, second;
	return small(d, t, &p) == RC_OK && rc_publisher_claim(p, 1, 0, &c) == RC_OK ? rc_publisher_claim(p, 1, 0, &second) : REFUSED_BEFORE;
}

static int claim_ended(rc_domain *d, const char *t)
{
	rc_publisher *p;
	rc_claim c;
	if (small(d, t, &p) != RC_OK || rc_publisher_claim(p, 1, 0, &c) != RC_OK || rc_claim_commit(&c, c.data, 1, NULL) != RC_OK)
		return REFUSED_BEFORE;
	return rc_claim_commit(&c, c.data, 1, NULL);
}

/* Subscribes until that is refused. */
static int crowd(rc_domain *d, const char *t, rc_subscription_config config)
{
	int result = RC_OK;
	for (int i = 0; result == RC_OK && i < 1000; i++)
		result = joined(d, t, config);
	return result;
}

static const rc_subscription_config member = {.reading = RC_READ_GROUP, .group = "g"};

static int readers_full(rc_domain *d, const char *t) { return crowd(d, t, (rc_subscription_config){0}); }
static int group_crowd(rc_domain *d, const char *t) { return crowd(d, t, member); }
static int group_name(rc_domain *d, const char *t) { return joined(d, t, (rc_subscription_config){.reading = RC_READ_GROUP, .group = "a b"}); }
static int group_of_pattern(rc_domain *d, const char *t) { (void)t; return joined(d, "t.*", member); }
static int group_history(rc_domain *d, const char *t) { return joined(d, t, (rc_subscription_config){.reading = RC_READ_GROUP, .group = "g", .history = 1}); }
static int group_of_latest(rc_domain *d, const char *t)
{
	return asked(d, t, (rc_publisher_config){.mode = RC_RING_MODE_LATEST}) == RC_OK ? joined(d, t, member) : REFUSED_BEFORE;
}
static int group_fragments(rc_domain *d, const char *t)
{
	static const char bytes[65];
	rc_publisher *p;
	return small(d, t, &p) == RC_OK && joined(d, t, member) == RC_OK ? rc_publisher_publish(p, bytes, sizeof bytes, 0) : REFUSED_BEFORE;
}

static const struct {
	const char *what;
	int (*provoke)(rc_domain *d, const char *topic);
} all[] = {
	{"domain-name", domain_name}, {"participant-name", participant_name}, {"domain-mode", domain_mode}, {"domain-rights", domain_rights},
	{"domain-node", domain_node}, {"topic-name", topic_name}, {"topic-pattern", topic_pattern}, {"bad-pattern", bad_pattern},
	{"slots", slots}, {"few-slots", few_slots}, {"slot-size", slot_size}, {"history", history}, {"other-shape", other_shape},
	{"other-kind", other_kind}, {"topic-mode", topic_mode}, {"topic-owner", topic_owner}, {"topic-group", topic_group},
	{"topic-rights", topic_rights}, {"owned", owned}, {"too-large", too_large}, {"claim-too-large", claim_too_large}, {"full", full},
	{"no-room-in-time", no_room_in_time}, {"empty", empty}, {"none-in-time", none_in_time}, {"claim-taken", claim_taken},
	{"second-claim", second_claim}, {"claim-ended", claim_ended}, {"not-ours", as_it_is}, {"other-version", as_it_is}, {"damaged", as_it_is}, {"broken-of-pattern", broken_of_pattern},
	{"readers-full", readers_full}, {"group-name", group_name}, {"group-of-pattern", group_of_pattern}, {"group-history", group_history},
	{"group-of-latest", group_of_latest}, {"group-fragments", group_fragments}, {"group-crowd", group_crowd},
};

static const char *word(int result)
{
	switch (result) {
	case RC_OK: return "accepted";
	case RC_NOTHING: return "nothing";
	case RC_FULL: return "full";
	case RC_TIMED_OUT: return "timed_out";
	case RC_ERROR_INVALID: return "invalid";
	case RC_ERROR_NAME: return "name";
	case RC_ERROR_PERMISSION: return "permission";
	case RC_ERROR_NOT_OURS: return "not_ours";
	case RC_ERROR_OTHER_VERSION: return "other_version";
	case RC_ERROR_DAMAGED: return "damaged";
	case RC_ERROR_READERS_FULL: return "readers_full";
	case RC_ERROR_SHAPE: return "shape";
	case RC_ERROR_NOT_EXCLUSIVE: return "not_exclusive";
	case RC_ERROR_TOO_LARGE: return "too_large";
	case RC_ERROR_FENCED: return "fenced";
	case RC_ERROR_BUSY: return "busy";
	case RC_ERROR_MODE: return "mode";
	case RC_ERROR_GROUP_FULL: return "group_full";
	default: return NULL;
	}
}

void refuse_all(rc_domain *domain)
{
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		int result = all[i].provoke(domain, all[i].what);
		printf("%s %s\n", all[i].what, result == REFUSED_BEFORE ? "refused before" : word(result) != NULL ? word(result) : rc_error_text(result));
	}
}
