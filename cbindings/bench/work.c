/* The C library as a contender of package bench: streams and round trips between two processes, written in
 * claimed slots and read where they lie, as bench/limits/work.h has them. bench/languages runs it beside Go.
 *
 *	work --scenario stream|pingpong --size N --exclusive 0|1 --wait spin|block|yield --pin A,B ...
 */
#include "../../bench/limits/work.h"

#include "ringcast.h"

static struct work w;
static char base[] = "/dev/shm/rc-bench-XXXXXX";
static const int64_t patience = INT64_C(30000000000);

_Noreturn static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, rc_error_detail());
	exit(1);
}

static void good(int result, const char *what)
{
	if (result != RC_OK)
		fail(what);
}

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

/* Both processes are there: the other side's topic is read and written. */
static struct gate {
	_Atomic int ready;
	_Atomic int stop; /* the reader has counted enough */
} *gate;

static void meet(void)
{
	(void)atomic_fetch_add(&gate->ready, 1);
	while (atomic_load(&gate->ready) < 2)
		relax();
}

static void put(rc_publisher *publisher, uint64_t tag, uint64_t stamp)
{
	rc_claim claim;
	int result;
	do {
		good(rc_publisher_claim(publisher, w.size, patience, &claim), "claim");
		fill(claim.data, w.size, tag, stamp);
		result = rc_claim_commit(&claim, claim.data, w.size, NULL);
	} while (result == RC_ERROR_FENCED);
	good(result, "commit");
}

static uint64_t take(rc_subscription *subscription, uint64_t *stamp)
{
	rc_received r;
	good(rc_subscription_wait(subscription, patience, &r), "wait");
	if (r.type != RC_TYPE_MESSAGE || r.size != w.size) {
		fprintf(stderr, "type %u at %llu: %llu missed, size %zu\n", (unsigned)r.type, (unsigned long long)r.position, (unsigned long long)r.count, r.size);
		exit(1);
	}
	return check(r.data, r.size, stamp);
}

static void produce(void *unused)
{
	(void)unused;
	rc_domain *domain = join();
	rc_publisher *publisher = publisher_of(domain, "there");
	uint64_t i = 0;
	meet();
	while (!atomic_load_explicit(&gate->stop, memory_order_relaxed))
		put(publisher, ++i, 0);
	put(publisher, (i + 1) | LAST_MARK, 0);
	rc_publisher_close(publisher);
	good(rc_domain_close(domain), "leave");
}

static void consume(void *unused)
{
	(void)unused;
	struct window v;
	rc_domain *domain = join();
	rc_subscription *subscription = subscription_of(domain, "there");
	meet();
	window_begin(&v, &w);
	for (uint64_t n = 0, stamp;;) {
		uint64_t tag = take(subscription, &stamp);
		if ((tag & LAST_MARK) != 0)
			break;
		if (tag != ++n)
			fail("order of messages");
		if (n % 1024 == 0 && v.measured_to == 0 && !window_turn(&v, n, now_ns()))
			atomic_store_explicit(&gate->stop, 1, memory_order_relaxed);
	}
	rc_subscription_close(subscription);
	good(rc_domain_close(domain), "leave");
	print_figure(window_rate(&v), NULL);
}

static void ping(void *unused)
{
	(void)unused;
	struct histogram *h = calloc(1, sizeof *h);
	struct window v;
	uint64_t i = 0, stamp;
	rc_domain *domain = join();
	rc_subscription *in = subscription_of(domain, "back");
	rc_publisher *out = publisher_of(domain, "there");
	meet();
	window_begin(&v, &w);
	for (uint64_t begin = now_ns(); window_turn(&v, i, begin);) {
		put(out, ++i, 0);
		if (take(in, &stamp) != i)
			fail("answer");
		uint64_t end = now_ns();
		if (v.open)
			record(h, end - begin);
		begin = end;
	}
	put(out, i | LAST_MARK, 0);
	rc_publisher_close(out);
	rc_subscription_close(in);
	good(rc_domain_close(domain), "leave");
	print_figure(window_rate(&v), h);
	free(h);
}

static void pong(void *unused)
{
	(void)unused;
	rc_domain *domain = join();
	rc_subscription *in = subscription_of(domain, "there");
	rc_publisher *out = publisher_of(domain, "back");
	meet();
	for (uint64_t stamp, tag; ((tag = take(in, &stamp)) & LAST_MARK) == 0;)
		put(out, tag, stamp);
	rc_publisher_close(out);
	rc_subscription_close(in);
	good(rc_domain_close(domain), "leave");
}

int main(int argc, char **argv)
{
	char command[64];
	w = parse_work(argc, argv);
	if (mkdtemp(base) == NULL)
		die(base);
	gate = shared_pages(sizeof *gate);
	if (strcmp(w.scenario, "pingpong") == 0)
		two_processes(&w, ping, pong, NULL);
	else
		two_processes(&w, consume, produce, NULL);
	(void)snprintf(command, sizeof command, "rm -rf %s", base);
	return system(command) != 0;
}
