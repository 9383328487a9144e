/* What the fuzzer begins with. */
#define _GNU_SOURCE
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "group.h"

static const char *directory;

static void seed(const char *name, uint8_t mode, const void *bytes, size_t size)
{
	char path[RCI_PATH];
	(void)snprintf(path, sizeof path, "%s/%u-%s", directory, (unsigned)mode, name);
	FILE *f = fopen(path, "w");
	if (f == NULL || fputc(mode, f) == EOF || fwrite(bytes, 1, size, f) != size || fclose(f) != 0) {
		perror(path);
		abort();
	}
}

/* The bytes of a file, to be freed. */
static uint8_t *bytes_of(const char *path, size_t *size)
{
	FILE *f = fopen(path, "r");
	if (f == NULL) {
		perror(path);
		abort();
	}
	uint8_t *bytes = malloc(1 << 20);
	*size = bytes != NULL ? fread(bytes, 1, 1 << 20, f) : 0;
	(void)fclose(f);
	return bytes;
}

static void each_file(const char *pattern, void (*visit)(const char *path, const uint8_t *bytes, size_t size))
{
	glob_t found;
	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "%s: no such files\n", pattern);
		abort();
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		size_t size;
		uint8_t *bytes = bytes_of(found.gl_pathv[i], &size);
		visit(strrchr(found.gl_pathv[i], '/') + 1, bytes, size);
		free(bytes);
	}
	globfree(&found);
}

static void image_seed(const char *name, const uint8_t *bytes, size_t size)
{
	for (uint8_t mode = 0; mode < FUZZ_MODES; mode++)
		seed(name, mode, bytes, size);
}

static void file_seed(const char *name, const uint8_t *bytes, size_t size)
{
	if (size > 60000)
		return; /* the fuzzer takes no larger ones */
	seed(name, FUZZ_FILE, bytes, size);
	seed(name, FUZZ_SEALED_FILE, bytes, size);
}

/* A place (as scribble in the target counts) and a word. */
static void word_seed(const char *name, uint8_t mode, const uint64_t (*words)[2], size_t count)
{
	uint8_t bytes[100];
	for (size_t i = 0; i < count; i++) {
		uint16_t place = (uint16_t)words[i][0];
		memcpy(bytes + 10 * i, &place, 2);
		memcpy(bytes + 10 * i + 2, &words[i][1], 8);
	}
	seed(name, mode, bytes, 10 * count);
}

static void table_seed(void)
{
	struct interest second = {.name = "a.>"}, first = {.name = "prices", .publisher = true, .next = &second};
	size_t size = 0;
	struct offer offer = {.name = "squares", .limit = 3};
	const struct said said = {"program", "1", &first, &offer};
	uint8_t *table = rci_table_build(&said, &size);
	seed("table", FUZZ_TABLE, table, size);
	free(table);
}

/* A directory as a forwarder writes it: one node with all that it may have, and one that is gone. */
#define DIRECTORY "fuzz/directory.bin"
static void directory_seed(const char *name, const uint8_t *bytes, size_t size) { seed(name, FUZZ_TABLE, bytes, size); }

/* Words that lead where random ones seldom do. Places 0 to control are RingControl, the claims (from 96) and
 * the entries; behind them come the slots' headers, eight words each. */
static void path_seeds(void)
{
	const size_t control = (1024 - 256 + 64 * 8 + 256 * 128) / 8, claims = (1024 - 256) / 8, entries = claims + 64;
	const uint64_t tail[][2] = {{0, 1000}, {0, 0}, {0, 40}};
	const uint64_t claim[][2] = {{claims, UINT64_C(77) << 20 | 2}, {claims + 1, 1}};
	const uint64_t bounds[][2] = {{1, 0}, {control + 1, UINT64_C(0xffffffff00000040)}, {control + 8 + 1, 7}, {control + 16 + 6, 0}};
	const uint64_t evicted[][2] = {{1, 0}, {entries, 4}, {entries, UINT64_C(5) << 32 | 4}, {entries + 16, 0}};
	/* In a group's scene every fourth place is of the ring; the others: gate 0, events 1, take words 8 to 71, rows from 72. */
	const uint64_t plain[][2] = {{5, 0}, {5, 0}, {5, 0}};
	const uint64_t report[][2] = {{1, 7}, {0x6001, 0}, {73 + 104, UINT64_C(0) << 2 | 2}, {72 + 104 + 8 + 1, 2}, {1, 9}};
	const uint64_t rows[][2] = {{104 + 82, UINT64_C(9) << 32 | 5 << 16 | 2}, {104 + 83, 2}, {104 + 1, 77}, {104 + 1, 78}};
	word_seed("tail", FUZZ_RING, tail, 3);
	word_seed("claim", FUZZ_RING, claim, 2);
	word_seed("bounds", FUZZ_RING, bounds, 4);
	word_seed("evicted", FUZZ_RING, evicted, 4);
	word_seed("plain", FUZZ_GROUP, plain, 3);
	word_seed("report", FUZZ_GROUP, report, 5);
	word_seed("rows", FUZZ_GROUP, rows, 4);
}

void fuzz_write_seeds(const char *to, const char *golden)
{
	char pattern[RCI_PATH];
	rc_publisher_config config = {.slots = 64, .slot_size = 64};
	rc_publisher *publisher;
	directory = to;
	if (golden == NULL || rc_publisher_open(fuzz_domain, "seed", &config, &publisher) != RC_OK)
		abort();
	(void)snprintf(pattern, sizeof pattern, "%s/testdata/*.bin", golden);
	each_file(pattern, image_seed);
	(void)snprintf(pattern, sizeof pattern, "%s/default/*/seed*.*", fuzz_base);
	each_file(pattern, file_seed);
	rc_publisher_close(publisher);
	table_seed();
	each_file(DIRECTORY, directory_seed);
	path_seeds();
}
