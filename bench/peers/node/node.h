/* What every peer's program of one node has: its processes, the paces, the windows, the
 * books. A peer's file includes this and defines the functions of a link below; all is one
 * translation unit, so that nothing stands between the loops and the peer.
 *
 *   PROGRAM --scenario stream|pingpong|request|idle --size N --rate N --wait spin|yield|block
 *           --producers N --readers N --duration-ns N --warmup-ns N --pin A,B ...
 *
 * It prints "ready" when all processes are joined and then one line of JSON, a figure of
 * bench.Program. Payloads are those of limits/work.h: every byte is written and read, but with --touched N only the first N, as
 * the tools do with which peers measure themselves. A rate is an open loop: a message counts from the instant at which it was due. */
#ifndef RINGCAST_PEERS_NODE_H
#define RINGCAST_PEERS_NODE_H

#include "../../limits/work.h"

#include <errno.h>
#include <sys/stat.h>

#define MOST 16

enum role { PRODUCE, CONSUME, PING, PONG, ASK, SERVE };

/* What one process holds of the peer. Opening waits until its partners are there. */
struct link;
static void link_begin(void);                                           /* daemons, before all processes */
static void link_end(void);                                             /* and after them */
static struct link *link_open(enum role role, int index);
static void link_send(struct link *l, uint64_t tag, uint64_t stamp);    /* waits while it is not taken */
static void link_receive(struct link *l, int most);                     /* gives what is there to take(), or waits some time */
static void link_close(struct link *l);

/* What the processes share. */
struct page {
  _Alignas(128) _Atomic uint32_t stop;
  _Alignas(128) _Atomic uint32_t ready;
  _Alignas(128) _Atomic uint32_t begun; /* all are, and have been looked at */
  _Alignas(128) _Atomic uint32_t readers_done; /* have counted enough */
  _Alignas(128) _Atomic uint32_t drained;      /* have read everything */
  _Alignas(128) _Atomic uint32_t opened;       /* for peers whose processes open in turn */
  double rates[MOST];
  uint64_t missing[MOST];
  struct histogram histograms[MOST];
};

/* A stream at a pace is told apart in parts of the measured time, as in bench/tail.go: one stall of the machine's decides the p99 of
 * a whole run, but only that of the parts into which it fell. */
#define PART_NS UINT64_C(20000000)
#define MOST_PARTS 120
#define STALL_NS UINT64_C(1000000)

static struct work w;
static struct page *page;
static struct histogram *parts; /* of each reader, part_count of them, made and touched beforehand */
static size_t part_count;
static int patience_ms = 100; /* how long a receive may wait */

/* The books of this process, which takes messages in one thread. */
static struct {
  uint64_t seen[MOST], n, missing, tag, stamp, last_ns;
  int open, got, index, counts, by_clock;
  struct window v;
} books;

static inline int spins(void) { return w.wait[0] == 's'; }
static inline int yields(void) { return w.wait[0] == 'y'; }

/* Between two looks of a reader or producer that does not sleep. */
static inline void breathe(void) {
  if (spins()) relax();
  else sched_yield();
}

static inline int stopped(void) { return (int)atomic_load_explicit(&page->stop, memory_order_relaxed); }

/* Ends this reader's count when its window has closed. */
static inline void look(uint64_t t) {
  if (books.v.measured_to != 0 || window_turn(&books.v, books.n, t)) return;
  page->rates[books.index] = window_rate(&books.v);
  atomic_fetch_add(&page->readers_done, 1);
}

/* Counts a latency that ended at t, in the whole and in its part. */
static inline void note(uint64_t t, uint64_t took) {
  record(&page->histograms[books.index], took);
  size_t part = (size_t)((t - books.v.measured_from) / PART_NS);
  if (part < part_count) record(&parts[(size_t)books.index * part_count + part], took);
}

/* Books one message. What is missing is counted; nothing comes twice or out of order. */
static inline void take(const void *at, size_t length) {
  if (length != w.size) {
    fprintf(stderr, "a message of %zu bytes\n", length);
    exit(1);
  }
  books.tag = check((const uint8_t *)at, w.touched, &books.stamp);
  uint64_t seq = books.tag & ((UINT64_C(1) << 48) - 1);
  size_t producer = books.tag >> 48 & 0x7fff;
  if (producer >= MOST || seq <= books.seen[producer]) {
    fprintf(stderr, "message %llu of producer %zu came after %llu\n", (unsigned long long)seq, producer,
            (unsigned long long)(producer < MOST ? books.seen[producer] : 0));
    exit(1);
  }
  books.missing += seq - books.seen[producer] - 1;
  books.seen[producer] = seq;
  books.got = 1;
  if (books.tag & LAST_MARK) {
    books.open--;
    return;
  }
  books.n++;
  if (!books.counts || (!books.by_clock && books.n % 1024 != 0)) return;
  uint64_t t = now_ns();
  if (books.v.open && books.v.measured_to == 0 && books.stamp != 0) note(t, t > books.stamp ? t - books.stamp : 0);
  look(t);
}

