/* What every program of the limits has: its flags, a clock, a histogram, the
 * payload, and two processes that share a page.
 *
 *   PROGRAM --scenario stream|pingpong|wake --size N --duration-ns N --warmup-ns N
 *           --slots N --pin A,B --pause-ns N --wait spin|block --with NAME=N,NAME=N
 *
 * prints one line of JSON: {"rate":..., "p50":..., ...}, latencies in ns. */
#ifndef RINGCAST_LIMITS_WORK_H
#define RINGCAST_LIMITS_WORK_H

#ifdef __cplusplus /* cbindings/bench/work.cc; its compiler defines _GNU_SOURCE itself */
#define _Noreturn [[noreturn]]
#else
#define _GNU_SOURCE
#include <stdatomic.h>
#endif
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct work {
  char scenario[16], wait[16];
  size_t size, slots;
  size_t touched; /* bytes of a message that are written and read; 0: all */
  uint64_t duration_ns, warmup_ns, pause_ns;
  uint64_t hold_ns; /* all are ready: how long they wait before the warm-up, where somebody looks at them */
  int pin[2]; /* -1: nowhere in particular */
  int producers, readers, exclusive, apart; /* apart: each producer has a topic of its own */
  int prefault; /* pages are mapped beforehand: the first lap has no page faults */
  double rate; /* messages a second of all producers; 0: as fast as they are taken */
  char dir[256];
  char with[256]; /* settings of an experiment: with.h */
};

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

_Noreturn static inline void die(const char *what) {
  perror(what);
  exit(1);
}

static inline void pin_to(int cpu) {
  if (cpu < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die("pin to a core");
}

static inline void *shared_pages(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (p == MAP_FAILED) die("map shared memory");
  return p;
}

static inline struct work parse_work(int argc, char **argv) {
  struct work w = {.size = 64, .slots = 1024, .duration_ns = 1000000000u, .warmup_ns = 200000000u,
                   .pause_ns = 10000000u, .pin = {-1, -1}, .producers = 1, .readers = 1};
  strcpy(w.scenario, "stream");
  strcpy(w.wait, "spin");
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *key = argv[i], *value = argv[i + 1];
    if (!strcmp(key, "--scenario")) snprintf(w.scenario, sizeof w.scenario, "%s", value);
    else if (!strcmp(key, "--wait")) snprintf(w.wait, sizeof w.wait, "%s", value);
    else if (!strcmp(key, "--size")) w.size = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--touched")) w.touched = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--slots")) w.slots = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--duration-ns")) w.duration_ns = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--warmup-ns")) w.warmup_ns = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--pause-ns")) w.pause_ns = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--hold-ns")) w.hold_ns = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--producers")) w.producers = atoi(value);
    else if (!strcmp(key, "--readers")) w.readers = atoi(value);
    else if (!strcmp(key, "--rate")) w.rate = atof(value);
    else if (!strcmp(key, "--exclusive")) w.exclusive = atoi(value);
    else if (!strcmp(key, "--apart")) w.apart = atoi(value);
    else if (!strcmp(key, "--prefault")) w.prefault = atoi(value);
    else if (!strcmp(key, "--dir")) snprintf(w.dir, sizeof w.dir, "%s", value);
    else if (!strcmp(key, "--with")) snprintf(w.with, sizeof w.with, "%s", value);
    else if (!strcmp(key, "--pin")) sscanf(value, "%d,%d", &w.pin[0], &w.pin[1]);
    else {
      fprintf(stderr, "unknown flag %s\n", key);
      exit(2);
    }
  }
  if (w.size < 16 || w.size % 8 != 0) {
    fprintf(stderr, "size %zu: want a multiple of 8 from 16\n", w.size);
    exit(2);
  }
  if (w.touched == 0) w.touched = w.size;
  if (w.touched < 16 || w.touched % 8 != 0 || w.touched > w.size) {
    fprintf(stderr, "touched %zu: want a multiple of 8 from 16 to the size\n", w.touched);
    exit(2);
  }
  return w;
}

/* Payload: as in bench/payload.go, and in the same steps of eight words, so that both cost the same. Word 0 is
 * the tag, word 1 a time, word k tag + k. */
