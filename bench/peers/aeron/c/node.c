/* Aeron on one node, behind the loops of node.h: the settings and reasons are those of work.c and
 * bench/README.md. Further:
 *  - producers have an exclusive publication each where the work allows it: three logs are faster
 *    than a shared one (--exclusive 0 asks for the concurrent kind);
 *  - messages above the MTU are offered and put together again (a fragment assembler): an MTU of
 *    64 KiB there, so that they have few fragments.
 * Aeron has no requests. The driver, aeronmd, is the program beside this one. */
#include "client.h"
#include "../../node/node.h"

#include <libgen.h>

#define CLAIM_MOST (8192 - 32)

struct link {
  struct client client;
  struct publication out;
  aeron_subscription_t *in;
  aeron_fragment_assembler_t *assembler;
  struct idle idle;
  uint8_t *buffer;
};

static pid_t driver;

static void link_begin(void) {
  char program[512], cnc[300];
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 16);
  if (n < 0) die("own place");
  program[n] = 0;
  strcat(dirname(program), "/aeronmd");
  if (w.dir[0] == 0) snprintf(w.dir, sizeof w.dir, "/dev/shm/aeron-peer-%d", (int)getpid());
  if ((driver = child()) == 0) {
    setenv("AERON_DIR", w.dir, 1);
    setenv("AERON_DIR_DELETE_ON_START", "1", 1);
    setenv("AERON_DIR_DELETE_ON_SHUTDOWN", "1", 1);
    setenv("AERON_THREADING_MODE", "SHARED", 1);
    setenv("AERON_TERM_BUFFER_SPARSE_FILE", "0", 1);
    setenv("AERON_IPC_MTU_LENGTH", w.size > CLAIM_MOST ? "65504" : "8192", 1);
    setenv("AERON_PERFORM_STORAGE_CHECKS", "0", 1);
    setenv("AERON_IPC_TERM_BUFFER_LENGTH", "67108864", 1);
    if (freopen("/dev/null", "w", stdout) == NULL) die("driver's output");
    execl(program, program, (char *)NULL);
    die(program);
  }
  struct stat st;
  snprintf(cnc, sizeof cnc, "%s/cnc.dat", w.dir);
  for (int i = 0; stat(cnc, &st) != 0 && i < 1000; i++) usleep(5000);
  usleep(50000);
}

static void link_end(void) {
  kill(driver, SIGTERM);
  waitpid(driver, NULL, 0);
}

static void on_fragment(void *state, const uint8_t *buffer, size_t length, aeron_header_t *header) {
  (void)state, (void)header;
  take(buffer, length);
}

static void await_readers(struct link *l, int readers) {
  aeron_publication_constants_t c;
  for (;; usleep(1000)) { /* connected to each: a spy cannot tell, so the position limit does */
    int done = l->out.exclusive ? aeron_exclusive_publication_constants(l->out.exclusive, &c) : aeron_publication_constants(l->out.shared, &c);
    int up = l->out.exclusive ? aeron_exclusive_publication_is_connected(l->out.exclusive) : aeron_publication_is_connected(l->out.shared);
    if (done == 0 && up) break;
  }
  while (atomic_load(&page->opened) < (uint32_t)readers) usleep(500);
}

static void open_reader(struct link *l, int32_t stream) {
  l->in = client_subscribe(&l->client, stream);
  if (w.size > CLAIM_MOST && aeron_fragment_assembler_create(&l->assembler, on_fragment, NULL) < 0) die_aeron("assembler");
  atomic_fetch_add(&page->opened, 1);
}

static struct link *link_open(enum role role, int index) {
  struct link *l = calloc(1, sizeof *l);
  (void)index;
  client_open(&l->client, &w);
  l->idle = idle_of(&w);
  l->buffer = malloc(w.size);
  int there = role == PRODUCE || role == PING;
  if (role != PRODUCE) open_reader(l, role == PING ? STREAM_BACK : STREAM_THERE);
  if (role == CONSUME) { /* until all logs are there */
    while (aeron_subscription_image_count(l->in) < (w.exclusive ? w.producers : 1)) usleep(500);
    return l;
  }
  l->out = client_publish(&l->client, there ? STREAM_THERE : STREAM_BACK);
  await_readers(l, role == PRODUCE ? w.readers : 2);
  return l;
}

static void fill_touched(uint8_t *at, size_t size, uint64_t tag, uint64_t stamp) {
  (void)size;
  fill(at, w.touched, tag, stamp);
}

static void link_send(struct link *l, uint64_t tag, uint64_t stamp) {
  if (w.size <= CLAIM_MOST) {
    client_write(&l->out, &l->idle, w.size, tag, stamp, fill_touched);
    return;
  }
  fill(l->buffer, w.touched, tag, stamp);
  for (;;) {
    int64_t at = l->out.exclusive ? aeron_exclusive_publication_offer(l->out.exclusive, l->buffer, w.size, NULL, NULL)
                                  : aeron_publication_offer(l->out.shared, l->buffer, w.size, NULL, NULL);
    if (at >= 0) break;
    if (at != AERON_PUBLICATION_BACK_PRESSURED && at != AERON_PUBLICATION_ADMIN_ACTION && at != AERON_PUBLICATION_NOT_CONNECTED)
      die_aeron("offer");
    idle_once(&l->idle);
  }
  idle_reset(&l->idle);
}

static void link_receive(struct link *l, int most) {
  int n = l->assembler ? aeron_subscription_poll(l->in, aeron_fragment_assembler_handler, l->assembler, (size_t)most)
                       : aeron_subscription_poll(l->in, on_fragment, NULL, (size_t)most);
  if (n < 0) die_aeron("poll");
  if (n == 0) idle_once(&l->idle);
  else idle_reset(&l->idle);
}

static void link_close(struct link *l) { client_close(&l->client); }