/* The producer's pace: message i is due at start + i*period, whatever became of those before. */
struct pace {
  uint64_t start, sent;
  double period;
};

static inline void pace_begin(struct pace *p, int index, int of) {
  p->sent = 0, p->period = w.rate > 0 ? (double)of * 1e9 / w.rate : 0;
  p->start = now_ns() + (uint64_t)(p->period * index / of);
}

/* The instant at which the next message was due, once it has come. */
static inline uint64_t pace_wait(struct pace *p) {
  uint64_t due = p->start + (uint64_t)(p->period * (double)p->sent++), t;
  while ((t = now_ns()) < due && !stopped()) {
    if (due - t > 250000) { /* a sleep takes 60 us longer than it was asked for */
      uint64_t most = due - t - 250000 > 20000000 ? 20000000 : due - t - 250000;
      struct timespec s = {0, (long)most};
      nanosleep(&s, NULL);
    } else breathe();
  }
  return due;
}

/* Pins the working thread only now, so that the peer's own are not pinned with it, and waits
 * for the others. */
static void barrier(int seat) {
  pin_to(w.pin[seat % 2]);
  atomic_fetch_add(&page->ready, 1);
  while (!atomic_load(&page->begun)) usleep(200);
}

/* Touches this reader's books. A child does not inherit its parent's map of shared pages: each page would cost a fault when the first
 * message of a part is counted, 20 us for those behind it. */
static void books_touch(int index) {
  memset(&page->histograms[index], 0, sizeof *parts);
  if (part_count > 0) memset(&parts[(size_t)index * part_count], 0, part_count * sizeof *parts);
}

static void consume(int index, int seat) {
  struct link *l = link_open(CONSUME, index);
  books_touch(index);
  books.open = w.producers, books.index = index, books.counts = 1;
  books.by_clock = w.rate > 0 || w.size > 4096;
  barrier(seat);
  window_begin(&books.v, &w);
  for (uint64_t silent = 0, n = 0; books.open > 0;) {
    link_receive(l, 256);
    if (!stopped()) {
      if (books.n == n) look(now_ns()); /* nothing came: the window closes all the same */
      if (atomic_load_explicit(&page->readers_done, memory_order_relaxed) == (uint32_t)w.readers)
        atomic_store_explicit(&page->stop, 1, memory_order_relaxed);
    } else if (books.n != n) silent = 0;
    else if (silent == 0) silent = now_ns();
    else if (now_ns() - silent > 2000000000u) break; /* the last one was lost, too */
    n = books.n;
  }
  page->missing[index] = books.missing;
  atomic_fetch_add(&page->drained, 1);
  link_close(l);
}

static void produce(int index, int seat) {
  struct link *l = link_open(PRODUCE, index);
  struct pace p;
  uint64_t mark = (uint64_t)index << 48, i = 0;
  barrier(seat);
  pace_begin(&p, index, w.producers);
  while (!stopped()) {
    uint64_t due = 0;
    if (w.rate > 0 && (due = pace_wait(&p), stopped())) break;
    link_send(l, mark | ++i, due);
  }
  link_send(l, mark | (i + 1) | LAST_MARK, 0);
  /* Some take what nobody has read yet with them when they close. */
  while (atomic_load(&page->drained) < (uint32_t)w.readers) usleep(500);
  link_close(l);
}

static void receive_one(struct link *l) {
  for (books.got = 0; !books.got;) link_receive(l, 1);
}

/* A round trip after the other, or each when it is due; asking is the same with a request. */
static void ping(enum role role, int seat) {
  struct link *l = link_open(role, 0);
  struct window v;
  struct pace p;
  uint64_t i = 0;
  books.open = 1;
  barrier(seat);
  link_send(l, ++i, 0); /* until both are connected */
  receive_one(l);
  window_begin(&v, &w);
  pace_begin(&p, 0, 1);
  uint64_t counted = 0, last = now_ns();
  for (uint64_t begin = last; window_turn(&v, counted, last); counted++) {
    if (w.rate > 0) begin = pace_wait(&p);
    link_send(l, ++i, 0);
    receive_one(l);
    last = now_ns();
    if (books.tag != i) die("answer");
    if (v.open) record(&page->histograms[0], last - begin);
    begin = last;
  }
  link_send(l, (i + 1) | LAST_MARK, 0);
  if (role == ASK) receive_one(l); /* a server answers that, too */
  page->rates[0] = window_rate(&v);
  atomic_fetch_add(&page->drained, 1);
  link_close(l);
}

