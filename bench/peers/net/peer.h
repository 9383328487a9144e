/* What every peer's program of the network cells has: its flags, the sender's pace, the
 * receiver's books, and its word with the one that started it.
 *
 *   PROGRAM send|receive --size N --rate N --warmup-ns N --duration-ns N --address OWN
 *           --sender ADDRESS --receivers N --dir DIR --compressible 0|1
 *
 * It prints "ready" when it is joined, and begins to send (a sender) at the first line of
 * its input. A receiver ends with the last message; either ends at SIGTERM. Then it prints
 * one line of JSON. Payloads are those of limits/work.h: every byte is written and read. They do
 * not fold, unless --compressible is 1. */
#ifndef RINGCAST_PEERS_NET_PEER_H
#define RINGCAST_PEERS_NET_PEER_H

#include "../../limits/work.h"

#include <errno.h>

struct peer {
  int sends, asks, answers;
  size_t size;
  double rate; /* messages a second; 0: as fast as they are taken */
  uint64_t warmup_ns, duration_ns;
  const char *address, *sender, *dir;
  int receivers, compressible;
  int open;   /* requests that one who asks has open at a time */
  int stream; /* by a byte stream of the kernel, where the peer has both */
};

static volatile sig_atomic_t peer_ended;

static void peer_signal(int number) {
  (void)number;
  peer_ended = 1;
}

static inline struct peer peer_parse(int argc, char **argv) {
  struct peer p;
  memset(&p, 0, sizeof p);
  p.size = 1024, p.receivers = 2, p.open = 1, p.duration_ns = 1000000000u, p.address = "127.0.0.1", p.sender = "127.0.0.1", p.dir = "/dev/shm";
  if (argc < 2) exit(2);
  p.sends = strcmp(argv[1], "send") == 0, p.asks = strcmp(argv[1], "ask") == 0, p.answers = strcmp(argv[1], "answer") == 0;
  for (int i = 2; i + 1 < argc; i += 2) {
    const char *key = argv[i], *value = argv[i + 1];
    if (!strcmp(key, "--size")) p.size = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--rate")) p.rate = atof(value);
    else if (!strcmp(key, "--warmup-ns")) p.warmup_ns = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--duration-ns")) p.duration_ns = strtoull(value, NULL, 10);
    else if (!strcmp(key, "--address")) p.address = value;
    else if (!strcmp(key, "--sender")) p.sender = value;
    else if (!strcmp(key, "--dir")) p.dir = value;
    else if (!strcmp(key, "--receivers")) p.receivers = atoi(value);
    else if (!strcmp(key, "--open")) p.open = atoi(value);
    else if (!strcmp(key, "--stream")) p.stream = atoi(value);
    else if (!strcmp(key, "--compressible")) p.compressible = atoi(value);
    else {
      fprintf(stderr, "unknown flag %s\n", key);
      exit(2);
    }
  }
  struct sigaction act;
  memset(&act, 0, sizeof act);
  act.sa_handler = peer_signal;
  sigaction(SIGTERM, &act, NULL);
  prctl(PR_SET_TIMERSLACK, 1000);
  return p;
}

/* Writes a whole message. */
static inline void payload_write(const struct peer *p, void *at, uint64_t tag, uint64_t stamp) {
  (p->compressible ? fill : fill_scattered)((uint8_t *)at, p->size, tag, stamp);
}

/* Reads a whole message, and ends the program when it is not what was written. */
static inline uint64_t payload_read(const struct peer *p, const void *at, uint64_t *stamp) {
  return (p->compressible ? check : check_scattered)((const uint8_t *)at, p->size, stamp);
}

static inline void peer_ready(void) {
  printf("ready\n");
  fflush(stdout);
}

/* Waits for the line that lets the sender begin. */
static inline void peer_await_start(void) {
  char line[16];
  if (fgets(line, sizeof line, stdin) == NULL) exit(1);
}

/* The sender's pace. */
struct pace {
  uint64_t start, end, next, sent, longest; /* longest: that one send took, ns */
  double period;
};

static inline void pace_begin(struct pace *c, const struct peer *p) {
  memset(c, 0, sizeof *c);
  c->start = now_ns();
  c->end = c->start + p->warmup_ns + p->duration_ns + 100000000u;
  c->period = p->rate > 0 ? 1e9 / p->rate : 0;
}

/* The time for the next message, once it has come; 0 when the time is over. A message that
 * is late goes at once, with the time at which it was due. */
static inline uint64_t pace_wait(struct pace *c) {
  uint64_t t = now_ns();
  if (peer_ended || t >= c->end) return 0;
  if (c->period == 0) return t;
  uint64_t due = c->start + (uint64_t)(c->period * (double)c->sent);
  while ((t = now_ns()) < due) {
    struct timespec at;
    at.tv_sec = (time_t)(due / 1000000000u), at.tv_nsec = (long)(due % 1000000000u);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
  }
  return due;
}