static inline void fill(uint8_t *at, size_t size, uint64_t tag, uint64_t stamp) {
  uint64_t *words = (uint64_t *)at, k = tag;
  size_t n = size / 8, i = 0;
  for (; i + 8 <= n; i += 8, k += 8) {
    words[i] = k;
    words[i + 1] = k + 1;
    words[i + 2] = k + 2;
    words[i + 3] = k + 3;
    words[i + 4] = k + 4;
    words[i + 5] = k + 5;
    words[i + 6] = k + 6;
    words[i + 7] = k + 7;
  }
  for (; i < n; i++) words[i] = k++;
  words[1] = stamp;
}

/* A payload that does not fold, as in bench/scatter.go: word k from 2 on is the tag times SCATTER_TAG plus k times SCATTER_STEP. */
#define SCATTER_TAG 0x9e3779b97f4a7c15u
#define SCATTER_STEP 0xd1342543de82ef95u

static inline void fill_scattered(uint8_t *at, size_t size, uint64_t tag, uint64_t stamp) {
  uint64_t *words = (uint64_t *)at, k = tag * SCATTER_TAG + 2 * SCATTER_STEP;
  size_t n = size / 8, i = 2;
  words[0] = tag, words[1] = stamp;
  for (; i + 8 <= n; i += 8, k += 8 * SCATTER_STEP) {
    words[i] = k;
    words[i + 1] = k + SCATTER_STEP;
    words[i + 2] = k + 2 * SCATTER_STEP;
    words[i + 3] = k + 3 * SCATTER_STEP;
    words[i + 4] = k + 4 * SCATTER_STEP;
    words[i + 5] = k + 5 * SCATTER_STEP;
    words[i + 6] = k + 6 * SCATTER_STEP;
    words[i + 7] = k + 7 * SCATTER_STEP;
  }
  for (; i < n; i++, k += SCATTER_STEP) words[i] = k;
}

/* The sum of n words, in four parts that don't wait for each other. */
static inline uint64_t sum_of(const uint64_t *words, size_t n) {
  uint64_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    s0 += words[i] + words[i + 1];
    s1 += words[i + 2] + words[i + 3];
    s2 += words[i + 4] + words[i + 5];
    s3 += words[i + 6] + words[i + 7];
  }
  for (; i < n; i++) s0 += words[i];
  return s0 + s1 + s2 + s3;
}

/* Reads all, and ends the program when it is not what fill wrote. */
static inline uint64_t check(const uint8_t *at, size_t size, uint64_t *stamp) {
  const uint64_t *words = (const uint64_t *)at;
  size_t n = size / 8;
  uint64_t tag = words[0];
  *stamp = words[1];
  if (sum_of(words, n) != n * tag + (uint64_t)n * (n - 1) / 2 - (tag + 1) + *stamp) {
    fprintf(stderr, "message with tag %llx is not what was written\n", (unsigned long long)tag);
    exit(1);
  }
  return tag;
}

/* The same of fill_scattered. */
static inline uint64_t check_scattered(const uint8_t *at, size_t size, uint64_t *stamp) {
  const uint64_t *words = (const uint64_t *)at;
  size_t n = size / 8;
  uint64_t tag = words[0];
  *stamp = words[1];
  if (sum_of(words, n) != tag + *stamp + (n - 2) * tag * SCATTER_TAG + ((uint64_t)n * (n - 1) / 2 - 1) * SCATTER_STEP) {
    fprintf(stderr, "message with tag %llx is not what was written\n", (unsigned long long)tag);
    exit(1);
  }
  return tag;
}

#define LAST_MARK (UINT64_C(1) << 63)

/* A histogram with 64 steps an octave: a figure is at most 1.6 % too low. */
#define STEPS 64
struct histogram {
  uint64_t count, max, bins[64 * STEPS];
};

/* Octave 0 holds 0 to 63 ns singly, octave k the 64 steps from 64 << (k-1). */
static inline void record(struct histogram *h, uint64_t ns) {
  int octave = ns < STEPS ? 0 : 58 - __builtin_clzll(ns);
  h->bins[octave * STEPS + (int)((ns >> (octave ? octave - 1 : 0)) % STEPS)]++;
  h->count++;
  if (ns > h->max) h->max = ns;
}

