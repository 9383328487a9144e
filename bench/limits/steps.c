/* The plain ring of ring.h with one thing changed at a time: what a step of ours, or a way to move lines, costs or brings.
 *
 *   steps --scenario stream|pingpong|alone --size N --slots N --pin 0,1 --with NAME=N,NAME=N
 *
 * alone: one process writes 32 messages and reads them, again and again. Sizes of whole lines, where a width is given.
 *
 *   head=64 stride=0     bytes in front of the payload; from slot to slot (0: both, rounded up to whole lines)
 *   words=4              words of the header behind the lap
 *   tail=0               1: a tail is stored before the payload, 2: and a fence behind it
 *   locked=0             locked instructions of a message: claim, tail, commit
 *   stores=0 kept=0      more stores a message, to a line of their own: the writer's, the reader's
 *   fence=0              1: a fence behind each message read
 *   width=0              bytes of a store of the payload: 8, 32, 64; 0: as the compiler likes it
 *   past=0 backwards=0   with width=64: stores past the caches; from the last line on
 *   copy=0               the payload is written elsewhere and copied: 1 memcpy, 2 rep movsb
 *   load=0               64: the payload is read by loads of whole lines
 *   written=-1 read=-1   only so many lines of the payload; nothing is checked
 *   ahead=0              the writer asks for the lines of the slot so far ahead, to write them, behind each message
 *   ask=0 burst=0        the reader asks for the lines of the slot so far ahead; 1: for all of the message that is there
 *   flush=0              the reader, before it gives slots back: 1 flushes them, 2 writes them back
 *   flushahead=0         the writer flushes the slot so far ahead
 *   lease=16             messages that the reader gives back together
 *   want=0               a reader that finds nothing waits for so many, 2,000 looks at most
 *   ample=0              a writer without room waits for so much
 *   linger=8             pauses of a reader that finds nothing
 *   laps=0               1: no header; each line bears the lap, so that it may be read as soon as it is written
 *   answer=0             pingpong: bytes of the answer, if not those of the question
 *   clocks=1             pingpong: 0: the clock is read once in 64 round trips, and p50 is their mean */
#include "ring.h"
#include "wide.h"
#include "with.h"

static struct work w;
static long head = HEADER, stride, words = 4, tail, locked, stores, kept, fence, width, past, backwards, copying, load, written = -1, reading = -1, ahead,
            ask, burst, flush, flushahead, lease = 16, want, ample, pauses = 8, laps, answer, clocks = 1;

static const struct setting settings[] = {
    {"head", &head}, {"stride", &stride}, {"words", &words}, {"tail", &tail}, {"locked", &locked}, {"stores", &stores}, {"kept", &kept},
    {"fence", &fence}, {"width", &width}, {"past", &past}, {"backwards", &backwards}, {"copy", &copying}, {"load", &load}, {"written", &written},
    {"read", &reading}, {"ahead", &ahead}, {"ask", &ask}, {"burst", &burst}, {"flush", &flush}, {"flushahead", &flushahead}, {"lease", &lease},
    {"want", &want}, {"ample", &ample}, {"linger", &pauses}, {"laps", &laps}, {"answer", &answer}, {"clocks", &clocks},
};

/* What ours has beside the ring: its words are written and not used. */
struct beside {
  _Alignas(128) _Atomic uint64_t tail;
  _Alignas(128) _Atomic uint64_t claim;
  _Alignas(128) _Atomic uint64_t lease;
};

/* What a side has of its own. */
struct end {
  struct side s;
  struct beside *beside;
  uint64_t stored; /* the reader's cursor, as the writer may see it */
  _Alignas(128) volatile uint64_t own[32];
  _Alignas(128) uint8_t elsewhere[1 << 16];
};

static inline void more_stores(struct end *e, long n) {
  for (long i = 0; i < n; i++) e->own[i & 31] = (uint64_t)i;
}

/* The lines of a slot from its first on. */
static inline uint64_t lines_of(const struct ring *r) { return (r->stride + LINE - 1) / LINE; }

static inline void await_room(struct side *s) {
  if (has_room(s)) return;
  for (uint64_t free = ample > 0 ? (uint64_t)ample : 1; s->at + free > s->gate; relax())
    s->gate = atomic_load_explicit(&s->r->cursor, memory_order_acquire) + s->r->slots; /* pairs(limits-cursor) */
}

/* The stores and locked instructions of ours ahead of a payload. */
static inline void begin_put(struct end *e) {
  uint64_t t = e->s.at, old;
  if (tail == 1) atomic_store_explicit(&e->beside->tail, t + 1, memory_order_release);
  if (tail == 2) atomic_store(&e->beside->tail, t + 1);
  if (locked > 0) old = atomic_load(&e->beside->claim), atomic_compare_exchange_strong(&e->beside->claim, &old, old + 1);
  if (locked > 1) old = t, atomic_compare_exchange_strong(&e->beside->tail, &old, t + 1);
  more_stores(e, stores);
}

