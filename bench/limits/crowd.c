/* One producer and several readers in the layout and the steps of a shared topic, all of which yield when there is nothing to do, with one
 * thing changed at a time.
 *
 *   crowd --readers N --size N --slots N [--pin A,B] --with NAME=N,NAME=N
 *
 * The rate is that of all readers together. --pin: the producer on core A, the readers on core B; without it nobody is pinned.
 *
 *   locked=3    locked instructions of a publish: claim, tail, commit
 *   words=7     words of the header behind the lap
 *   ahead=1     the producer asks for the lines of the slot so far ahead
 *   poll=1      a reader that finds nothing looks at the tail; 2: at the claim word, too, at each look; 0: at neither
 *   want=1      a reader that finds nothing waits for so many messages,
 *   yields=0    but no longer than for so many yields
 *   ample=4     a producer that finds no room waits for one in so many parts of the ring
 *   lease=64    messages that a reader gives back together
 *   ask=0       a reader asks for the lines of the slot so far ahead
 *   flush=0     1: whoever is the last reader flushes what all have read; 2: every reader flushes what it has read */
#include "wide.h"
#include "with.h"

static struct work w;
static long locked = 3, words = 7, ahead = 1, poll = 1, want = 1, yields, ample = 4, lease = 64, ask, flush;

static const struct setting settings[] = {
    {"locked", &locked}, {"words", &words}, {"ahead", &ahead}, {"poll", &poll},   {"want", &want},
    {"yields", &yields}, {"ample", &ample}, {"lease", &lease}, {"ask", &ask}, {"flush", &flush},
};

#define HEADER 64
#define MOST_READERS 8
#define BATCH 64

/* What all of them share beside claim words and slots. */
struct table {
  _Alignas(128) _Atomic uint64_t tail;
  _Alignas(128) _Atomic uint32_t ready, stop, over;
  struct {
    _Alignas(128) _Atomic uint64_t cursor;
    double rate;
  } readers[MOST_READERS];
};

static struct table *table;
static _Atomic uint64_t *claims;
static uint8_t *slots;
static uint64_t stride;

static inline uint64_t place(uint64_t t) { return t & (w.slots - 1); }
static inline uint8_t *slot_at(uint64_t t) { return slots + place(t) * stride; }

static inline int there(uint64_t t) {
  return atomic_load_explicit((_Atomic uint64_t *)slot_at(t), memory_order_acquire) == t / w.slots + 1; /* pairs(limits-publish) */
}

/* The least cursor of all readers but one (-1: of all), or end if that is less. */
static inline uint64_t passed(int but, uint64_t end) {
  for (int i = 0; i < w.readers; i++) {
    uint64_t c = i == but ? end : atomic_load_explicit(&table->readers[i].cursor, memory_order_acquire); /* pairs(limits-cursor) */
    if (c < end) end = c;
  }
  return end;
}

/* Says that a process is ready, and waits until all are. */
static void meet(int core) {
  pin_to(core);
  atomic_fetch_add(&table->ready, 1);
  while (atomic_load(&table->ready) < (uint32_t)(1 + w.readers)) usleep(200);
}

static inline int stopped(void) { return atomic_load_explicit(&table->stop, memory_order_relaxed) != 0; }

/* The first position for which there is no room; 0 where the work is over. */
static uint64_t await_room(uint64_t t) {
  uint64_t limit = passed(-1, t) + w.slots;
  if (t < limit) return limit;
  while ((limit = passed(-1, t) + w.slots) < t + w.slots / (uint64_t)ample) {
    if (stopped()) return 0;
    sched_yield();
  }
  return limit;
}

static inline void swap(_Atomic uint64_t *word, uint64_t old, uint64_t new) { atomic_compare_exchange_strong(word, &old, new); }

