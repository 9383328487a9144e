/* What others write is input: scribbled rings, tables and files are errors, never a crash, a
 * hang, or a read out of bounds (run under AddressSanitizer, too). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "check.h"
#include "table.h"

static uint64_t seed;
/* A ring that was damaged costs its users 20 ms each until they have another one, so the rounds are few. */
static unsigned long rounds = 5;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Maps a file of the domain, to scribble on it. */
static uint8_t *map_file(const char *path, size_t *size)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	*size = (size_t)st.st_size;
	uint8_t *base = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	CHECK(base != MAP_FAILED);
	return base;
}

/* A word that is likely to hurt. */
static uint64_t nasty(void)
{
	static const uint64_t words[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 1, (UINT64_C(1) << 44) - 1, UINT64_C(0xfffffffffff) << 20,
		UINT64_C(0xffff) << 4 | 1, 4096, 0x7fffffff, 0xffffffff};
	uint64_t r = next_random();
	return r % 3 == 0 ? next_random() : words[r % (sizeof words / sizeof *words)];
}

/* The first file of the topic that ends so; false: there is none. */
static bool find_file(char *path, size_t size, const char *topic, const char *suffix)
{
	char command[256];
	(void)snprintf(command, sizeof command, "ls %s/default/topics/%s.*.%s 2>/dev/null", test_directory, topic, suffix);
	FILE *f = popen(command, "r");
	CHECK(f != NULL);
	bool found = fgets(path, (int)size, f) != NULL;
	path[strcspn(path, "\n")] = 0;
	(void)pclose(f);
	return found;
}

static void find_data(char *path, size_t size, const char *topic) { CHECK(find_file(path, size, topic, "dat")); }

static uint64_t touched;

static void read_some(rc_subscription *s)
{
	for (int i = 0; i < 50; i++) {
		rc_received r;
		int result = rc_subscription_poll(s, &r);
		if (result != RC_OK)
			break;
		for (size_t b = 0; r.type == RC_TYPE_MESSAGE && b < r.size; b++) /* every byte that was handed out may be read */
			touched += ((const uint8_t *)r.data)[b];
	}
}

/* One ring, scribbled again and again while a publisher and two readers use it. */
static void scribble(const char *topic, uint32_t kind, uint32_t mode)
{
	rc_domain *domain;
	rc_publisher *publisher = NULL;
	rc_subscription *reliable, *latest;
	rc_publisher_config config = {.slots = 64, .slot_size = 128, .kind = kind, .mode = mode};
	rc_subscription_config late = {.reading = RC_READ_LATEST, .history = 32};
	char path[512], data[512];
	uint8_t bytes[1000] = {0};
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, topic, &config, &publisher));
	WANT(RC_OK, rc_subscription_open(domain, topic, NULL, &reliable));
	WANT(RC_OK, rc_subscription_open(domain, topic, &late, &latest));
	for (unsigned long round = 0; round < rounds; round++) {
		size_t control_size, data_size;
		(void)snprintf(path, sizeof path, "%s/default/topics/%s.ctl", test_directory, topic);
		find_data(data, sizeof data, topic);
		uint8_t *control = map_file(path, &control_size), *slots = map_file(data, &data_size);
		for (int step = 0; step < 20; step++) {
			uint64_t at = next_random();
			switch (at % 4) { /* control words, claims and entries, slot headers; the state word is whoever's */
			case 0:
				*(uint64_t *)(void *)(control + 256 + next_random() % 768 / 8 * 8) = nasty();
				break;
			case 1:
				*(uint64_t *)(void *)(control + 1024 + next_random() % (control_size - 1024) / 8 * 8) = nasty();
				break;
			default:
				*(uint64_t *)(void *)(slots + 4096 + next_random() % 64 * 192 + next_random() % 64 / 8 * 8) = nasty();
				break;
			}
			if (publisher == NULL)
				(void)rc_publisher_open(domain, topic, NULL, &publisher);
			if (publisher != NULL && rc_publisher_publish(publisher, bytes, next_random() % sizeof bytes, 0) < 0) {
				rc_publisher_close(publisher);
				publisher = NULL;
			}
			read_some(reliable);
			read_some(latest);
		}
		(void)munmap(control, control_size);
		(void)munmap(slots, data_size);
	}
	rc_publisher_close(publisher);
	rc_subscription_close(reliable);
	rc_subscription_close(latest);
	WANT(RC_OK, rc_domain_close(domain));
}

