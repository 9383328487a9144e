/* Aeron's C client at the same work as ours: each process has a client of its own,
 * the driver is another. Every byte is written in the claimed buffer and read where
 * it lies. Flags and answer: limits/work.h; --dir is the driver's directory, and
 * --driver the program that is started for the run. */
#include "client.h"

#include <sys/stat.h>

#define MOST 16

/* What the processes share. */
struct page {
  _Alignas(128) _Atomic uint32_t stop;
  _Alignas(128) _Atomic uint32_t ready;
  _Alignas(128) _Atomic uint32_t readers_done; /* have counted enough */
  _Alignas(128) _Atomic uint32_t drained;      /* have read everything */
  double rates[MOST];
  struct histogram histogram;
};

static struct work w;
static struct page *page;
static int own_seat; /* of this process, from 0 */

/* Pins the working thread only now, so that Aeron's own are not pinned with it,
 * and waits for the others. */
static void barrier(void) {
  pin_to(w.pin[own_seat % 2]);
  uint32_t all = (uint32_t)(w.producers + w.readers);
  atomic_fetch_add(&page->ready, 1);
  while (atomic_load(&page->ready) < all) usleep(200);
}

struct reader {
  uint64_t seen[MOST], n, stamp, tag;
  int open, got;
  struct window v;
  int index;
};

static void on_message(void *state, const uint8_t *buffer, size_t length, aeron_header_t *header) {
  struct reader *r = state;
  (void)header;
  if (length != w.size) die("length of a message");
  r->tag = check(buffer, length, &r->stamp);
  uint64_t seq = r->tag & ((UINT64_C(1) << 48) - 1);
  size_t producer = r->tag >> 48 & 0x7fff;
  if (producer >= MOST || seq != ++r->seen[producer]) die("order of messages");
  r->got = 1;
  if (r->tag & LAST_MARK) {
    r->open--;
    return;
  }
  if (++r->n % 1024 == 0 && r->v.measured_to == 0 && !window_turn(&r->v, r->n, now_ns())) {
    page->rates[r->index] = window_rate(&r->v);
    atomic_fetch_add(&page->readers_done, 1);
  }
}

static void consume(int index) {
  struct client c;
  client_open(&c, &w);
  aeron_subscription_t *s = client_subscribe(&c, STREAM_THERE);
  struct reader r = {.open = w.producers, .index = index};
  struct idle idle = idle_of(&w);
  barrier();
  window_begin(&r.v, &w);
  while (r.open > 0) {
    int n = aeron_subscription_poll(s, on_message, &r, 256);
    if (n < 0) die_aeron("poll");
    if (n == 0) idle_once(&idle);
    else idle_reset(&idle);
    if (atomic_load_explicit(&page->readers_done, memory_order_relaxed) == (uint32_t)w.readers)
      atomic_store_explicit(&page->stop, 1, memory_order_relaxed);
  }
  atomic_fetch_add(&page->drained, 1);
  client_close(&c);
}

static void produce(int index) {
  struct client c;
  client_open(&c, &w);
  struct publication p = client_publish(&c, STREAM_THERE);
  struct idle idle = idle_of(&w);
  uint64_t mark = (uint64_t)index << 48, i = 0;
  barrier();
  while (!atomic_load_explicit(&page->stop, memory_order_relaxed)) client_send(&p, &idle, w.size, mark | ++i, 0);
  client_send(&p, &idle, w.size, mark | (i + 1) | LAST_MARK, 0);
  /* A publication that closes takes what nobody has read yet with it. */
  while (atomic_load(&page->drained) < (uint32_t)w.readers) usleep(500);
  client_close(&c);
}

static void receive(aeron_subscription_t *s, struct reader *r, struct idle *idle) {
  for (r->got = 0; !r->got;) {
    int n = aeron_subscription_poll(s, on_message, r, 1);
    if (n < 0) die_aeron("poll");
    if (n == 0) idle_once(idle);
  }
  idle_reset(idle);
}

