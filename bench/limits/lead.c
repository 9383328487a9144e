/* The plain ring of one producer and one reader with settings that take turns of some milliseconds within one pair of processes, so
 * that a change of the machine meets all of them alike.
 *
 *   lead --pin 0,1 --duration-ns N --with turn=4 SIZE:SLOTS[:WANT[:AMPLE[:FLUSH]]] ...
 *
 *   WANT    a reader that finds nothing waits until so many messages are there, 200 us at most; 0: for one
 *   AMPLE   a producer that finds no room waits for one in so many parts of the ring; 0: for one slot
 *   FLUSH   1: the reader flushes what it has read
 *   turn=4  ms of a turn, of which the first quarter does not count
 *   pad=64  bytes of a slot behind its header of 64 bytes and the message
 *   lease=64  messages that the reader gives back together
 *
 * It prints a line for each setting and regime (near: a cache line there and back in less than 250 ns, measured before each turn): M messages a
 * second, lower quartile, median, upper quartile, and how many turns. The payload is written and read whole, and its sum is checked at the end. */
#include "wide.h"
#include "with.h"

#define HEADER 64
#define MOST 32 /* settings */
#define TURNS 20000
#define PATIENCE 200000 /* ns */
#define PASSES 300 /* of a line, before each turn */

static struct work w;
static long turn = 4, pad = 64, lease = 64;
static const struct setting settings[] = {{"turn", &turn}, {"pad", &pad}, {"lease", &lease}};

struct choice {
  uint64_t size, slots, want, ample, flush;
};
static struct choice choices[MOST];
static size_t count;

struct table {
  _Alignas(128) _Atomic uint64_t cursor;
  _Alignas(128) _Atomic uint64_t there, back;
  _Alignas(128) _Atomic uint64_t last, sum, done; /* of a turn: messages sent, the sum of their tags as they were read, its number */
};
static struct table *table;
static uint8_t *slots;

/* One side in one turn. */
struct side {
  const struct choice *c;
  uint64_t number, stride, at;
};

static inline struct side side_of(uint64_t number) {
  const struct choice *c = &choices[number % count];
  return (struct side){c, number, HEADER + c->size + (uint64_t)pad, 0};
}

static inline _Atomic uint64_t *published(const struct side *s, uint64_t t) {
  return (_Atomic uint64_t *)(void *)(slots + (t & (s->c->slots - 1)) * s->stride);
}

/* What published says of a message: no two turns have a number alike. */
static inline uint64_t mark(const struct side *s, uint64_t t) { return s->number << 40 | (t + 1); }

static inline int there(const struct side *s, uint64_t t) {
  return atomic_load_explicit(published(s, t), memory_order_acquire) == mark(s, t); /* pairs(limits-publish) */
}

static void await_room(struct side *s, uint64_t *gate) {
  if (s->at < *gate) return;
  uint64_t free = 1;
  for (;; relax()) {
    *gate = atomic_load_explicit(&table->cursor, memory_order_acquire) + s->c->slots; /* pairs(limits-cursor) */
    if (s->at + free <= *gate) return;
    free = s->c->ample > 0 ? s->c->slots / s->c->ample : 1;
  }
}

static inline void put(struct side *s) {
  uint64_t *slot = (uint64_t *)(void *)published(s, s->at);
  for (int i = 1; i < HEADER / 8; i++) slot[i] = s->at;
  fill((uint8_t *)slot + HEADER, s->c->size, s->at, 0);
  atomic_store_explicit((_Atomic uint64_t *)slot, mark(s, s->at), memory_order_release); /* pairs(limits-publish) */
  s->at++;
}

/* Sends for a turn, and returns how many a second. */
static double send(uint64_t number) {
  struct side s = side_of(number);
  uint64_t gate = s.c->slots, began = now_ns(), end = began + (uint64_t)turn * 1000000, from = 0, first = 0, t = began;
  for (; t < end; t = s.at % 64 == 0 ? now_ns() : t) {
    if (from == 0 && t >= began + (end - began) / 4) from = t, first = s.at;
    await_room(&s, &gate);
    put(&s);
  }
  atomic_store(&table->last, s.at);
  while (atomic_load(&table->done) != number) relax();
  if (atomic_load(&table->sum) != s.at * (s.at - 1) / 2) die("messages are not what was written");
  return (double)(s.at - first) * 1e3 / (double)(t - from);
}

static void give_back(struct side *s, uint64_t *stored) {
  for (uint64_t t = *stored; s->c->flush && t < s->at; t++)
    for (uint64_t line = 0; line < HEADER + s->c->size; line += LINE) flush_line((uint8_t *)published(s, t) + line);
  atomic_store_explicit(&table->cursor, s->at, memory_order_release); /* pairs(limits-cursor) */
  *stored = s->at;
}

