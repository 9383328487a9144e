/* ZeroMQ PUB and SUB over TCP: one connection a receiver. A PUB socket throws away what
 * a receiver does not take (its high-water mark); ZMQ_XPUB_NODROP makes the sender wait
 * instead, which is the only way to lose nothing, and what is measured. */
#include "../net/peer.h"

#include <zmq.h>

#define PORT 7792

static struct peer p;

_Noreturn static void die_zmq(const char *what) {
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static void set(void *socket, int option, int value) {
  if (zmq_setsockopt(socket, option, &value, sizeof value) != 0) die_zmq("option");
}

static void put(void *socket, uint64_t tag, uint64_t stamp) {
  zmq_msg_t m;
  if (zmq_msg_init_size(&m, p.size) != 0) die_zmq("message");
  payload_write(&p, zmq_msg_data(&m), tag, stamp);
  while (zmq_msg_send(&m, socket, 0) < 0)
    if (zmq_errno() != EINTR) die_zmq("send");
    else if (peer_ended) exit(1);
}

static void sender(void *context) {
  void *s = zmq_socket(context, ZMQ_XPUB);
  char endpoint[64], buffer[16];
  set(s, ZMQ_SNDHWM, 10000);
  set(s, ZMQ_XPUB_NODROP, 1);
  set(s, ZMQ_XPUB_VERBOSE, 1); /* tells each subscription, not the first alone */
  snprintf(endpoint, sizeof endpoint, "tcp://%s:%d", p.address, PORT);
  if (zmq_bind(s, endpoint) != 0) die_zmq(endpoint);
  for (int i = 0; i < p.receivers; i++)
    if (zmq_recv(s, buffer, sizeof buffer, 0) < 0) die_zmq("subscription");
  peer_ready();
  peer_await_start();
  struct pace c;
  pace_begin(&c, &p);
  for (uint64_t due; (due = pace_wait(&c)) != 0;) {
    uint64_t began = now_ns();
    put(s, c.sent + 1, due);
    pace_sent(&c, began);
  }
  put(s, c.sent | LAST_MARK, 0);
  pace_print(&c);
  zmq_close(s); /* lingers until all is delivered */
}

static void receiver(void *context) {
  static struct books b;
  void *s = zmq_socket(context, ZMQ_SUB);
  char endpoint[64];
  set(s, ZMQ_RCVHWM, 10000);
  set(s, ZMQ_RCVTIMEO, 100);
  set(s, ZMQ_RECONNECT_IVL, 20);
  if (zmq_setsockopt(s, ZMQ_SUBSCRIBE, "", 0) != 0) die_zmq("subscribe");
  snprintf(endpoint, sizeof endpoint, "tcp://%s:%d", p.sender, PORT);
  if (zmq_connect(s, endpoint) != 0) die_zmq(endpoint);
  books_begin(&b);
  peer_ready();
  zmq_msg_t m;
  zmq_msg_init(&m);
  while (!b.ended && !peer_ended)
    if (zmq_msg_recv(&m, s, 0) >= 0) books_take(&b, &p, zmq_msg_data(&m), zmq_msg_size(&m));
  books_print(&b, &p);
  zmq_msg_close(&m);
  zmq_close(s);
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  void *context = zmq_ctx_new();
  if (p.sends) sender(context);
  else receiver(context);
  zmq_ctx_term(context);
  return 0;
}
