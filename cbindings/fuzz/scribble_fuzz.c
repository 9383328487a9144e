/* A libFuzzer target: what others write. The first byte chooses: a table of a participant, a file
 * that is opened as a segment (as it is, or with a checksum that fits), a ring that is scribbled while it is
 * used, or a queue group.
 *
 *	make -C cbindings test-fuzz FUZZ_SECONDS=20
 *
 * At its end it says how often each part of the reading code was reached, and that
 * the run has failed if one never was. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "group.h"

char fuzz_base[] = "/dev/shm/rc-fuzz-XXXXXX";
rc_domain *fuzz_domain;
static uint64_t touched;

/* What is to be reached. */
static struct {
	const char *what;
	uint64_t count;
} reached[] = {{"tables read", 0}, {"interests read", 0}, {"segments opened", 0}, {"ring geometries taken", 0}, {"messages read", 0},
	{"copies read", 0}, {"gaps told", 0}, {"damage told", 0}, {"messages taken by members", 0}, {"reports told", 0}, {"rings given up", 0},
	{"directories read", 0}, {"departures read", 0}, {"lost nodes read", 0}};
enum { TABLES, INTERESTS, SEGMENTS, GEOMETRIES, MESSAGES, COPIES, GAPS, DAMAGE, TAKEN, REPORTS, RETIRED, DIRECTORIES, DEPARTURES, LOST };

static void end(void)
{
	char command[64];
	bool all = true;
	for (size_t i = 0; i < sizeof reached / sizeof *reached; i++) {
		printf("# %-26s %llu\n", reached[i].what, (unsigned long long)reached[i].count);
		all = all && reached[i].count != 0;
	}
	printf("%s c/fuzz/reaches-all-of-the-reading-code%s\n", all ? "ok" : "not ok", all ? "" : ": see the zero above");
	(void)fflush(stdout);
	(void)snprintf(command, sizeof command, "rm -rf %s", fuzz_base);
	if (system(command) != 0)
		perror(fuzz_base);
}

static void visit(struct table_visitor *v, const char *name, bool pattern, bool publisher)
{
	(void)v;
	reached[INTERESTS].count++;
	touched += strlen(name) + pattern + publisher;
}

static void visit_texts(struct table_visitor *v, const char *name, const char *version) { touched += strlen(name) + strlen(version) + v->language; }
static void visit_service(struct table_visitor *v, const char *name, uint32_t limit, uint32_t room) { touched += strlen(name) + limit + room + v->language; }
static void visit_want(struct table_visitor *v, const char *name, const char *a, const char *b, bool partial) { touched += strlen(name) + strlen(a) + strlen(b) + v->language + partial; }
static void visit_ending(struct table_visitor *v, uint8_t ending, int what)
{
	touched += ending + v->language;
	reached[what].count++;
}

static void visit_departed(struct table_visitor *v, uint8_t ending) { visit_ending(v, ending, DEPARTURES); }
static void visit_lost(struct table_visitor *v, uint8_t ending) { visit_ending(v, ending, LOST); }
static void visit_name(struct table_visitor *v, const char *name) { touched += strlen(name) + v->language; }

static void read_table(const uint8_t *data, size_t size)
{
	struct table_visitor visitor = {.participant = visit_texts, .interest = visit, .service = visit_service, .node = visit_texts, .want = visit_want,
		.departed = visit_departed, .node_service = visit_name, .asks = visit_name, .lost = visit_lost};
	reached[TABLES].count += rci_table_visit(data, size, &visitor);
	reached[DIRECTORIES].count += rci_directory_visit(data, size, &visitor);
	(void)rci_table_pattern_matches(data, size, "a.b");
}

/* Gives the bytes of a header a checksum that fits, so that what is behind it is reached. */
static void reseal(uint8_t *bytes, size_t size)
{
	const struct rc_segment_header *h = (const void *)bytes;
	if (size >= sizeof *h && h->fixed_size >= sizeof *h && h->fixed_size <= size)
		rci_header_seal(bytes);
}

static void open_file(const uint8_t *data, size_t size, bool sealed)
{
	char path[64];
	struct segment segment;
	struct shape shape;
	uint64_t id;
	uint8_t *bytes = aligned_alloc(128, (size + 128) & ~(size_t)127);
	if (bytes == NULL)
		abort();
	memcpy(bytes, data, size);
	if (sealed)
		reseal(bytes, size);
	(void)snprintf(path, sizeof path, "%s/file", fuzz_base);
	(void)unlink(path); /* or somebody's lock would hold it */
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	(void)close(fd);
	uint32_t kind = size > RC_SEGMENT_HEADER_KIND_OFFSET ? bytes[RC_SEGMENT_HEADER_KIND_OFFSET] : 0;
	free(bytes);
	int result = rci_segment_open(&segment, path, kind, size % 2 == 0);
	if (result != RC_OK) {
		rci_segment_close(&segment);
		return;
	}
	reached[SEGMENTS].count++;
	if (kind == RC_SEGMENT_KIND_RING_CONTROL)
		reached[GEOMETRIES].count += rci_get_geometry(segment.base, segment.size, path, &shape, &id) == RC_OK;
	rci_segment_close(&segment);
}

