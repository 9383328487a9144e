/* Requests between nodes: one program asks, another one answers.
 *
 *   PROGRAM ask|answer --open N and the flags of peer.h; --sender is the address of the service
 *
 * Who asks keeps N requests open, in one thread: each answer is followed by the next request. It says
 * "ready" when the first one is answered, begins at the first line of its input, and prints a receiver's
 * line at the end. Who answers says "ready" when it can be asked, and ends at SIGTERM. A
 * peer's file defines the two functions below; the payloads are read and written anew on both sides. */
#ifndef RINGCAST_PEERS_NET_ASKING_H
#define RINGCAST_PEERS_NET_ASKING_H

#include "peer.h"

/* So long it goes on behind its window, ns: its processor time is read at the end of that. */
#define ASK_LONGER 100000000u

/* Sends p.size bytes: a request, or the answer to what came last. */
static void link_send(const uint8_t *at);
/* Waits for p.size bytes; ends the program when the other side is gone. */
static const uint8_t *link_receive(void);

static inline void ask_once(uint8_t *buffer, uint64_t tag) {
  fill(buffer, p.size, tag, now_ns());
  link_send(buffer);
}

/* Takes an answer, and says when it came; took is how long its request was open, ns. They come in order. */
static inline uint64_t ask_taken(uint64_t *took) {
  static uint64_t taken;
  uint64_t stamp;
  const uint8_t *at = link_receive();
  uint64_t t = now_ns();
  if (check(at, p.size, &stamp) != ++taken) {
    fprintf(stderr, "answer %llu is another one\n", (unsigned long long)taken);
    exit(1);
  }
  *took = t > stamp ? t - stamp : 0;
  return t;
}

static inline void ask(void) {
  static struct histogram h;
  uint8_t *buffer = malloc(p.size);
  uint64_t tag = 0, took, t;
  if (buffer == NULL) die("memory");
  ask_once(buffer, ++tag);
  ask_taken(&took);
  peer_ready();
  peer_await_start();
  uint64_t from = now_ns() + p.warmup_ns, to = from + p.duration_ns;
  for (int i = 0; i < p.open; i++) ask_once(buffer, ++tag);
  while ((t = ask_taken(&took)) < to + ASK_LONGER) {
    if (t >= from && t < to) record(&h, took);
    ask_once(buffer, ++tag);
  }
  printf("{\"received\":%llu,\"ended\":true,\"rate\":%.1f,\"p50\":%llu,\"p99\":%llu,\"p999\":%llu,\"max\":%llu}\n", (unsigned long long)h.count,
         (double)h.count * 1e9 / (double)p.duration_ns, (unsigned long long)quantile(&h, 0.5), (unsigned long long)quantile(&h, 0.99),
         (unsigned long long)quantile(&h, 0.999), (unsigned long long)h.max);
  fflush(stdout);
  free(buffer);
}

static inline void answer(void) {
  uint8_t *buffer = malloc(p.size);
  if (buffer == NULL) die("memory");
  signal(SIGTERM, SIG_DFL);
  peer_ready();
  for (;;) {
    uint64_t stamp, tag = check(link_receive(), p.size, &stamp);
    fill(buffer, p.size, tag, stamp);
    link_send(buffer);
  }
}

#endif
