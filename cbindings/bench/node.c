/* The C library behind the loops that every peer's program of one node has (bench/peers/node/node.h): bench-peers
 * measures it beside those. Messages are written in claimed slots and read where they lie; a topic has the kind and the
 * slots that the work asks for. Requests go to a service of one instance. */
#include "../../bench/peers/node/node.h"

#include "ringcast.h"
#include "good.h"

struct link {
	rc_domain *domain;
	rc_publisher *out;
	rc_subscription *in;
	rc_service *service;
	rc_task *task;
	rc_reply reply;
	uint8_t *question;
};

static const int64_t forever = INT64_C(30000000000);

static void link_begin(void)
{
	if (w.dir[0] == 0)
		snprintf(w.dir, sizeof w.dir, "/dev/shm/rc-bench-%d", (int)getpid());
	if (mkdir(w.dir, 0700) != 0 && errno != EEXIST)
		die(w.dir);
}

static void link_end(void)
{
	char command[sizeof w.dir + 16];
	snprintf(command, sizeof command, "rm -rf '%s'", w.dir);
	if (system(command) != 0)
		die(command);
}

static rc_domain *join(void)
{
	rc_config config = {.dir = w.dir, .wait = spins() ? RC_WAIT_SPIN : yields() ? RC_WAIT_YIELD : RC_WAIT_BLOCK,
		.memory = w.prefault ? "prefault" : NULL};
	rc_domain *domain;
	good(rc_domain_open(&config, &domain), "join");
	return domain;
}

static void open_writer(struct link *l, const char *topic)
{
	rc_publisher_config config = {.slots = (uint32_t)w.slots, .slot_size = (uint32_t)((w.size + 63) & ~(size_t)63),
		.stall_budget_ms = 10000, /* no peer puts a reader out for being the slower of the two */
		.kind = w.exclusive ? RC_RING_KIND_EXCLUSIVE : RC_RING_KIND_SHARED};
	good(rc_publisher_open(l->domain, topic, &config, &l->out), "publisher");
}

static void open_reader(struct link *l, const char *topic)
{
	good(rc_subscription_open(l->domain, topic, NULL, &l->in), "subscription");
}

static void open_service(struct link *l)
{
	rc_service_config config = {.slot_size = (uint32_t)(w.size > 2048 ? w.size : 0)};
	good(rc_service_open(l->domain, "answers", &config, &l->service), "service");
}

static void await_all(struct link *l, uint32_t count)
{
	rc_received r;
	atomic_fetch_add(&page->opened, 1);
	while (atomic_load(&page->opened) < count) {
		usleep(500);
		if (l->in != NULL && rc_subscription_poll(l->in, &r) != RC_NOTHING) /* who subscribes to a pattern joins its topics so */
			fail("a message before the time");
	}
	if (l->in != NULL && rc_subscription_poll(l->in, &r) != RC_NOTHING)
		fail("a message before the time");
}

static struct link *link_open(enum role role, int index)
{
	struct link *l = calloc(1, sizeof *l);
	char own[32];
	snprintf(own, sizeof own, "there.%d", index);
	if (l == NULL || (l->question = malloc(w.size)) == NULL)
		die("memory");
	l->domain = join();
	switch (role) {
	case PRODUCE: open_writer(l, w.apart ? own : "there"); break;
	case CONSUME: open_reader(l, w.apart ? "there.*" : "there"); break;
	case PING: open_writer(l, "there"), open_reader(l, "back"); break;
	case PONG: open_reader(l, "there"), open_writer(l, "back"); break;
	case ASK: break;
	case SERVE: open_service(l); break;
	}
	await_all(l, (uint32_t)(w.producers + w.readers));
	return l;
}

static void put(struct link *l, uint64_t tag, uint64_t stamp)
{
	rc_claim claim;
	int result;
	do { /* fenced: this process had no core for so long that the claim was taken */
		good(rc_publisher_claim(l->out, w.size, forever, &claim), "claim");
		fill(claim.data, w.touched, tag, stamp);
		result = rc_claim_commit(&claim, claim.data, w.size, NULL);
	} while (result == RC_ERROR_FENCED);
	good(result, "commit");
}

static void link_send(struct link *l, uint64_t tag, uint64_t stamp)
{
	if (l->out != NULL) {
		put(l, tag, stamp);
		return;
	}
	fill(l->question, w.touched, tag, stamp);
	if (l->service != NULL)
		good(rc_task_reply(l->task, l->question, w.size), "reply");
	else
		good(rc_request(l->domain, "answers", l->question, w.size, NULL, &l->reply), "request");
}

/* The next message, as far as anybody here looks at it: the compiler leaves away what is not. */
static int next_message(struct link *l, uint32_t *type, const void **data, size_t *size)
{
	rc_received r;
	int result = rc_subscription_wait(l->in, INT64_C(1000000) * patience_ms, &r);
	*type = r.type, *data = r.data, *size = r.size;
	return result;
}

__attribute__((flatten)) static void read_some(struct link *l, int most)
{
	for (int i = 0; i < most && books.open > 0; i++) {
		uint32_t type;
		const void *data;
		size_t size;
		int result = next_message(l, &type, &data, &size);
		if (result == RC_TIMED_OUT)
			return;
		good(result, "wait");
		if (type != RC_TYPE_MESSAGE) {
			fprintf(stderr, "an event of type %u came in place of a message\n", (unsigned)type);
			exit(1);
		}
		take(data, size);
	}
}

static void link_receive(struct link *l, int most)
{
	if (l->in != NULL) {
		read_some(l, most);
	} else if (l->service == NULL) {
		take(l->reply.data, l->reply.size);
	} else if (rc_service_wait(l->service, INT64_C(1000000) * patience_ms, &l->task) == RC_OK) {
		take(l->task->data, l->task->size);
	}
}

static void link_close(struct link *l)
{
	rc_publisher_close(l->out);
	rc_subscription_close(l->in);
	rc_service_close(l->service);
	rc_reply_clear(&l->reply);
	good(rc_domain_close(l->domain), "leave");
}