/* Waits for the next message, or more; 0 at the end of the turn. */
static int await_messages(struct side *s) {
  uint64_t far = s->c->want > 0 ? s->at + s->c->want - 1 : s->at, until = now_ns() + PATIENCE;
  for (int look = 1; !there(s, far); look++) {
    relax();
    if (look % 64 != 0) continue;
    if (s->at == atomic_load(&table->last)) return 0;
    if (now_ns() > until) far = s->at;
  }
  return 1;
}

static void receive(uint64_t number) {
  struct side s = side_of(number);
  uint64_t stored = 0, sum = 0;
  for (;;) {
    if (!there(&s, s.at)) {
      give_back(&s, &stored);
      if (!await_messages(&s)) break;
    }
    uint64_t stamp;
    sum += check((uint8_t *)published(&s, s.at) + HEADER, s.c->size, &stamp);
    if (++s.at - stored >= (uint64_t)lease) give_back(&s, &stored);
  }
  atomic_store(&table->sum, sum);
  atomic_store(&table->done, number);
}

/* A line goes there and back: ns. */
static double pass_line(uint64_t number, int mine) {
  uint64_t began = now_ns();
  for (uint64_t i = number * PASSES; i < (number + 1) * PASSES; i++) {
    if (mine) atomic_store(&table->there, i);
    while (atomic_load(mine ? &table->back : &table->there) != i) relax();
    if (!mine) atomic_store(&table->back, i);
  }
  return (double)(now_ns() - began) / PASSES;
}

struct turn {
  double rate, line; /* of line: ns */
};
static struct turn turns[TURNS];
static uint64_t number_of_turns(void) {
  uint64_t n = w.duration_ns / ((uint64_t)turn * 1000000);
  return n < count ? count : n > TURNS ? TURNS : n;
}

static void produce(void *unused) {
  (void)unused;
  for (uint64_t n = 0; n < number_of_turns(); n++) {
    atomic_store(&table->cursor, 0);
    atomic_store(&table->last, UINT64_MAX);
    turns[n].line = pass_line(n + 1, 1);
    turns[n].rate = send(n + 1);
  }
}

static void consume(void *unused) {
  (void)unused;
  for (uint64_t n = 1; n <= number_of_turns(); n++) {
    pass_line(n, 0);
    receive(n);
  }
}

static int by_rate(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_choice(const struct choice *c, int far) {
  static double rates[TURNS];
  size_t n = 0;
  for (uint64_t i = 0; i < number_of_turns(); i++)
    if (&choices[(i + 1) % count] == c && (turns[i].line >= 250) == far) rates[n++] = turns[i].rate;
  if (n == 0) return;
  qsort(rates, n, sizeof *rates, by_rate);
  printf("%s  %5llu B  %6llu slots  want %-5llu ample %-2llu flush %llu  %8.2f %8.2f %8.2f  (%zu)\n", far ? "far " : "near",
         (unsigned long long)c->size, (unsigned long long)c->slots, (unsigned long long)c->want, (unsigned long long)c->ample,
         (unsigned long long)c->flush, rates[n / 4], rates[n / 2], rates[n * 3 / 4], n);
}

static void read_choice(const char *text) {
  struct choice *c = &choices[count];
  unsigned long long v[5] = {0};
  int n = sscanf(text, "%llu:%llu:%llu:%llu:%llu", &v[0], &v[1], &v[2], &v[3], &v[4]);
  *c = (struct choice){v[0], v[1], v[2], v[3], v[4]};
  if (n < 2 || count == MOST || c->size < 16 || c->size % 8 != 0 || (c->slots & (c->slots - 1)) != 0 || c->slots < 4 || c->want > c->slots) {
    fprintf(stderr, "%s: want SIZE:SLOTS[:WANT[:AMPLE[:FLUSH]]], a size that 8 divides, a power of two of slots, %d settings at most\n", text, MOST);
    exit(2);
  }
  count++;
}

int main(int argc, char **argv) {
  int options = 1;
  while (options < argc && strncmp(argv[options], "--", 2) == 0 && strcmp(argv[options], "--") != 0) options += 2;
  w = parse_work(options < argc ? options : argc, argv);
  set_with(settings, sizeof settings / sizeof *settings, w.with);
  for (int i = options; i < argc; i++) read_choice(argv[i]);
  if (count == 0) read_choice("1024:1024"), read_choice("1024:1024:64"), read_choice("1024:4096"), read_choice("1024:4096:64");
  uint64_t most = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t bytes = choices[i].slots * (HEADER + choices[i].size + (uint64_t)pad);
    most = bytes > most ? bytes : most;
  }
  table = shared_pages(sizeof *table);
  slots = shared_pages(most);
  two_processes(&w, produce, consume, NULL);
  for (int far = 0; far < 2; far++)
    for (size_t i = 0; i < count; i++) print_choice(&choices[i], far);
  return 0;
}