/* Half of the scribbles hit the take words, rows and header of a group, the rest the ring's entries. */
static void scribble_group(const char *topic, uint32_t kind)
{
	rc_domain *domain;
	rc_publisher *publisher = NULL;
	rc_subscription *members[2] = {NULL, NULL};
	rc_publisher_config config = {.slots = 64, .slot_size = 128, .kind = kind};
	rc_subscription_config group = {.reading = RC_READ_GROUP, .group = "g"};
	char path[512], words[512];
	uint8_t bytes[128] = {0};
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, topic, &config, &publisher));
	for (unsigned long step = 0; step < 20 * rounds; step++) {
		size_t control_size, words_size;
		for (int i = 0; i < 2; i++) /* a group whose entry is scribbled may not take them */
			if (members[i] == NULL)
				(void)rc_subscription_open(domain, topic, &group, &members[i]);
		(void)snprintf(path, sizeof path, "%s/default/topics/%s.ctl", test_directory, topic);
		if (step % 4 == 0) {
			uint8_t *control = map_file(path, &control_size);
			*(uint64_t *)(void *)(control + control_size - 256 * 128 + next_random() % 5 * 128 + next_random() % 128 / 8 * 8) = nasty();
			(void)munmap(control, control_size);
		} else if (find_file(words, sizeof words, topic, "group")) {
			uint8_t *group_words = map_file(words, &words_size);
			size_t at = step % 2 == 0 ? 192 + next_random() % 64 : next_random() % 4 == 0 ? 256 + 512 + next_random() % 256 : 256 + next_random() % 512;
			*(uint64_t *)(void *)(group_words + at / 8 * 8) = nasty();
			(void)munmap(group_words, words_size);
		}
		for (int i = 0; i < 10 && publisher != NULL; i++) {
			if (rc_publisher_publish(publisher, bytes, next_random() % sizeof bytes, 0) < 0) {
				rc_publisher_close(publisher);
				publisher = NULL;
				(void)rc_publisher_open(domain, topic, NULL, &publisher);
			}
		}
		for (int i = 0; i < 2; i++)
			if (members[i] != NULL)
				read_some(members[i]);
		rc_subscription_close(members[step % 2]);
		members[step % 2] = NULL;
	}
	rc_publisher_close(publisher);
	rc_subscription_close(members[0]);
	rc_subscription_close(members[1]);
	WANT(RC_OK, rc_domain_close(domain));
}

static void scribbled_group_shared(void) { scribble_group("s", RC_RING_KIND_SHARED); }
static void scribbled_group_exclusive(void) { scribble_group("e", RC_RING_KIND_EXCLUSIVE); }

static void scribbled_shared(void) { scribble("s", RC_RING_KIND_SHARED, RC_RING_MODE_RELIABLE); }
static void scribbled_exclusive(void) { scribble("e", RC_RING_KIND_EXCLUSIVE, RC_RING_MODE_RELIABLE); }
static void scribbled_latest(void) { scribble("l", RC_RING_KIND_SHARED, RC_RING_MODE_LATEST); }

/* A ring that was damaged is replaced: those who use it meet again. */
static void damaged_ring_is_replaced(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	rc_received r;
	char path[512];
	size_t size;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_subscription_open(domain, "d", NULL, &subscription));
	WANT(RC_OK, rc_publisher_open(domain, "d", NULL, &publisher));
	WANT(RC_OK, rc_publisher_publish(publisher, "a", 1, 0));
	(void)snprintf(path, sizeof path, "%s/default/topics/d.ctl", test_directory);
	uint8_t *control = map_file(path, &size);
	*(uint64_t *)(void *)(control + 1024 + 8) = UINT64_C(77) << 20 | 2; /* position 1: lap 77 */
	WANT(RC_OK, rc_publisher_publish(publisher, "b", 1, 0)); /* finds it, and goes on in a new ring */
	uint64_t missed = 0;
	int result = RC_OK;
	for (int i = 0; i < 10 && result == RC_OK; i++) {
		result = rc_subscription_wait(subscription, SECOND, &r);
		if (result == RC_OK && r.type == RC_TYPE_LAGGED)
			missed += r.count;
		else if (result == RC_OK && r.sequence == 2)
			break;
	}
	(void)munmap(control, size);
	WANT(RC_OK, result);
	CHECK(r.type == RC_TYPE_MESSAGE && r.sequence == 2 && missed <= 1);
	rc_publisher_close(publisher);
	rc_subscription_close(subscription);
	WANT(RC_OK, rc_domain_close(domain));
}

