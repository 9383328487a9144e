/* The limit of a stream at a pace: what its latencies would be if a message took no time at all. Producers and readers only read the
 * clock, spinning or yielding, and note when they were off their core, for the timer's ticks or for somebody else. A message that is due
 * meanwhile is late by that, at its producer and then at its reader. The parts are those of peers/node/node.h. */
#include "work.h"

#define MOST 16
#define MOST_GAPS 200000
#define LEAST_GAP 5000 /* ns; who yields comes back sooner */
#define PART_NS UINT64_C(20000000)
#define MOST_PARTS 120
#define STALL_NS UINT64_C(1000000)

/* When one process did not run, in order. */
struct gaps {
  size_t count;
  uint64_t from[MOST_GAPS], to[MOST_GAPS];
};

static struct work w;
static struct gaps *gaps; /* of each process */
static struct histogram whole, parts[MOST * MOST_PARTS];

static void watch(struct gaps *g, uint64_t from, uint64_t to) {
  for (uint64_t last = now_ns(); last < to;) {
    if (w.wait[0] == 'y') sched_yield();
    else relax();
    uint64_t t = now_ns();
    if (t - last > LEAST_GAP && t > from && g->count < MOST_GAPS) g->from[g->count] = last, g->to[g->count++] = t;
    last = t;
  }
}

/* The first instant from t on at which the process ran; *at is where the last one was found, for times that do not fall. */
static uint64_t running(const struct gaps *g, size_t *at, uint64_t t) {
  while (*at < g->count && g->to[*at] <= t) ++*at;
  return *at < g->count && g->from[*at] <= t ? g->to[*at] : t;
}

/* Books what a reader would have got. */
static void book(int reader, uint64_t from, size_t part_count) {
  size_t sender[MOST] = {0}, receiver[MOST] = {0}; /* places of each producer: what one sends late does not hide another's */
  double period = 1e9 / w.rate;
  for (uint64_t i = 0; (double)i * period < (double)w.duration_ns; i++) {
    size_t producer = i % (size_t)w.producers;
    uint64_t due = from + (uint64_t)((double)i * period);
    uint64_t sent = running(&gaps[producer], &sender[producer], due);
    uint64_t took = running(&gaps[w.producers + reader], &receiver[producer], sent) - due;
    size_t part = (size_t)((due - from) / PART_NS);
    record(&whole, took);
    if (part < part_count) record(&parts[(size_t)reader * part_count + part], took);
  }
}

int main(int argc, char **argv) {
  static uint64_t list[MOST * MOST_PARTS];
  w = parse_work(argc, argv);
  int n = w.producers + w.readers;
  if (w.producers < 1 || w.readers < 1 || n > MOST) {
    fprintf(stderr, "want a producer and a reader, and at most %d processes\n", MOST);
    return 2;
  }
  if (w.rate <= 0) w.rate = 100000;
  gaps = shared_pages((size_t)n * sizeof *gaps);
  uint64_t from = now_ns() + w.warmup_ns, to = from + w.duration_ns;
  for (int seat = 0; seat < n; seat++) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin_to(w.pin[seat % 2]);
    watch(&gaps[seat], from, to);
    _exit(0);
  }
  for (int status; wait(&status) > 0;)
    if (status != 0) {
      fprintf(stderr, "a process that looked at the clock ended with status %d\n", status);
      return 1;
    }
  for (int seat = 0; seat < n; seat++)
    if (gaps[seat].count == MOST_GAPS) {
      fprintf(stderr, "more than %d times off the core: measure for a shorter time\n", MOST_GAPS);
      return 1;
    }
  size_t part_count = (size_t)(w.duration_ns / PART_NS);
  if (part_count > MOST_PARTS) part_count = MOST_PARTS;
  for (int reader = 0; reader < w.readers; reader++) book(reader, from, part_count);
  struct tail t = tail_of(parts, (size_t)w.readers * part_count, STALL_NS, list);
  print_parted((double)whole.count * 1e9 / (double)w.duration_ns, &whole, 0, &t);
  return 0;
}
