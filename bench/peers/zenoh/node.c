/* The processes and books of Zenoh's program; the rest is lib.rs, in its own language. */
#include "../node/node.h"

struct terms {
  size_t size, producers, readers;
  int spins, idle;
};

struct link *peer_open(int role, int index, const char *place, const struct terms *t);
void peer_send(struct link *l, uint64_t tag, uint64_t stamp);
void peer_receive(struct link *l, int patience_ms);
void peer_close(struct link *l);
void peer_fill(uint8_t *at, uint64_t tag, uint64_t stamp);
int peer_take(const uint8_t *at, size_t length);
void peer_answer(uint8_t *at);
void peer_clean(void);
void peer_book(const uint8_t *at, size_t length);

static char place[300];

static void link_begin(void) {
  if (w.dir[0] == 0) snprintf(place, sizeof place, "ringcast-zenoh-%d", (int)getpid());
  else snprintf(place, sizeof place, "%s", w.dir);
  if (strlen(place) > 90) {
    fprintf(stderr, "--dir %s: too long for the name of a socket\n", w.dir);
    exit(2);
  }
}

static void link_end(void) {
  char path[320];
  for (int i = 0; i < MOST; i++) {
    snprintf(path, sizeof path, "%s-%d", place, i);
    unlink(path);
    snprintf(path, sizeof path, "%s-%d.lock", place, i);
    unlink(path);
  }
  peer_clean();
}

static struct link *link_open(enum role role, int index) {
  struct terms t = {.size = w.size, .producers = (size_t)w.producers, .readers = (size_t)w.readers,
                    .spins = spins(), .idle = !strcmp(w.scenario, "idle")};
  return peer_open((int)role, index, place, &t);
}

void peer_fill(uint8_t *at, uint64_t tag, uint64_t stamp) { fill(at, w.touched, tag, stamp); }

/* What Zenoh's own thread reads while ours waits in link_receive; reports whether more is to come. */
int peer_take(const uint8_t *at, size_t length) {
  take(at, length);
  return books.open > 0;
}

/* The library's part between nodes (net.rs) wants it; nobody calls it here. */
void peer_book(const uint8_t *at, size_t length) { take(at, length); }

/* The answer to what was taken last. */
void peer_answer(uint8_t *at) { fill(at, w.touched, books.tag, books.stamp); }

static void link_send(struct link *l, uint64_t tag, uint64_t stamp) { peer_send(l, tag, stamp); }

static void link_receive(struct link *l, int most) {
  (void)most;
  peer_receive(l, patience_ms);
}

static void link_close(struct link *l) { peer_close(l); }
