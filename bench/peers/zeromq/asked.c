/* ZeroMQ's requests between nodes, over TCP: REQ and REP. A REQ socket has one request open; where there
 * are more, a DEALER with the empty frame that REP wants, which is ZeroMQ's way. One I/O thread each (the default). */
#include "../net/peer.h"

static struct peer p;

#include "../net/asking.h"

#include <zmq.h>

#define PORT 7798

static void *link_socket;
static zmq_msg_t received;

_Noreturn static void die_zmq(const char *what) {
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static int dealer(void) { return p.asks && p.open > 1; }

static void put(const void *at, size_t size, int flags) {
  while (zmq_send(link_socket, at, size, flags) < 0)
    if (zmq_errno() != EINTR) die_zmq("send");
}

static void link_send(const uint8_t *at) {
  if (dealer()) put("", 0, ZMQ_SNDMORE);
  put(at, p.size, 0);
}

static void take(void) {
  while (zmq_msg_recv(&received, link_socket, 0) < 0)
    if (zmq_errno() != EINTR) die_zmq("receive");
}

static const uint8_t *link_receive(void) {
  take();
  if (dealer()) take(); /* behind the empty frame */
  if (zmq_msg_size(&received) != p.size) {
    fprintf(stderr, "a message of %zu bytes\n", zmq_msg_size(&received));
    exit(1);
  }
  return zmq_msg_data(&received);
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  char endpoint[64];
  int patience = 5000;
  void *context = zmq_ctx_new();
  zmq_msg_init(&received);
  snprintf(endpoint, sizeof endpoint, "tcp://%s:%d", p.sender, PORT);
  link_socket = zmq_socket(context, p.answers ? ZMQ_REP : dealer() ? ZMQ_DEALER : ZMQ_REQ);
  if (p.answers) {
    if (zmq_bind(link_socket, endpoint) != 0) die_zmq(endpoint);
    answer();
  }
  if (zmq_setsockopt(link_socket, ZMQ_RCVTIMEO, &patience, sizeof patience) != 0) die_zmq("patience");
  if (zmq_connect(link_socket, endpoint) != 0) die_zmq(endpoint);
  ask();
  patience = 0;
  zmq_setsockopt(link_socket, ZMQ_LINGER, &patience, sizeof patience);
  zmq_close(link_socket);
  zmq_ctx_term(context);
  return 0;
}
