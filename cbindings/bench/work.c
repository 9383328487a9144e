/* The C library as a contender of package bench: streams and round trips between two processes, written in
 * claimed slots and read where they lie, as bench/limits/work.h has them. bench/languages runs it beside Go.
 *
 *	work --scenario stream|pingpong --size N --exclusive 0|1 --wait spin|block|yield --pin A,B ...
 *
 * work.cc is the same in C++; the steps of both are in roles.h.
 */
#include "../../bench/limits/work.h"

#include "ringcast.h"
#include "good.h"

static struct work w;
static char base[] = "/dev/shm/rc-bench-XXXXXX";
static const int64_t patience = INT64_C(30000000000);

static rc_domain *join(void)
{
	static const char *const names[] = {"block", "spin", "yield"}; /* by their numbers in rc_wait */
	rc_config config = {.dir = base};
	rc_domain *domain;
	while (strcmp(names[config.wait], w.wait) != 0)
		if (++config.wait == 3)
			fail("way of waiting");
	good(rc_domain_open(&config, &domain), "join");
	return domain;
}

static rc_publisher *publisher_of(rc_domain *domain, const char *topic)
{
	rc_publisher_config config = {.slots = (uint32_t)w.slots, .slot_size = (uint32_t)(w.size + 63) & ~63u, .mode = RC_RING_MODE_RELIABLE,
		.kind = w.exclusive ? RC_RING_KIND_EXCLUSIVE : RC_RING_KIND_SHARED};
	rc_publisher *publisher;
	good(rc_publisher_open(domain, topic, &config, &publisher), "publisher");
	return publisher;
}

static rc_subscription *subscription_of(rc_domain *domain, const char *topic)
{
	rc_subscription *subscription;
	good(rc_subscription_open(domain, topic, NULL, &subscription), "subscription");
	return subscription;
}

struct side {
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
};

static void side_open(struct side *s, const char *writes, const char *reads)
{
	s->domain = join();
	s->subscription = reads ? subscription_of(s->domain, reads) : NULL;
	s->publisher = writes ? publisher_of(s->domain, writes) : NULL;
}

static void side_close(struct side *s)
{
	rc_publisher_close(s->publisher);
	rc_subscription_close(s->subscription);
	good(rc_domain_close(s->domain), "leave");
}

static void side_put(struct side *s, uint64_t tag, uint64_t stamp)
{
	rc_claim claim;
	int result;
	do {
		good(rc_publisher_claim(s->publisher, w.size, patience, &claim), "claim");
		fill(claim.data, w.size, tag, stamp);
		result = rc_claim_commit(&claim, claim.data, w.size, NULL);
	} while (result == RC_ERROR_FENCED);
	good(result, "commit");
}

static uint64_t side_take(struct side *s, uint64_t *stamp)
{
	rc_received r;
	good(rc_subscription_wait(s->subscription, patience, &r), "wait");
	if (r.type != RC_TYPE_MESSAGE || r.size != w.size) {
		fprintf(stderr, "type %u at %llu: %llu missed, size %zu\n", (unsigned)r.type, (unsigned long long)r.position, (unsigned long long)r.count, r.size);
		exit(1);
	}
	return check(r.data, r.size, stamp);
}

#include "roles.h"

int main(int argc, char **argv)
{
	return run_roles(argc, argv);
}
