/* What every file of the library uses: errors, clocks, hashes, names. */
#ifndef RCI_BASE_H
#define RCI_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomics.h"
#define RC_INLINE_LIBRARY
#include "ringcast.h"

#define RCI_PATH 4096

/* Results that only the library itself sees. */
enum {
	RCI_AGAIN = 100, /* the name has just changed hands: look again */
	RCI_RETIRED,     /* the ring was given up: open the name again */
	RCI_EXISTS       /* somebody else gave the name */
};

/* error.c: each returns the code. rci_fail_system adds the text of errno and chooses a code for it. */
int rci_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
int rci_fail_system(const char *what, const char *path);

/* clock.c: nanoseconds. Monotonic is CLOCK_MONOTONIC, which all processes of a node share. */
uint64_t rci_now(void);
uint64_t rci_wall(void);
void rci_sleep(uint64_t ns);

/* The most that one step of a stopwatch counts, so that a pause of the whole machine accuses nobody. */
#define RCI_MAX_STEP UINT64_C(10000000)
/* The kernel is asked who lives after this time of waiting, and then at this interval. */
#define RCI_FIRST_INQUIRY UINT64_C(1000000)
#define RCI_NEXT_INQUIRY UINT64_C(5000000)

/* Adds up an observer's own running time. */
struct stopwatch {
	uint64_t last, elapsed, next_inquiry;
};

void rci_watch_start(struct stopwatch *watch, uint64_t now);
uint64_t rci_watch_step(struct stopwatch *watch, uint64_t now);
bool rci_watch_inquire(struct stopwatch *watch);

/* hash.c */
uint32_t rci_crc32c(uint32_t crc, const void *data, size_t size);
#define RCI_FNV_BASIS UINT64_C(0xcbf29ce484222325)
uint64_t rci_fnv1a(uint64_t hash, const void *data, size_t size);
uint64_t rci_random64(void);
/* A random segment id: 60 bits, not 0. */
uint64_t rci_random_id(void);

/* name.c */
bool rci_name_valid(const char *name);
bool rci_pattern_valid(const char *pattern);
bool rci_has_wildcard(const char *name);

#endif
