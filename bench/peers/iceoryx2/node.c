/* The processes and books of iceoryx2's program; the rest is lib.rs, in its own language. */
#include "../node/node.h"

struct terms {
  size_t words, producers, readers, buffer;
  int sleeps;
};

struct link *peer_open(int role, const char *name, const struct terms *t);
void peer_send(struct link *l, uint64_t tag, uint64_t stamp);
size_t peer_receive(struct link *l, size_t most, int patience_ms);
void peer_close(struct link *l);
void peer_fill(uint8_t *at, uint64_t tag, uint64_t stamp);
void peer_take(const uint8_t *at, size_t length);

static void link_begin(void) {
  if (w.dir[0] == 0) snprintf(w.dir, sizeof w.dir, "ringcast-peer-%d", (int)getpid());
}

static void link_end(void) {}

static struct link *link_open(enum role role, int index) {
  (void)index;
  struct terms t = {.words = w.size / 8, .producers = (size_t)w.producers, .readers = (size_t)w.readers,
                    .buffer = w.size <= 4096 ? w.slots : w.size <= 65536 ? 64 : 4,
                    .sleeps = !spins() && !yields()};
  return peer_open((int)role, w.dir, &t);
}

void peer_fill(uint8_t *at, uint64_t tag, uint64_t stamp) { fill(at, w.touched, tag, stamp); }
void peer_take(const uint8_t *at, size_t length) { take(at, length); }

static void link_send(struct link *l, uint64_t tag, uint64_t stamp) { peer_send(l, tag, stamp); }

static void link_receive(struct link *l, int most) {
  if (peer_receive(l, (size_t)most, patience_ms) == 0) breathe();
}

static void link_close(struct link *l) { peer_close(l); }
