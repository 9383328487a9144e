/* The bare limit of a round trip: two words, each alone on its lines, there and
 * back, no payload. Each trip is timed, as in the programs beside it. */
#include "work.h"

struct page {
  _Alignas(128) _Atomic uint64_t there;
  _Alignas(128) _Atomic uint64_t back;
};

static struct work w;

static void ping(void *p) {
  struct page *page = p;
  struct histogram *h = calloc(1, sizeof *h);
  struct window v;
  uint64_t i = 0;
  window_begin(&v, &w);
  for (uint64_t begin = now_ns(); window_turn(&v, i, begin);) {
    i++;
    atomic_store_explicit(&page->there, i, memory_order_release);
    while (atomic_load_explicit(&page->back, memory_order_acquire) != i) {
    }
    uint64_t end = now_ns();
    if (v.open) record(h, end - begin);
    begin = end;
  }
  atomic_store(&page->there, UINT64_MAX);
  print_figure(window_rate(&v), h);
}

static void pong(void *p) {
  struct page *page = p;
  for (uint64_t i = 1;; i++) {
    uint64_t got;
    while ((got = atomic_load_explicit(&page->there, memory_order_acquire)) < i) {
    }
    if (got == UINT64_MAX) return;
    atomic_store_explicit(&page->back, i, memory_order_release);
  }
}

int main(int argc, char **argv) {
  w = parse_work(argc, argv);
  two_processes(&w, ping, pong, shared_pages(4096));
}