static void pong(enum role role, int seat) {
  struct link *l = link_open(role, 0);
  books.open = 1;
  barrier(seat);
  while (books.open > 0) {
    receive_one(l);
    if (books.open > 0 || role == SERVE) link_send(l, books.tag, books.stamp);
  }
  while (atomic_load(&page->drained) == 0) usleep(500);
  link_close(l);
}

static void sleep_ns(uint64_t ns) {
  struct timespec s = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
  nanosleep(&s, NULL);
}

/* Idle: a producer that says nothing, and a reader that waits for it as the peer's readers do. */
static void keep(int seat) {
  struct link *l = link_open(PRODUCE, 0);
  barrier(seat);
  sleep_ns(w.warmup_ns + w.duration_ns);
  link_send(l, 1 | LAST_MARK, 0);
  while (atomic_load(&page->drained) == 0) usleep(500);
  link_close(l);
}

static void rest(int seat) {
  patience_ms = 60000; /* some are told at once, some at each wait */
  struct link *l = link_open(CONSUME, 0);
  books.open = 1;
  barrier(seat);
  patience_ms = 5;
  for (uint64_t joined = now_ns() + w.warmup_ns / 2; books.open > 0;) {
    if (now_ns() > joined) patience_ms = 60000;
    link_receive(l, 1);
  }
  atomic_fetch_add(&page->drained, 1);
  link_close(l);
}

static pid_t child(void) {
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL), prctl(PR_SET_TIMERSLACK, 1000);
  return pid;
}

static void run_role(const char *scenario, int seat) {
  int first = seat == 0;
  if (!strcmp(scenario, "stream")) {
    if (seat < w.producers) produce(seat, seat);
    else consume(seat - w.producers, seat);
  } else if (!strcmp(scenario, "pingpong")) {
    if (first) ping(PING, seat);
    else pong(PONG, seat);
  } else if (!strcmp(scenario, "request")) {
    if (first) ping(ASK, seat);
    else pong(SERVE, seat);
  } else if (!strcmp(scenario, "idle")) {
    if (first) keep(seat);
    else rest(seat);
  } else {
    fprintf(stderr, "unknown scenario %s\n", scenario);
    exit(2);
  }
}

/* Ends all when one has failed. */
static int reap(pid_t *children, int n) {
  int failed = 0;
  for (int left = n; left > 0; left--) {
    int status;
    pid_t pid = wait(&status);
    int ours = 0;
    for (int i = 0; i < n; i++) ours |= children[i] == pid;
    if (!ours) left++; /* a daemon */
    if (status == 0 || failed) continue;
    fprintf(stderr, "a process ended with status %d\n", status);
    failed = 1;
    for (int i = 0; i < n; i++) kill(children[i], SIGKILL);
  }
  return failed;
}

static void parts_begin(void) {
  if (w.rate <= 0 || strcmp(w.scenario, "stream") != 0) return;
  part_count = (size_t)(w.duration_ns / PART_NS);
  if (part_count > MOST_PARTS) part_count = MOST_PARTS;
  if (part_count > 0) parts = (struct histogram *)shared_pages((size_t)w.readers * part_count * sizeof *parts);
}

static void print_all(void) {
  static struct histogram sum;
  static uint64_t list[MOST * MOST_PARTS];
  double rate = 0;
  uint64_t missing = 0;
  for (int i = 0; i < w.readers; i++) {
    struct histogram *h = &page->histograms[i];
    rate += page->rates[i], missing += page->missing[i], sum.count += h->count;
    if (h->max > sum.max) sum.max = h->max;
    for (int bin = 0; bin < 64 * STEPS; bin++) sum.bins[bin] += h->bins[bin];
  }
  struct tail t = tail_of(parts, (size_t)w.readers * part_count, STALL_NS, list); /* each reader's for itself */
  print_parted(rate, &sum, missing, &t);
}

int main(int argc, char **argv) {
  w = parse_work(argc, argv);
  if (w.producers + w.readers > MOST) {
    fprintf(stderr, "at most %d processes\n", MOST);
    return 2;
  }
  page = shared_pages(sizeof *page);
  parts_begin();
  link_begin();
  pid_t children[MOST];
  int n = w.producers + w.readers;
  for (int seat = 0; seat < n; seat++) {
    if ((children[seat] = child()) != 0) continue;
    run_role(w.scenario, seat);
    fflush(stdout);
    _exit(0);
  }
  siginfo_t ended = {0};
  for (int i = 0; i < 100000 && atomic_load(&page->ready) < (uint32_t)n && ended.si_pid == 0; i++, usleep(200))
    waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT);
  printf("ready\n");
  fflush(stdout);
  sleep_ns(w.hold_ns);
  atomic_store(&page->begun, 1);
  int failed = reap(children, n);
  link_end();
  if (failed) return 1;
  print_all();
  return 0;
}

#endif
