/* The C library between two nodes, behind the books that every peer's program there has (bench/peers/net/peer.h): a reliable topic
 * whose ring holds as much as a peer's buffers do. Forwarders bring it to the other node, and are started by who measures. */
#include "../../bench/peers/net/peer.h"

#include <errno.h>

#include "ringcast.h"
#include "good.h"

#define TOPIC "bench"
#define SLOTS 8192

static struct peer p;
static const int64_t patience = INT64_C(30000000000);

static rc_domain *join(void)
{
	rc_config config = {.dir = p.dir, .domain = "bench", .name = p.sends ? "send" : "receive"};
	rc_domain *domain;
	good(rc_domain_open(&config, &domain), "join");
	return domain;
}

static void put(rc_publisher *publisher, uint64_t tag, uint64_t stamp)
{
	rc_claim claim;
	int result;
	do { /* fenced: this process had no core for so long that the claim was taken */
		good(rc_publisher_claim(publisher, p.size, patience, &claim), "claim");
		payload_write(&p, claim.data, tag, stamp);
		result = rc_claim_commit(&claim, claim.data, p.size, NULL);
	} while (result == RC_ERROR_FENCED);
	good(result, "commit");
}

static void sender(rc_domain *domain)
{
	rc_publisher_config config = {.slots = SLOTS, .slot_size = (uint32_t)((p.size + 63) & ~(size_t)63)};
	rc_publisher *publisher;
	good(rc_publisher_open(domain, TOPIC, &config, &publisher), "publisher");
	peer_ready();
	peer_await_start();
	struct pace c;
	pace_begin(&c, &p);
	for (uint64_t due; (due = pace_wait(&c)) != 0;) {
		uint64_t began = now_ns();
		put(publisher, c.sent + 1, due);
		pace_sent(&c, began);
	}
	put(publisher, c.sent | LAST_MARK, 0);
	pace_print(&c);
	rc_publisher_close(publisher);
}

/* The next message, as far as anybody here looks at it. */
static int next_message(rc_subscription *s, uint32_t *type, const void **data, size_t *size, uint64_t *count)
{
	rc_received r;
	int result = rc_subscription_wait(s, INT64_C(100000000), &r);
	*type = r.type, *data = r.data, *size = r.size, *count = r.count;
	return result;
}

static void receiver(rc_domain *domain)
{
	static struct books b;
	rc_subscription *subscription;
	good(rc_subscription_open(domain, TOPIC, NULL, &subscription), "subscription");
	books_begin(&b);
	peer_ready();
	while (!b.ended && !peer_ended) {
		uint32_t type;
		const void *data;
		size_t size;
		uint64_t count;
		int result = next_message(subscription, &type, &data, &size, &count);
		if (result == RC_TIMED_OUT)
			continue;
		good(result, "wait");
		if (type == RC_TYPE_MESSAGE)
			books_take(&b, &p, data, size);
		else if (type == RC_TYPE_LAGGED || type == RC_TYPE_LOSS)
			b.told += count;
	}
	books_print(&b, &p);
	rc_subscription_close(subscription);
}

int main(int argc, char **argv)
{
	p = peer_parse(argc, argv);
	rc_domain *domain = join();
	if (p.sends)
		sender(domain);
	else
		receiver(domain);
	good(rc_domain_close(domain), "leave");
	return 0;
}