static inline void put(uint64_t t) {
  uint64_t lap = t / w.slots + 1;
  uint8_t *slot = slot_at(t);
  if (locked > 0) swap(&claims[place(t)], atomic_load_explicit(&claims[place(t)], memory_order_acquire), lap << 20 | 1);
  if (locked > 1) swap(&table->tail, t, t + 1);
  else atomic_store_explicit(&table->tail, t + 1, memory_order_release);
  for (uint64_t i = 0; ahead > 0 && i < stride; i += LINE) __builtin_prefetch(slot_at(t + (uint64_t)ahead) + i, 1, 3);
  fill(slot + HEADER, w.size, t + 1, 0);
  for (long i = 1; i <= words; i++) ((volatile uint64_t *)slot)[i] = t + (uint64_t)i;
  if (locked > 2) swap(&claims[place(t)], lap << 20 | 1, lap << 20 | 2);
  atomic_store_explicit((_Atomic uint64_t *)slot, lap, memory_order_release); /* pairs(limits-publish) */
}

static void produce(void) {
  meet(w.pin[0]);
  for (uint64_t t = 0, limit = 0; !stopped(); put(t++))
    if (t >= limit && (limit = await_room(t)) == 0) return;
}

/* Gives back what lies from one position up to another. */
static inline void give_back(int me, uint64_t from, uint64_t to) {
  uint64_t end = flush == 1 ? passed(me, to) : flush == 2 ? to : from;
  for (uint64_t t = from; t < end; t++)
    for (uint64_t i = 0; i < stride; i += LINE) flush_line(slot_at(t) + i);
  atomic_store_explicit(&table->readers[me].cursor, to, memory_order_release); /* pairs(limits-cursor) */
}

static inline void take(uint64_t t) {
  volatile const uint64_t *header = (const uint64_t *)(const void *)slot_at(t);
  uint64_t stamp;
  for (uint64_t i = 0; ask > 0 && i < stride; i += LINE) __builtin_prefetch(slot_at(t + (uint64_t)ask) + i, 0, 3);
  for (long i = 1; i <= words; i++) (void)header[i];
  if (check(slot_at(t) + HEADER, w.size, &stamp) != t + 1) die("order of messages");
}

/* Yields until there are messages from a position on. */
static void await_messages(uint64_t t) {
  if (poll) (void)atomic_load(&table->tail);
  for (long looks = 0;; looks++) {
    if (stopped()) exit(0);
    if (poll > 1) (void)atomic_load(&claims[place(t)]);
    if (there(t) && (looks >= yields || want <= 1 || there(t + (uint64_t)want - 1))) return;
    sched_yield();
  }
}

static void consume(int me) {
  meet(w.pin[1]);
  struct window v;
  window_begin(&v, &w);
  for (uint64_t t = 0, stored = 0, batch; ; ) {
    for (batch = 0; batch < BATCH && there(t); batch++) {
      take(t++);
      if (t - stored >= (uint64_t)lease) give_back(me, stored, t), stored = t;
    }
    if (batch > 0 && v.measured_to == 0 && !window_turn(&v, t, now_ns())) {
      table->readers[me].rate = window_rate(&v);
      if (atomic_fetch_add(&table->over, 1) + 1 == (uint32_t)w.readers) atomic_store(&table->stop, 1);
    }
    if (batch == BATCH) continue;
    if (stored != t) give_back(me, stored, t), stored = t;
    await_messages(t);
  }
}

int main(int argc, char **argv) {
  w = parse_work(argc, argv);
  set_with(settings, sizeof settings / sizeof *settings, w.with);
  if (w.readers > MOST_READERS) die("readers");
  stride = HEADER + (w.size + LINE - 1) / LINE * LINE;
  table = shared_pages(sizeof *table), claims = shared_pages(w.slots * sizeof *claims), slots = shared_pages(w.slots * stride);
  for (int i = 0; i <= w.readers; i++) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (i == w.readers) produce();
    else consume(i);
    exit(0);
  }
  double rate = 0;
  for (int i = 0, status; i <= w.readers; i++)
    if (wait(&status) < 0 || status != 0) die("a process of the crowd");
  for (int i = 0; i < w.readers; i++) rate += table->readers[i].rate;
  print_figure(rate, NULL);
}