static inline void write_payload(struct end *e, uint8_t *at, size_t size, uint64_t tag, uint64_t stamp) {
  if (written >= 0) size = (size_t)written * LINE;
  uint8_t *to = copying ? e->elsewhere : at;
  if (size == 0) return;
  if (width == 8) fill_by_words(to, size, tag, stamp);
  else if (width == 32) fill_by_32(to, size, tag, stamp);
  else if (width == 64) fill_by_64(to, size, tag, stamp, backwards != 0, past != 0);
  else fill(to, size, tag, stamp);
  if (copying == 1) memcpy(at, to, size);
  if (copying == 2) copy_by_string(at, to, size);
}

/* A message whose lines bear the lap each: 56 bytes of payload a line. */
static inline void put_lines(struct side *s, uint64_t tag) {
  uint8_t *slot = slot_at(s->r, s->at);
  uint64_t lap = s->at / s->r->slots + 1;
  for (uint64_t i = 0, k = tag; i < lines_of(s->r); i++, k += 7) {
    uint64_t *line = (uint64_t *)(slot + i * LINE);
    for (uint64_t j = 1; j < 8; j++) line[j] = k + j - 1;
    atomic_store_explicit((_Atomic uint64_t *)line, lap, memory_order_release); /* pairs(limits-line) */
  }
}

static inline void put_message(struct end *e, uint64_t tag, uint64_t stamp) {
  struct side *s = &e->s;
  await_room(s);
  begin_put(e);
  uint8_t *slot = slot_at(s->r, s->at);
  if (laps) {
    put_lines(s, tag);
  } else {
    write_payload(e, slot + head, s->r->size, tag, stamp);
    for (long i = 1; i <= words; i++) ((uint64_t *)slot)[i] = tag;
    if (locked > 2) {
      uint64_t old = atomic_load(&e->beside->claim);
      atomic_compare_exchange_strong(&e->beside->claim, &old, old + 1);
    }
    atomic_store_explicit((_Atomic uint64_t *)slot, s->at / s->r->slots + 1, memory_order_release); /* pairs(limits-publish) */
  }
  s->at++;
  for (uint64_t i = 0; ahead > 0 && i < lines_of(s->r); i++) own_line(slot_at(s->r, s->at + (uint64_t)ahead - 1) + i * LINE);
  for (uint64_t i = 0; flushahead > 0 && i < lines_of(s->r); i++) flush_line(slot_at(s->r, s->at + (uint64_t)flushahead) + i * LINE);
}

static inline uint64_t read_payload(const uint8_t *slot, size_t size, uint64_t *stamp) {
  const uint8_t *at = slot + head;
  if (reading < 0 && written < 0 && load == 0) return check(at, size, stamp);
  uint64_t bytes = reading < 0 ? size : (size_t)reading * LINE, sum = load == 64 ? sum_by_64(at, bytes) : sum_of((const uint64_t *)(const void *)at, bytes / 8);
  uint64_t tag = ((const uint64_t *)(const void *)slot)[1], n = size / 8;
  *stamp = 0;
  if (reading < 0 && written < 0 && sum != n * tag + n * (n - 1) / 2 - (tag + 1)) die("a message is not what was written");
  __asm__ volatile("" ::"r"(sum));
  return tag;
}

/* take_lines reads what put_lines writes, each line as soon as it is there. */
static inline uint64_t take_lines(struct side *s) {
  const uint8_t *slot = slot_at(s->r, s->at);
  uint64_t lap = s->at / s->r->slots + 1, n = 7 * lines_of(s->r), sum = 0, tag = 0;
  for (uint64_t i = 0; i < lines_of(s->r); i++) {
    const uint64_t *line = (const uint64_t *)(const void *)(slot + i * LINE);
    while (atomic_load_explicit((const _Atomic uint64_t *)line, memory_order_acquire) != lap) relax(); /* pairs(limits-line) */
    if (i == 0) tag = line[1];
    sum += sum_of(line + 1, 7);
  }
  if (sum != n * tag + n * (n - 1) / 2) die("a message is not what was written");
  return tag;
}

/* Gives back what was read since it was done last. */
static inline void give_back(struct end *e) {
  struct ring *r = e->s.r;
  for (uint64_t t = e->stored; flush > 0 && t < e->s.at; t++)
    for (uint64_t i = 0; i < lines_of(r); i++) {
      if (flush == 1) flush_line(slot_at(r, t) + i * LINE);
      else write_back_line(slot_at(r, t) + i * LINE);
    }
  atomic_store_explicit(&r->cursor, e->stored = e->s.at, memory_order_release); /* pairs(limits-cursor) */
}

static inline uint64_t take_message(struct end *e, uint64_t *stamp) {
  struct side *s = &e->s;
  uint8_t *slot = slot_at(s->r, s->at);
  for (uint64_t i = 1; burst && i < lines_of(s->r); i++) __builtin_prefetch(slot + i * LINE, 0, 3);
  for (uint64_t i = 0; ask > 0 && i < lines_of(s->r); i++) __builtin_prefetch(slot_at(s->r, s->at + (uint64_t)ask) + i * LINE, 0, 3);
  more_stores(e, kept);
  uint64_t tag = laps ? take_lines(s) : read_payload(slot, s->r->size, stamp);
  s->at++;
  if (s->at - e->stored >= (uint64_t)lease) give_back(e);
  if (fence) atomic_store(&e->beside->lease, s->at);
  return tag;
}

