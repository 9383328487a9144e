/* What a process has of Aeron's C client: one client, opened and closed, and the
 * two ways of claiming behind one function. */
#ifndef RINGCAST_PEERS_AERON_CLIENT_H
#define RINGCAST_PEERS_AERON_CLIENT_H

#include "../../../limits/work.h"

#include <aeronc.h>

#define STREAM_THERE 1001
#define STREAM_BACK 1002
#define CHANNEL "aeron:ipc"

struct client {
  const struct work *w;
  aeron_context_t *context;
  aeron_t *aeron;
};

/* A publication of either kind. */
struct publication {
  aeron_publication_t *shared;
  aeron_exclusive_publication_t *exclusive;
};

_Noreturn static inline void die_aeron(const char *what) {
  fprintf(stderr, "%s: %s\n", what, aeron_errmsg());
  exit(1);
}

static inline void client_open(struct client *c, const struct work *w) {
  c->w = w;
  if (aeron_context_init(&c->context) < 0) die_aeron("context");
  aeron_context_set_dir(c->context, w->dir);
  aeron_context_set_pre_touch_mapped_memory(c->context, true);
  if (aeron_init(&c->aeron, c->context) < 0) die_aeron("init");
  if (aeron_start(c->aeron) < 0) die_aeron("start");
}

static inline void client_close(struct client *c) {
  aeron_close(c->aeron);
  aeron_context_close(c->context);
}

static inline struct publication client_publish(struct client *c, int32_t stream) {
  struct publication p = {NULL, NULL};
  int done = 0;
  if (c->w->exclusive) {
    aeron_async_add_exclusive_publication_t *async;
    if (aeron_async_add_exclusive_publication(&async, c->aeron, CHANNEL, stream) < 0) die_aeron("exclusive publication");
    while ((done = aeron_async_add_exclusive_publication_poll(&p.exclusive, async)) == 0) usleep(500);
  } else {
    aeron_async_add_publication_t *async;
    if (aeron_async_add_publication(&async, c->aeron, CHANNEL, stream) < 0) die_aeron("publication");
    while ((done = aeron_async_add_publication_poll(&p.shared, async)) == 0) usleep(500);
  }
  if (done < 0) die_aeron("publication");
  return p;
}

static inline aeron_subscription_t *client_subscribe(struct client *c, int32_t stream) {
  aeron_async_add_subscription_t *async;
  aeron_subscription_t *s = NULL;
  int done;
  if (aeron_async_add_subscription(&async, c->aeron, CHANNEL, stream, NULL, NULL, NULL, NULL) < 0) die_aeron("subscription");
  while ((done = aeron_async_add_subscription_poll(&s, async)) == 0) usleep(500);
  if (done < 0) die_aeron("subscription");
  return s;
}

/* Aeron's idle strategies: busy-spin for spin, yielding for yield, and its default
 * back-off (10 spins, 20 yields, then parks from 1 us to 1 ms) for block. */
struct idle {
  int kind; /* 0 spin, 1 yield, 2 back-off */
  int spins;
  uint64_t park_ns;
};

static inline struct idle idle_of(const struct work *w) {
  struct idle i = {.kind = strcmp(w->wait, "spin") == 0 ? 0 : strcmp(w->wait, "yield") == 0 ? 1 : 2, .park_ns = 1000};
  return i;
}

static inline void idle_reset(struct idle *i) { i->spins = 0, i->park_ns = 1000; }

static inline void idle_once(struct idle *i) {
  if (i->kind == 0 || (i->kind == 2 && i->spins < 10)) {
    i->spins++;
    relax();
  } else if (i->kind == 1 || i->spins < 30) {
    i->spins++;
    sched_yield();
  } else {
    struct timespec t = {0, (long)i->park_ns};
    nanosleep(&t, NULL);
    i->park_ns = i->park_ns * 2 > 1000000 ? 1000000 : i->park_ns * 2;
  }
}

/* Claims, writes in place by write, commits; waits while the publication is back-pressured. */
static inline void client_write(struct publication *p, struct idle *idle, size_t size, uint64_t tag, uint64_t stamp,
                                void (*write)(uint8_t *, size_t, uint64_t, uint64_t)) {
  aeron_buffer_claim_t claim;
  for (;;) {
    int64_t at = p->exclusive ? aeron_exclusive_publication_try_claim(p->exclusive, size, &claim)
                              : aeron_publication_try_claim(p->shared, size, &claim);
    if (at >= 0) break;
    if (at != AERON_PUBLICATION_BACK_PRESSURED && at != AERON_PUBLICATION_ADMIN_ACTION &&
        at != AERON_PUBLICATION_NOT_CONNECTED)
      die_aeron("claim");
    idle_once(idle);
  }
  idle_reset(idle);
  write(claim.data, size, tag, stamp);
  if (aeron_buffer_claim_commit(&claim) < 0) die_aeron("commit");
}

static inline void client_send(struct publication *p, struct idle *idle, size_t size, uint64_t tag, uint64_t stamp) {
  client_write(p, idle, size, tag, stamp, fill);
}

#endif