static inline uint64_t quantile(const struct histogram *h, double q) {
  uint64_t want = (uint64_t)(q * (double)h->count), seen = 0;
  for (int bin = 0; bin < 64 * STEPS; bin++) {
    seen += h->bins[bin];
    if (seen <= want) continue;
    int octave = bin / STEPS, step = bin % STEPS;
    return octave == 0 ? (uint64_t)step : (uint64_t)(STEPS + step) << (octave - 1);
  }
  return h->max;
}

/* What the parts of a run come to; parts 0: they were not told apart. */
struct tail {
  size_t parts, stalled;
  uint64_t typical;
};

static inline int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The median of the p99 of n parts, and how many of them were above stall_ns. Parts in which nothing came don't count; list has
 * room for n. */
static inline struct tail tail_of(const struct histogram *parts, size_t n, uint64_t stall_ns, uint64_t *list) {
  struct tail t = {0, 0, 0};
  for (size_t i = 0; i < n; i++) {
    if (parts[i].count == 0) continue;
    list[t.parts] = quantile(&parts[i], 0.99);
    t.stalled += list[t.parts++] > stall_ns;
  }
  if (t.parts == 0) return t;
  qsort(list, t.parts, sizeof *list, by_size);
  t.typical = (list[(t.parts - 1) / 2] + list[t.parts / 2]) / 2;
  return t;
}

/* Prints it as a field that is not the first of its object. */
static inline void print_tail(struct tail t) {
  if (t.parts > 0)
    printf(",\"tail\":{\"parts\":%zu,\"typical_ns\":%llu,\"stalled\":%.4f}", t.parts, (unsigned long long)t.typical,
           (double)t.stalled / (double)t.parts);
}

static inline void print_parted(double rate, const struct histogram *h, uint64_t missing, const struct tail *t) {
  printf("{\"rate\":%.1f", rate);
  if (missing > 0) printf(",\"missing\":%llu", (unsigned long long)missing);
  if (h != NULL && h->count > 0)
    printf(",\"latency_ns\":{\"count\":%llu,\"p50\":%llu,\"p90\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu}",
           (unsigned long long)h->count, (unsigned long long)quantile(h, 0.5), (unsigned long long)quantile(h, 0.9),
           (unsigned long long)quantile(h, 0.99), (unsigned long long)quantile(h, 0.999), (unsigned long long)h->max);
  print_tail(*t);
  printf("}\n");
}

static inline void print_counted(double rate, const struct histogram *h, uint64_t missing) {
  struct tail none = {0, 0, 0};
  print_parted(rate, h, missing, &none);
}

static inline void print_figure(double rate, const struct histogram *h) { print_counted(rate, h, 0); }

/* A window opens after the warm-up and closes after the duration; the clock is
 * read every 1024 messages only. */
struct window {
  uint64_t start, end, counted, first, measured_from, measured_to;
  int open;
};

static inline void window_begin(struct window *v, const struct work *w) {
  uint64_t t = now_ns();
  memset(v, 0, sizeof *v);
  v->start = t + w->warmup_ns;
  v->end = v->start + w->duration_ns;
}

/* Returns 0 once the window has closed, never in the turn that opened it: a process
 * that was stopped for all of it still measures one step. n is how many messages
 * there were. */
static inline int window_turn(struct window *v, uint64_t n, uint64_t t) {
  if (!v->open) {
    if (t >= v->start) v->open = 1, v->first = n, v->measured_from = t;
    return 1;
  }
  if (t < v->end) return 1;
  v->counted = n - v->first, v->measured_to = t;
  return 0;
}

static inline double window_rate(const struct window *v) {
  return (double)v->counted * 1e9 / (double)(v->measured_to - v->measured_from);
}

/* Runs side 0 in this process and side 1 in a child that dies with it. */
static inline void two_processes(const struct work *w, void (*first)(void *), void (*second)(void *), void *shared) {
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin_to(w->pin[1]);
    second(shared);
    exit(0);
  }
  pin_to(w->pin[0]);
  first(shared);
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "the other process ended with status %d\n", status);
    exit(1);
  }
}

#endif