static inline void await_messages(struct side *s) {
  if (there(s)) return;
  struct side far = *s;
  far.at += want > 0 ? (uint64_t)want - 1 : 0;
  for (int look = 0; look < 2000 || !there(s); look++) {
    for (long i = 0; i < pauses; i++) relax();
    if (there(&far)) return;
  }
}

/* One side of a ring. */
static struct end *new_end(struct ring *r, struct beside *b) {
  struct end *e = shared_pages(sizeof *e);
  e->s.r = r, e->beside = b;
  return e;
}

struct link {
  struct ring *there, *back;
  struct beside *beside[2];
};

static void produce(void *p) {
  struct link *l = p;
  struct end *e = new_end(l->there, l->beside[0]);
  uint64_t i = 0;
  while (!atomic_load_explicit(&l->there->stop, memory_order_relaxed)) put_message(e, ++i, 0);
  put_message(e, (i + 1) | LAST_MARK, 0);
}

static void consume(void *p) {
  struct link *l = p;
  struct end *e = new_end(l->there, l->beside[0]);
  struct window v;
  window_begin(&v, &w);
  for (uint64_t n = 0, stamp;;) {
    await_messages(&e->s);
    uint64_t tag = take_message(e, &stamp);
    if (tag & LAST_MARK) break;
    if (tag != ++n) die("order of messages");
    if (n % 1024 == 0 && v.measured_to == 0 && !window_turn(&v, n, now_ns()))
      atomic_store_explicit(&l->there->stop, 1, memory_order_relaxed);
  }
  print_figure(window_rate(&v), NULL);
}

static void ping(void *p) {
  struct link *l = p;
  struct end *out = new_end(l->there, l->beside[0]), *in = new_end(l->back, l->beside[1]);
  struct histogram *h = calloc(1, sizeof *h);
  struct window v;
  uint64_t i = 0, stamp;
  window_begin(&v, &w);
  for (uint64_t begin = now_ns(); (clocks == 0 && i % 64 != 0) || window_turn(&v, i, begin = clocks ? begin : now_ns());) {
    put_message(out, ++i, 0);
    while (!there(&in->s)) relax();
    if (take_message(in, &stamp) != i) die("answer");
    if (!clocks) continue;
    uint64_t end = now_ns();
    if (v.open) record(h, end - begin);
    begin = end;
  }
  put_message(out, i | LAST_MARK, 0);
  if (!clocks) record(h, (uint64_t)(1e9 / window_rate(&v)));
  print_figure(window_rate(&v), h);
}

static void pong(void *p) {
  struct link *l = p;
  struct end *in = new_end(l->there, l->beside[0]), *out = new_end(l->back, l->beside[1]);
  for (uint64_t stamp = 0, tag;;) {
    while (!there(&in->s)) relax();
    if ((tag = take_message(in, &stamp)) & LAST_MARK) return;
    put_message(out, tag, stamp);
  }
}

/* Both sides of a ring in one process: what they cost where no line changes sides. */
static void alone(struct link *l) {
  struct end *out = new_end(l->there, l->beside[0]), *in = new_end(l->there, l->beside[0]);
  struct window v;
  pin_to(w.pin[0]);
  window_begin(&v, &w);
  for (uint64_t n = 0, stamp; window_turn(&v, n, now_ns());) {
    for (int i = 0; i < 32; i++) put_message(out, n + 1 + (uint64_t)i, 0);
    for (int i = 0; i < 32; i++)
      if (take_message(in, &stamp) != ++n) die("order of messages");
  }
  print_figure(window_rate(&v), NULL);
}

static struct ring *new_ring(size_t size) {
  uint64_t apart = stride ? (uint64_t)stride : ((uint64_t)head + size + LINE - 1) / LINE * LINE;
  if (laps) apart = (size + 55) / 56 * LINE;
  struct ring *r = shared_pages(sizeof *r + w.slots * apart + 2 * LINE);
  r->slots = w.slots, r->size = size, r->stride = apart;
  return r;
}

int main(int argc, char **argv) {
  w = parse_work(argc, argv);
  set_with(settings, sizeof settings / sizeof *settings, w.with);
  if ((w.size > sizeof((struct end *)0)->elsewhere && copying) || (width > 8 && !has_width(width)) || (load > 8 && !has_width(load))) {
    fprintf(stderr, "a payload too large to be copied, or larger stores and loads than this processor has\n");
    exit(2);
  }
  struct link l = {new_ring(w.size), new_ring(answer ? (size_t)answer : w.size), {shared_pages(4096), shared_pages(4096)}};
  if (strcmp(w.scenario, "alone") == 0) alone(&l);
  else if (strcmp(w.scenario, "pingpong") == 0) two_processes(&w, ping, pong, &l);
  else two_processes(&w, consume, produce, &l);
}