/* Reports whether the message after this one is due already. */
static inline int pace_more(const struct pace *c) {
  return c->period == 0 || c->start + (uint64_t)(c->period * (double)(c->sent + 1)) <= now_ns();
}

/* Counts a message whose sending began at an instant. */
static inline void pace_sent(struct pace *c, uint64_t began) {
  uint64_t took = now_ns() - began;
  if (took > c->longest) c->longest = took;
  c->sent++;
}

static inline void pace_print(const struct pace *c) {
  printf("{\"sent\":%llu,\"seconds\":%.6f,\"longest_ns\":%llu}\n", (unsigned long long)c->sent,
         (double)(now_ns() - c->start) / 1e9, (unsigned long long)c->longest);
  fflush(stdout);
}

/* A stream at a pace is told apart in parts of the window, as in bench/tail.go: one stall of the machine's decides the p99 of a whole
 * run, but only that of the parts into which it fell. A part has 1,000 messages of 10,000 a second. */
#define PART_NS 100000000u
#define MOST_PARTS 120
#define STALL_NS 5000000u
static struct histogram peer_parts[MOST_PARTS];

/* How many whole parts a window has; none at full rate. */
static inline size_t part_count(const struct peer *p) {
  uint64_t n = p->rate > 0 ? p->duration_ns / PART_NS : 0;
  return n < MOST_PARTS ? (size_t)n : MOST_PARTS;
}

static inline struct tail peer_tail(const struct peer *p) {
  uint64_t list[MOST_PARTS];
  return tail_of(peer_parts, part_count(p), STALL_NS, list);
}

/* A receiver's books. */
struct books {
  uint64_t received, missing, disorder, next, total; /* total: what the sender said at its end */
  uint64_t told;                                     /* of missing ones, where a system says so */
  uint64_t first, last, gap, after_gap;              /* gap: the longest silence, and when it ended */
  uint64_t from, to, counted;                        /* the window */
  struct histogram latency;                          /* of the window */
  int ended;
};

static inline void books_begin(struct books *b) { memset(b, 0, sizeof *b), b->next = 1; }

/* Books one message. */
static inline void books_take(struct books *b, const struct peer *p, const void *at, size_t size) {
  uint64_t stamp, t = now_ns();
  if (size != p->size) {
    fprintf(stderr, "a message of %zu bytes\n", size);
    exit(1);
  }
  uint64_t tag = payload_read(p, at, &stamp);
  if (tag & LAST_MARK) {
    b->ended = 1, b->total = tag & ~LAST_MARK;
    return;
  }
  if (b->first == 0) {
    b->first = b->last = t, b->from = t + p->warmup_ns, b->to = b->from + p->duration_ns;
    memset(peer_parts, 0, part_count(p) * sizeof *peer_parts); /* now, so that no page is missing later */
  }
  if (t - b->last > b->gap) b->gap = t - b->last, b->after_gap = t;
  b->last = t;
  b->received++;
  if (tag >= b->next) b->missing += tag - b->next, b->next = tag + 1;
  else b->disorder++;
  if (t < b->from || t >= b->to) return;
  b->counted++;
  uint64_t took = t > stamp ? t - stamp : 0;
  record(&b->latency, took);
  size_t part = (size_t)((t - b->from) / PART_NS);
  if (part < part_count(p)) record(&peer_parts[part], took);
}

static inline void books_print(const struct books *b, const struct peer *p) {
  const struct histogram *h = &b->latency;
  uint64_t missing = b->missing + (b->ended && b->total >= b->next ? b->total + 1 - b->next : 0);
  printf("{\"received\":%llu,\"missing\":%llu,\"told\":%llu,\"disorder\":%llu,\"ended\":%s,\"rate\":%.1f,\"p50\":%llu,\"p99\":%llu,\"p999\":%llu,"
         "\"max\":%llu,\"gap_ns\":%llu,\"after_gap\":%llu",
         (unsigned long long)b->received, (unsigned long long)missing, (unsigned long long)b->told, (unsigned long long)b->disorder, b->ended ? "true" : "false",
         (double)b->counted * 1e9 / (double)p->duration_ns, (unsigned long long)quantile(h, 0.5), (unsigned long long)quantile(h, 0.99),
         (unsigned long long)quantile(h, 0.999), (unsigned long long)h->max, (unsigned long long)b->gap, (unsigned long long)b->after_gap);
  print_tail(peer_tail(p));
  printf("}\n");
  fflush(stdout);
}

#endif
