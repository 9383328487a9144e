/* A plain ring for one producer and one reader, in the layout of an exclusive
 * topic: a header line with the lap, then the payload; cursors on lines of their
 * own; no claim words, no locked instruction. Nobody's death is looked after. */
#ifndef RINGCAST_LIMITS_RING_H
#define RINGCAST_LIMITS_RING_H
#include "work.h"

#define HEADER 64

struct ring {
  _Alignas(128) _Atomic uint64_t cursor; /* of the reader: the first it has not read */
  _Alignas(128) _Atomic uint32_t bell;   /* of the futex programs */
  _Alignas(128) _Atomic uint32_t asleep;
  _Alignas(128) _Atomic uint32_t stop;   /* the reader has counted enough */
  _Alignas(128) uint64_t slots, stride, size;
  _Alignas(128) uint8_t data[];
};

/* What one side keeps for itself. */
struct side {
  struct ring *r;
  uint64_t at, gate;
};

static inline size_t ring_bytes(const struct work *w) {
  return sizeof(struct ring) + w->slots * (HEADER + ((w->size + 63) & ~(size_t)63));
}

static inline void ring_make(struct ring *r, const struct work *w) {
  r->slots = w->slots;
  r->size = w->size;
  r->stride = HEADER + ((w->size + 63) & ~(size_t)63);
}

static inline uint8_t *slot_at(struct ring *r, uint64_t p) { return r->data + (p & (r->slots - 1)) * r->stride; }

static inline int has_room(struct side *s) {
  if (s->at < s->gate) return 1;
  s->gate = atomic_load_explicit(&s->r->cursor, memory_order_acquire) + s->r->slots; /* pairs(limits-cursor) */
  return s->at < s->gate;
}

/* Writes the header, as ours has it, and publishes. */
static inline void publish(struct side *s, uint8_t *slot) {
  uint64_t *head = (uint64_t *)slot;
  head[1] = s->r->size;
  head[2] = 7;
  head[3] = 9;
  head[4] = s->at + 1;
  /* pairs(limits-publish): the payload may be read after this. */
  atomic_store_explicit((_Atomic uint64_t *)slot, s->at / s->r->slots + 1, memory_order_release);
  s->at++;
}

static inline void put(struct side *s, uint64_t tag, uint64_t stamp) {
  while (!has_room(s)) relax();
  uint8_t *slot = slot_at(s->r, s->at);
  fill(slot + HEADER, s->r->size, tag, stamp);
  publish(s, slot);
}

static inline int there(struct side *s) {
  uint8_t *slot = slot_at(s->r, s->at);
  /* pairs(limits-publish) */
  return atomic_load_explicit((_Atomic uint64_t *)slot, memory_order_acquire) == s->at / s->r->slots + 1;
}

/* Reads the message that is there. The cursor is stored every 16th. */
static inline uint64_t take(struct side *s, uint64_t *stamp) {
  uint64_t tag = check(slot_at(s->r, s->at) + HEADER, s->r->size, stamp);
  s->at++;
  if (s->at % 16 == 0)
    atomic_store_explicit(&s->r->cursor, s->at, memory_order_release); /* pairs(limits-cursor) */
  return tag;
}

/* A reader that looks again at once pulls the line away from the producer. */
static inline void linger(void) {
  for (int i = 0; i < 8; i++) relax();
}

#endif