/* A control file whose slots are gone blocks its topic no more than 20 ms. */
static void slots_are_gone(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	rc_received r;
	char data[512], control[512], saved[512];
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "g", NULL, &publisher));
	(void)snprintf(control, sizeof control, "%s/default/topics/g.ctl", test_directory);
	(void)snprintf(saved, sizeof saved, "%s/saved", test_directory);
	find_data(data, sizeof data, "g");
	CHECK(link(control, saved) == 0);
	rc_publisher_close(publisher); /* removes both */
	CHECK(access(data, F_OK) != 0);
	int fd = open(saved, O_RDWR | O_CLOEXEC); /* the name comes back, READY, without slots */
	const uint64_t ready = RC_SEGMENT_STATE_READY;
	CHECK(fd >= 0 && pwrite(fd, &ready, sizeof ready, RC_SEGMENT_HEADER_STATE_OFFSET) == (ssize_t)sizeof ready && rename(saved, control) == 0);
	(void)close(fd);
	WANT(RC_OK, rc_subscription_open(domain, "g", NULL, &subscription));
	WANT(RC_OK, rc_publisher_open(domain, "g", NULL, &publisher));
	WANT(RC_OK, rc_publisher_publish(publisher, "x", 1, 0));
	WANT(RC_OK, rc_subscription_wait(subscription, SECOND, &r));
	CHECK(r.type == RC_TYPE_MESSAGE && r.size == 1);
	rc_publisher_close(publisher);
	rc_subscription_close(subscription);
	WANT(RC_OK, rc_domain_close(domain));
}

/* The seal's word in another slot than 0 is damage: its finder must not open the same ring for ever. */
static void seal_where_none_belongs(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	rc_received r;
	char path[512];
	size_t size;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_publisher_open(domain, "seal", NULL, &publisher));
	WANT(RC_OK, rc_subscription_open(domain, "seal", NULL, &subscription));
	for (int i = 0; i < 5; i++)
		WANT(RC_OK, rc_publisher_publish(publisher, "x", 1, 0));
	(void)snprintf(path, sizeof path, "%s/default/topics/seal.ctl", test_directory);
	uint8_t *control = map_file(path, &size);
	*(uint64_t *)(void *)(control + 1024 + 5 * 8) = RC_LAP_LIMIT << 20; /* position 5 */
	WANT(RC_OK, rc_publisher_publish(publisher, "y", 1, 0));
	(void)munmap(control, size);
	for (int i = 0; i < 10; i++) {
		WANT(RC_OK, rc_subscription_wait(subscription, SECOND, &r));
		if (r.type == RC_TYPE_MESSAGE && r.sequence == 6)
			break;
	}
	CHECK(r.sequence == 6);
	rc_publisher_close(publisher);
	rc_subscription_close(subscription);
	WANT(RC_OK, rc_domain_close(domain));
}

/* Touches all that is told. */
struct toucher {
	struct table_visitor visitor; /* first */
	size_t count;
};

static void touch_interest(struct table_visitor *v, const char *name, bool pattern, bool publisher) { ((struct toucher *)(void *)v)->count += strlen(name) + pattern + publisher; }
static void touch_texts(struct table_visitor *v, const char *name, const char *version) { ((struct toucher *)(void *)v)->count += strlen(name) + strlen(version); }
static void touch_service(struct table_visitor *v, const char *name, uint32_t limit, uint32_t room) { ((struct toucher *)(void *)v)->count += strlen(name) + limit + room; }
static void touch_want(struct table_visitor *v, const char *name, const char *a, const char *b, bool partial) { ((struct toucher *)(void *)v)->count += strlen(name) + strlen(a) + strlen(b) + partial; }
static void touch_departed(struct table_visitor *v, uint8_t ending) { ((struct toucher *)(void *)v)->count += ending; }
static void touch_name(struct table_visitor *v, const char *name) { ((struct toucher *)(void *)v)->count += strlen(name); }