static void ping(int index) {
  (void)index;
  struct client c;
  client_open(&c, &w);
  aeron_subscription_t *back = client_subscribe(&c, STREAM_BACK);
  struct publication there = client_publish(&c, STREAM_THERE);
  struct reader r = {.v = {.measured_to = 1}};
  struct idle idle = idle_of(&w);
  struct window v;
  uint64_t i = 0;
  barrier();
  client_send(&there, &idle, w.size, ++i, 0); /* until both are connected */
  receive(back, &r, &idle);
  window_begin(&v, &w);
  for (uint64_t begin = now_ns(); window_turn(&v, i, begin);) {
    client_send(&there, &idle, w.size, ++i, 0);
    receive(back, &r, &idle);
    uint64_t end = now_ns();
    if (v.open) record(&page->histogram, end - begin);
    begin = end;
  }
  client_send(&there, &idle, w.size, (i + 1) | LAST_MARK, 0);
  page->rates[0] = window_rate(&v);
  client_close(&c);
}

static void pong(int index) {
  (void)index;
  struct client c;
  client_open(&c, &w);
  aeron_subscription_t *there = client_subscribe(&c, STREAM_THERE);
  struct publication back = client_publish(&c, STREAM_BACK);
  struct reader r = {.open = 1, .v = {.measured_to = 1}};
  struct idle idle = idle_of(&w);
  barrier();
  for (;;) {
    receive(there, &r, &idle);
    if (r.open == 0) break;
    client_send(&back, &idle, w.size, r.tag, r.stamp);
  }
  client_close(&c);
}

static pid_t start(void (*role)(int), int index, int seat) {
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  own_seat = seat;
  role(index);
  exit(0);
}

/* The driver of the run. SHARED: one thread of its own, which is all that two
 * cores can spare; its default back-off. Terms that are not sparse and touched
 * beforehand; an MTU for which no message of the table is too large to claim. */
static pid_t start_driver(const char *program) {
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setenv("AERON_DIR", w.dir, 1);
  setenv("AERON_DIR_DELETE_ON_START", "1", 1);
  setenv("AERON_DIR_DELETE_ON_SHUTDOWN", "1", 1);
  setenv("AERON_THREADING_MODE", "SHARED", 1);
  setenv("AERON_TERM_BUFFER_SPARSE_FILE", "0", 1);
  setenv("AERON_IPC_MTU_LENGTH", "8192", 1);
  setenv("AERON_PERFORM_STORAGE_CHECKS", "0", 1);
  setenv("AERON_IPC_TERM_BUFFER_LENGTH", "67108864", 1);
  if (freopen("/dev/null", "w", stdout) == NULL) die("driver's output");
  execl(program, program, (char *)NULL);
  die(program);
}

static void reap(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "a process ended with status %d\n", status);
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc < 3 || strcmp(argv[1], "--driver") != 0) {
    fprintf(stderr, "usage: work --driver aeronmd --dir DIR ...\n");
    return 2;
  }
  w = parse_work(argc - 2, argv + 2);
  if (w.producers + w.readers > MOST) {
    fprintf(stderr, "at most %d processes\n", MOST);
    return 2;
  }
  page = shared_pages(sizeof *page);
  pid_t driver = start_driver(argv[2]);
  char cnc[300];
  struct stat st;
  snprintf(cnc, sizeof cnc, "%s/cnc.dat", w.dir);
  for (int i = 0; stat(cnc, &st) != 0 && i < 1000; i++) usleep(5000);
  usleep(50000);
  pid_t children[MOST];
  int n = 0;
  if (strcmp(w.scenario, "pingpong") == 0) {
    children[n++] = start(ping, 0, 0);
    children[n++] = start(pong, 0, 1);
  } else {
    for (int i = 0; i < w.producers; i++) children[n] = start(produce, i, n), n++;
    for (int i = 0; i < w.readers; i++) children[n] = start(consume, i, n), n++;
  }
  for (int i = 0; i < n; i++) reap(children[i]);
  kill(driver, SIGTERM);
  waitpid(driver, NULL, 0);
  double rate = 0;
  for (int i = 0; i < w.readers; i++) rate += page->rates[i];
  print_figure(rate, &page->histogram);
}
