/* The processes and books of Zenoh between nodes; the rest is net.rs, in its own language. */
#include "../net/peer.h"

struct net_terms {
  size_t size, receivers;
  int sends, express;
};

struct net_link *peer_net_open(const char *own, const char *sender, const struct net_terms *t);
void peer_net_send(struct net_link *l, uint64_t tag, uint64_t stamp);
void peer_net_close(struct net_link *l);
void peer_book(const uint8_t *at, size_t length);
void peer_fill(uint8_t *at, uint64_t tag, uint64_t stamp);
int peer_take(const uint8_t *at, size_t length);
void peer_answer(uint8_t *at);

static struct peer p;
static struct books b;
static _Atomic int ended;

/* What Zenoh's own thread reads, one message at a time. */
void peer_book(const uint8_t *at, size_t length) {
  books_take(&b, &p, at, length);
  if (b.ended) atomic_store(&ended, 1);
}

void peer_fill(uint8_t *at, uint64_t tag, uint64_t stamp) { payload_write(&p, at, tag, stamp); }

/* The library's part for one node wants these; nobody calls them here. */
int peer_take(const uint8_t *at, size_t length) {
  peer_book(at, length);
  return 0;
}
void peer_answer(uint8_t *at) { payload_write(&p, at, 0, 0); }

static void sender(struct net_link *l) {
  peer_ready();
  peer_await_start();
  struct pace c;
  pace_begin(&c, &p);
  for (uint64_t due; (due = pace_wait(&c)) != 0;) {
    uint64_t began = now_ns();
    peer_net_send(l, c.sent + 1, due);
    pace_sent(&c, began);
  }
  peer_net_send(l, c.sent | LAST_MARK, 0);
  pace_print(&c);
  for (int i = 0; i < 100 && !peer_ended; i++) usleep(20000); /* closing takes along what is still on its way */
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  books_begin(&b);
  struct net_terms t = {.size = p.size, .receivers = (size_t)p.receivers, .sends = p.sends, .express = p.rate > 0};
  struct net_link *l = peer_net_open(p.address, p.sender, &t);
  if (p.sends) {
    sender(l);
  } else {
    peer_ready();
    while (!atomic_load(&ended) && !peer_ended) usleep(5000);
    books_print(&b, &p);
  }
  peer_net_close(l);
  return 0;
}
