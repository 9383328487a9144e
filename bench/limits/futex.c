/* The limit of sleeping: a plain C ring whose reader sleeps on a futex as soon as
 * it finds nothing, and whose producer wakes it when it sleeps.
 *
 *   pingpong  both sides sleep; a round trip
 *   wake      a message after a pause, to a reader that sleeps; one way */
#include "ring.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

static struct work w;

static void sleep_on(struct ring *r, uint32_t seen) {
  if (syscall(SYS_futex, &r->bell, FUTEX_WAIT, seen, NULL, NULL, 0) != 0 && errno != EAGAIN && errno != EINTR) die("futex wait");
}

static void put_and_wake(struct side *s, uint64_t tag, uint64_t stamp) {
  put(s, tag, stamp);
  atomic_thread_fence(memory_order_seq_cst); /* publish, then look who sleeps */
  if (atomic_load_explicit(&s->r->asleep, memory_order_relaxed)) {
    atomic_store_explicit(&s->r->asleep, 0, memory_order_relaxed);
    atomic_fetch_add(&s->r->bell, 1);
    if (syscall(SYS_futex, &s->r->bell, FUTEX_WAKE, 1, NULL, NULL, 0) < 0) die("futex wake");
  }
}

static uint64_t take_or_sleep(struct side *s, uint64_t *stamp) {
  while (!there(s)) {
    uint32_t seen = atomic_load(&s->r->bell);
    atomic_store(&s->r->asleep, 1);
    if (there(s)) break;
    sleep_on(s->r, seen);
  }
  return take(s, stamp);
}

struct pair {
  struct ring *there, *back;
};

static void ping(void *p) {
  struct pair *pair = p;
  struct side out = {.r = pair->there}, in = {.r = pair->back};
  struct histogram *h = calloc(1, sizeof *h);
  struct window v;
  uint64_t i = 0, stamp;
  window_begin(&v, &w);
  for (uint64_t begin = now_ns(); window_turn(&v, i, begin);) {
    put_and_wake(&out, ++i, 0);
    if (take_or_sleep(&in, &stamp) != i) die("answer");
    uint64_t end = now_ns();
    if (v.open) record(h, end - begin);
    begin = end;
  }
  put_and_wake(&out, i | LAST_MARK, 0);
  print_figure(window_rate(&v), h);
}

static void pong(void *p) {
  struct pair *pair = p;
  struct side in = {.r = pair->there}, out = {.r = pair->back};
  for (uint64_t stamp, tag;;) {
    if ((tag = take_or_sleep(&in, &stamp)) & LAST_MARK) return;
    put_and_wake(&out, tag, stamp);
  }
}

static void caller(void *p) {
  struct side s = {.r = p};
  struct window v;
  struct timespec pause = {(time_t)(w.pause_ns / 1000000000u), (long)(w.pause_ns % 1000000000u)};
  window_begin(&v, &w);
  for (uint64_t i = 1; window_turn(&v, i, now_ns()); i++) {
    nanosleep(&pause, NULL);
    put_and_wake(&s, i, now_ns());
  }
  put_and_wake(&s, LAST_MARK, 0);
}

static void sleeper(void *p) {
  struct side s = {.r = p};
  struct histogram *h = calloc(1, sizeof *h);
  struct window v;
  window_begin(&v, &w);
  for (uint64_t n = 1, stamp;; n++) {
    if (take_or_sleep(&s, &stamp) & LAST_MARK) break;
    uint64_t t = now_ns();
    if (v.measured_to == 0 && window_turn(&v, n, t) && v.open) record(h, t - stamp);
  }
  print_figure(v.measured_to ? window_rate(&v) : 0, h); /* the last message may come before the end */
}

static struct ring *new_ring(void) {
  struct ring *r = shared_pages(ring_bytes(&w));
  ring_make(r, &w);
  return r;
}

int main(int argc, char **argv) {
  w = parse_work(argc, argv);
  struct pair pair = {new_ring(), new_ring()};
  if (strcmp(w.scenario, "wake") == 0)
    two_processes(&w, caller, sleeper, pair.there); /* the producer on the first core, as ours */
  else
    two_processes(&w, ping, pong, &pair);
}