/* Reads the bytes as either table. */
static void touch(struct toucher *t, const uint8_t *bytes, size_t size)
{
	t->visitor = (struct table_visitor){.participant = touch_texts, .interest = touch_interest, .service = touch_service, .node = touch_texts, .want = touch_want,
		.departed = touch_departed, .node_service = touch_name};
	(void)rci_table_visit(bytes, size, &t->visitor);
	(void)rci_directory_visit(bytes, size, &t->visitor);
}

/* Every truncation of a table, and many scribbles, are read without leaving it. */
static void scribbled_tables(void)
{
	struct interest second = {.name = "b.>", .live = true}, first = {.name = "a.b", .publisher = true, .next = &second};
	struct offer offer = {.name = "squares", .limit = 3};
	const struct said said = {"name", "version", &first, &offer};
	struct toucher toucher = {.count = 0};
	size_t size = 0;
	uint8_t *table = rci_table_build(&said, &size);
	CHECK(table != NULL && rci_table_pattern_matches(table, size, "b.c.d") && !rci_table_pattern_matches(table, size, "a.b"));
	for (size_t n = 0; n < size; n++) {
		uint8_t *part = malloc(n + 1); /* its end is known to AddressSanitizer */
		uint8_t *exact = n > 0 ? realloc(part, n) : part;
		memcpy(exact, table, n);
		touch(&toucher, exact, n);
		free(exact);
	}
	for (int i = 0; i < 200000; i++) {
		uint8_t *copy = malloc(size);
		memcpy(copy, table, size);
		for (uint64_t hits = 1 + next_random() % 4; hits > 0; hits--)
			copy[next_random() % size] = (uint8_t)next_random();
		touch(&toucher, copy, size);
		free(copy);
	}
	free(table);
	CHECK(toucher.count > 0);
}

static void write_bytes(const char *path, off_t at, const void *bytes, size_t size)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	ssize_t n = pwrite(fd, bytes, size, at);
	(void)close(fd);
	CHECK(n == (ssize_t)size);
}

/* Writes over the node segment, and wants an error that says what it is. */
static void open_scribbled(off_t at, const void *bytes, size_t size, int code)
{
	rc_domain *domain;
	char path[512];
	uint8_t before[64];
	(void)snprintf(path, sizeof path, "%s/default/node", test_directory);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && size <= sizeof before);
	ssize_t n = pread(fd, before, size, at);
	(void)close(fd);
	CHECK(n == (ssize_t)size);
	write_bytes(path, at, bytes, size);
	WANT(code, rc_domain_open(NULL, &domain));
	CHECK(strstr(rc_error_detail(), "node") != NULL);
	write_bytes(path, at, before, size);
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_domain_close(domain));
}

/* Three errors that mean three things. */
static void bad_segments(void)
{
	rc_domain *domain;
	char path[512];
	const uint16_t major = 2;
	const uint32_t zero = 0;
	const uint64_t hash = 1;
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_OK, rc_domain_close(domain));
	open_scribbled(RC_SEGMENT_HEADER_MAGIC_OFFSET, "GARBAGE!", 8, RC_ERROR_NOT_OURS);
	open_scribbled(RC_SEGMENT_HEADER_MAJOR_OFFSET, &major, sizeof major, RC_ERROR_OTHER_VERSION);
	open_scribbled(RC_SEGMENT_HEADER_LAYOUT_HASH_OFFSET, &hash, sizeof hash, RC_ERROR_DAMAGED); /* the checksum comes first */
	open_scribbled(RC_SEGMENT_HEADER_CHECKSUM_OFFSET, &zero, sizeof zero, RC_ERROR_DAMAGED);
	open_scribbled(RC_SEGMENT_HEADER_SIZE, &zero, sizeof zero, RC_ERROR_DAMAGED);
	(void)snprintf(path, sizeof path, "%s/default/node", test_directory);
	CHECK(truncate(path, 40) == 0);
	WANT(RC_ERROR_DAMAGED, rc_domain_open(NULL, &domain));
	CHECK(truncate(path, 0) == 0);
	WANT(RC_ERROR_NOT_OURS, rc_domain_open(NULL, &domain));
	CHECK(unlink(path) == 0 && mkdir(path, 0700) == 0);
	WANT(RC_ERROR_NOT_OURS, rc_domain_open(NULL, &domain));
	(void)snprintf(path, sizeof path, "%s/file", test_directory);
	CHECK(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	WANT(RC_ERROR_NOT_OURS, rc_domain_open(&(rc_config){.domain = "file"}, &domain));
	CHECK(strstr(rc_error_detail(), "file: not a directory: move it out of the way, or ") != NULL);
	WANT(RC_ERROR_NOT_OURS, rc_domain_open(&(rc_config){.dir = path}, &domain));
}

