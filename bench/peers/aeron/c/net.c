/* Aeron over UDP multicast, in order, to several receivers: on every node a driver of its
 * own, which runs already (bench/nodes/aeron.go has its settings), and a client. Flow control is "min" with the group's
 * size, so that the sender waits for the slowest and for nobody before all are there. */
#include "client.h"
#undef CHANNEL
#include "../../net/peer.h"

#define GROUP "224.77.9.3:7794"
#define STREAM 1001

static struct peer p;
static struct work w;

static void open_client(struct client *c) {
  char cnc[320];
  snprintf(cnc, sizeof cnc, "%s/cnc.dat", w.dir);
  for (int i = 0; i < 1000 && access(cnc, R_OK) != 0; i++) usleep(5000);
  client_open(c, &w);
}

static void sender(void) {
  struct client c;
  char channel[256];
  aeron_async_add_exclusive_publication_t *async;
  struct publication out = {NULL, NULL};
  open_client(&c);
  snprintf(channel, sizeof channel, "aeron:udp?endpoint=" GROUP "|interface=%s|fc=min,g:/%d", p.address, p.receivers);
  if (aeron_async_add_exclusive_publication(&async, c.aeron, channel, STREAM) < 0) die_aeron("publication");
  for (int done = 0; done == 0; usleep(500))
    if ((done = aeron_async_add_exclusive_publication_poll(&out.exclusive, async)) < 0) die_aeron("publication");
  while (!aeron_exclusive_publication_is_connected(out.exclusive)) usleep(1000);
  peer_ready();
  peer_await_start();
  struct pace pace;
  struct idle idle = idle_of(&w);
  pace_begin(&pace, &p);
  static uint8_t buffer[65536];
  for (uint64_t due; (due = pace_wait(&pace)) != 0;) {
    uint64_t began = now_ns();
    if (p.size <= 1376) client_write(&out, &idle, p.size, pace.sent + 1, due, p.compressible ? fill : fill_scattered);
    else { /* more than a datagram: it can't be claimed, and is cut by offer */
      payload_write(&p, buffer, pace.sent + 1, due);
      while (aeron_exclusive_publication_offer(out.exclusive, buffer, p.size, NULL, NULL) < 0 && !peer_ended) idle_once(&idle);
      idle_reset(&idle);
    }
    pace_sent(&pace, began);
  }
  payload_write(&p, buffer, pace.sent | LAST_MARK, 0);
  for (int i = 0; i < 3000 && aeron_exclusive_publication_offer(out.exclusive, buffer, p.size, NULL, NULL) < 0; i++) usleep(1000);
  pace_print(&pace);
  for (int i = 0; i < 300 && !peer_ended; i++) usleep(10000); /* repairs go on */
  client_close(&c);
}

static struct books books;

static void on_fragment(void *state, const uint8_t *buffer, size_t length, aeron_header_t *header) {
  (void)state, (void)header;
  if (!books.ended) books_take(&books, &p, buffer, length);
}

static void receiver(void) {
  struct client c;
  char channel[256];
  aeron_async_add_subscription_t *async;
  aeron_subscription_t *in = NULL;
  aeron_fragment_assembler_t *assembler;
  open_client(&c);
  snprintf(channel, sizeof channel, "aeron:udp?endpoint=" GROUP "|interface=%s", p.address);
  if (aeron_async_add_subscription(&async, c.aeron, channel, STREAM, NULL, NULL, NULL, NULL) < 0) die_aeron("subscription");
  for (int done = 0; done == 0; usleep(500))
    if ((done = aeron_async_add_subscription_poll(&in, async)) < 0) die_aeron("subscription");
  if (aeron_fragment_assembler_create(&assembler, on_fragment, NULL) < 0) die_aeron("assembler");
  struct idle idle = idle_of(&w);
  books_begin(&books);
  peer_ready();
  while (!books.ended && !peer_ended) {
    int n = aeron_subscription_poll(in, aeron_fragment_assembler_handler, assembler, 256);
    if (n < 0) die_aeron("poll");
    if (n == 0) idle_once(&idle);
    else idle_reset(&idle);
  }
  books_print(&books, &p);
  client_close(&c);
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  memset(&w, 0, sizeof w);
  w.size = p.size, w.exclusive = 1;
  strcpy(w.wait, "block");
  snprintf(w.dir, sizeof w.dir, "%s/aeron", p.dir);
  if (p.sends) sender();
  else receiver();
  return 0;
}
