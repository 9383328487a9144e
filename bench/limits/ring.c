/* The limit of a stream and of a round trip with payload: a plain C ring. */
#include "ring.h"

static struct work w;

static void produce(void *p) {
  struct side s = {.r = p};
  uint64_t i = 0;
  while (!atomic_load_explicit(&s.r->stop, memory_order_relaxed)) put(&s, ++i, 0);
  put(&s, (i + 1) | LAST_MARK, 0);
}

static void consume(void *p) {
  struct side s = {.r = p};
  struct window v;
  window_begin(&v, &w);
  for (uint64_t n = 0, stamp;;) {
    while (!there(&s)) linger();
    uint64_t tag = take(&s, &stamp);
    if (tag & LAST_MARK) break;
    if (tag != ++n) die("order of messages");
    if (n % 1024 == 0 && v.measured_to == 0 && !window_turn(&v, n, now_ns()))
      atomic_store_explicit(&s.r->stop, 1, memory_order_relaxed);
  }
  print_figure(window_rate(&v), NULL);
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
    put(&out, ++i, 0);
    while (!there(&in)) relax();
    if (take(&in, &stamp) != i) die("answer");
    uint64_t end = now_ns();
    if (v.open) record(h, end - begin);
    begin = end;
  }
  put(&out, i | LAST_MARK, 0);
  print_figure(window_rate(&v), h);
}

static void pong(void *p) {
  struct pair *pair = p;
  struct side in = {.r = pair->there}, out = {.r = pair->back};
  for (uint64_t stamp, tag;;) {
    while (!there(&in)) relax();
    if ((tag = take(&in, &stamp)) & LAST_MARK) return;
    put(&out, tag, stamp);
  }
}

static struct ring *new_ring(void) {
  struct ring *r = shared_pages(ring_bytes(&w));
  ring_make(r, &w);
  return r;
}

int main(int argc, char **argv) {
  w = parse_work(argc, argv);
  struct pair pair = {new_ring(), new_ring()};
  if (strcmp(w.scenario, "pingpong") == 0)
    two_processes(&w, ping, pong, &pair);
  else
    two_processes(&w, consume, produce, pair.there);
}