static void bad_arguments(void)
{
	rc_domain *domain;
	rc_publisher *publisher;
	rc_subscription *subscription;
	rc_config config = {.domain = "no/slash"};
	rc_publisher_config shape = {.slots = 100};
	rc_subscription_config group = {.group = "g"};
	char name[300];
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = 0;
	WANT(RC_ERROR_NAME, rc_domain_open(&config, &domain));
	config = (rc_config){.mode = 0755};
	WANT(RC_ERROR_INVALID, rc_domain_open(&config, &domain));
	config = (rc_config){.group = "no such group"};
	WANT(RC_ERROR_INVALID, rc_domain_open(&config, &domain));
	WANT(RC_OK, rc_domain_open(NULL, &domain));
	WANT(RC_ERROR_NAME, rc_publisher_open(domain, "a..b", NULL, &publisher));
	WANT(RC_ERROR_NAME, rc_publisher_open(domain, "a.*", NULL, &publisher));
	WANT(RC_ERROR_NAME, rc_publisher_open(domain, NULL, NULL, &publisher));
	WANT(RC_ERROR_NAME, rc_publisher_open(domain, name, NULL, &publisher));
	WANT(RC_ERROR_INVALID, rc_publisher_open(domain, "a", &shape, &publisher));
	WANT(RC_ERROR_INVALID, rc_subscription_open(domain, "a", &group, &subscription));
	WANT(RC_OK, rc_publisher_open(domain, "a", NULL, &publisher));
	WANT(RC_ERROR_BUSY, rc_domain_close(domain));
	rc_publisher_close(publisher);
	WANT(RC_OK, rc_domain_close(domain));
	for (int code = -25; code < 4; code++)
		CHECK(code == -25 || strcmp(rc_error_text(code), "unknown code") != 0);
}

static void names(void)
{
	struct rc_address address;
	char text[RC_ADDRESS_TEXT];
	CHECK(rc_name_matches("a.*.c", "a.b.c") && !rc_name_matches("a.*.c", "a.b.c.d") && rc_name_matches("a.>", "a.b.c") && !rc_name_matches("a.>", "a"));
	CHECK(!rc_name_matches(">", "$SYS.a") && rc_name_matches("$SYS.>", "$SYS.a") && !rc_name_matches("*", "$a") && !rc_name_matches("a.>.b", "a.b.b"));
	WANT(RC_OK, rc_address_parse("n7-1f03.12.5:1", &address));
	CHECK(address.node == 7 && address.epoch == 0x1f03 && address.index == 12 && address.generation == 5 && address.handle == 1);
	WANT(RC_OK, rc_address_format(&address, text, sizeof text));
	CHECK(strcmp(text, "n7-1f03.12.5:1") == 0);
	WANT(RC_ERROR_INVALID, rc_address_parse("n7-1F03.12.5", &address));
	WANT(RC_ERROR_INVALID, rc_address_parse("n07-1f03.12.5", &address));
	WANT(RC_ERROR_INVALID, rc_address_parse("n7-1f03.12.5:0", &address));
}

int main(int argc, char **argv)
{
	int failures = 0;
	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL) * 2654435761u;
	rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : rounds;
	printf("# seed %" PRIu64 ": %s %" PRIu64 " repeats it\n", seed, argv[0], seed);
	(void)fflush(stdout);
	seed |= 1;
	RUN(scribbled_shared);
	RUN(scribbled_exclusive);
	RUN(scribbled_latest);
	RUN(scribbled_group_shared);
	RUN(scribbled_group_exclusive);
	RUN(damaged_ring_is_replaced);
	RUN(slots_are_gone);
	RUN(seal_where_none_belongs);
	RUN(scribbled_tables);
	RUN(bad_segments);
	RUN(bad_arguments);
	RUN(names);
	return failures;
}