/* Reads what is there; every byte that is handed out may be read. */
static void read_some(rc_subscription *s, int kind)
{
	rc_received r;
	for (int i = 0; i < 20 && rc_subscription_poll(s, &r) == RC_OK; i++) {
		for (size_t b = 0; r.type == RC_TYPE_MESSAGE && b < r.size; b++)
			touched += ((const uint8_t *)r.data)[b];
		reached[kind].count += r.type == RC_TYPE_MESSAGE;
		reached[GAPS].count += r.type == RC_TYPE_LAGGED;
		reached[DAMAGE].count += r.type == RC_TYPE_DAMAGED;
		reached[REPORTS].count += r.type == RC_TYPE_ABANDONED;
	}
}

/* A ring with its users, and the words that are scribbled: of the control file from RingControl on, of the
 * slots' headers, or of a group from its gate on. */
struct scene {
	rc_publisher *publisher;
	rc_subscription *subscriptions[2];
	struct ring *ring;
	struct group *group;
};

static struct scene open_scene(bool grouped)
{
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	rc_subscription_config second = {.reading = RC_READ_LATEST, .history = 32}, member = {.reading = RC_READ_GROUP, .group = "g"};
	const struct wish any = {0};
	struct scene s = {0};
	char path[RCI_PATH];
	(void)snprintf(path, sizeof path, "%s/default/topics/f", fuzz_base);
	if (rc_publisher_open(fuzz_domain, "f", &config, &s.publisher) != RC_OK ||
		rc_subscription_open(fuzz_domain, "f", grouped ? &member : NULL, &s.subscriptions[0]) != RC_OK ||
		rc_subscription_open(fuzz_domain, "f", grouped ? &member : &second, &s.subscriptions[1]) != RC_OK ||
		rci_ring_open(fuzz_domain, path, &any, true, &s.ring) != RC_OK || (grouped && rci_group_open(s.ring, "g", false, &s.group) != RC_OK))
		abort();
	return s;
}

static uint64_t *place_in(const struct scene *s, size_t place)
{
	const struct ring *r = s->ring;
	size_t control = (rci_control_size(&r->shape) - 256) / 8, slots = 64 * 8, at;
	if (s->group != NULL && place % 4 != 0) { /* the header from the gate on, take words, and the first rows */
		at = place % (8 + 64 + 4 * 8);
		return at < 8 ? &s->group->head->gate + at : at < 72 ? s->group->taken + (at - 8) : (uint64_t *)(void *)s->group->rows + (at - 72);
	}
	at = place % (control + slots);
	return at < control ? (uint64_t *)(void *)r->control + at : (uint64_t *)(void *)ring_slot(r, (at - control) / 8) + (at - control) % 8;
}

/* Pairs of a place (2 bytes) and a word (8): each is written while the ring is used. */
static void scribble(const uint8_t *data, size_t size, bool grouped)
{
	struct scene s = open_scene(grouped);
	for (; size >= 10; data += 10, size -= 10) {
		uint16_t place;
		uint64_t word;
		memcpy(&place, data, 2);
		memcpy(&word, data + 2, 8);
		for (int i = 0; i < 3; i++) {
			if (i == 2)
				*place_in(&s, place) = word; /* behind two messages that nobody has read, before another */
			(void)rc_publisher_publish(s.publisher, data, size < 200 && !grouped ? size : size % 65, 0);
		}
		read_some(s.subscriptions[0], grouped ? TAKEN : MESSAGES);
		read_some(s.subscriptions[1], grouped ? TAKEN : COPIES);
	}
	reached[RETIRED].count += ring_retired(s.ring);
	rc_publisher_close(s.publisher);
	rc_subscription_close(s.subscriptions[0]);
	rc_subscription_close(s.subscriptions[1]);
	rci_ring_close(s.ring);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (mkdtemp(fuzz_base) == NULL || setenv("RINGCAST_SHM_DIR", fuzz_base, 1) != 0 || atexit(end) != 0 || rc_domain_open(NULL, &fuzz_domain) != RC_OK)
		abort();
	if (getenv("RC_FUZZ_SEEDS") != NULL)
		fuzz_write_seeds(getenv("RC_FUZZ_SEEDS"), getenv("RC_FUZZ_GOLDEN"));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % FUZZ_MODES) {
	case FUZZ_TABLE:
		read_table(data + 1, size - 1);
		break;
	case FUZZ_FILE:
	case FUZZ_SEALED_FILE:
		open_file(data + 1, size - 1, data[0] % FUZZ_MODES == FUZZ_SEALED_FILE);
		break;
	default:
		scribble(data + 1, size - 1 < 100 ? size - 1 : 100, data[0] % FUZZ_MODES == FUZZ_GROUP);
	}
	return 0;
}
