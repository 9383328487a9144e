/* ZeroMQ on one node, over ipc. Streams: XPUB that waits instead of throwing away
 * (ZMQ_XPUB_NODROP, as in zeromq.c) and SUB, or PUSH and PULL where there is one reader, which is
 * faster and loses nothing by itself; 10,000 messages each side, fewer of large ones. Round trips: PAIR.
 * Requests: REQ and REP. Every process has one I/O thread (the default), which wants a core, so that
 * readers of streams sleep; in round trips they look again and again if told to spin. */
#include "../node/node.h"

#include <zmq.h>

struct link {
  void *context, *out, *in;
  zmq_msg_t message;
};

static char place[300]; /* of the sockets, of which each has a number */

_Noreturn static void die_zmq(const char *what) {
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static int streams(void) { return !strcmp(w.scenario, "stream") || !strcmp(w.scenario, "idle"); }
static int pushes(void) { return w.readers == 1; }

static void link_begin(void) {
  if (strlen(w.dir) > 80) {
    fprintf(stderr, "--dir %s: too long for the name of a socket\n", w.dir);
    exit(2);
  }
  snprintf(place, sizeof place, "ipc://%s", w.dir);
}

static void link_end(void) {
  char path[320];
  for (int i = 0; i < MOST; i++) {
    snprintf(path, sizeof path, "%s-%d", place + 6, i);
    unlink(path);
  }
}

static void set(void *socket, int option, int value) {
  if (zmq_setsockopt(socket, option, &value, sizeof value) != 0) die_zmq("option");
}

static void *open_socket(struct link *l, int type) {
  void *s = zmq_socket(l->context, type);
  if (s == NULL) die_zmq("socket");
  int room = w.size <= 4096 ? 10000 : w.size <= 65536 ? 500 : 16;
  set(s, ZMQ_SNDHWM, room);
  set(s, ZMQ_RCVHWM, room);
  set(s, ZMQ_RECONNECT_IVL, 10);
  return s;
}

static void *bound(void *s, int number) {
  char at[320];
  snprintf(at, sizeof at, "%s-%d", place, number);
  if (zmq_bind(s, at) != 0) die_zmq(at);
  return s;
}

static void *connected(void *s, int number) {
  char at[320];
  snprintf(at, sizeof at, "%s-%d", place, number);
  if (zmq_connect(s, at) != 0) die_zmq(at);
  return s;
}

static void open_producer(struct link *l, int index) {
  if (pushes()) {
    l->out = connected(open_socket(l, ZMQ_PUSH), 0);
    return;
  }
  char buffer[16];
  l->out = open_socket(l, ZMQ_XPUB);
  set(l->out, ZMQ_XPUB_NODROP, 1);
  set(l->out, ZMQ_XPUB_VERBOSE, 1); /* tells each subscription, not the first alone */
  bound(l->out, index);
  for (int i = 0; i < w.readers; i++)
    if (zmq_recv(l->out, buffer, sizeof buffer, 0) < 0) die_zmq("subscription");
}

static void open_reader(struct link *l) {
  if (pushes()) {
    l->in = bound(open_socket(l, ZMQ_PULL), 0);
    return;
  }
  l->in = open_socket(l, ZMQ_SUB);
  if (zmq_setsockopt(l->in, ZMQ_SUBSCRIBE, "", 0) != 0) die_zmq("subscribe");
  for (int p = 0; p < w.producers; p++) connected(l->in, p);
}

static struct link *link_open(enum role role, int index) {
  struct link *l = calloc(1, sizeof *l);
  l->context = zmq_ctx_new();
  switch (role) {
  case PRODUCE: open_producer(l, index); break;
  case CONSUME: open_reader(l); break;
  case PING: l->in = l->out = bound(open_socket(l, ZMQ_PAIR), 0); break;
  case PONG: l->in = l->out = connected(open_socket(l, ZMQ_PAIR), 0); break;
  case ASK: l->in = l->out = connected(open_socket(l, ZMQ_REQ), 0); break;
  case SERVE: l->in = l->out = bound(open_socket(l, ZMQ_REP), 0); break;
  }
  if (l->in != NULL) set(l->in, ZMQ_RCVTIMEO, patience_ms);
  zmq_msg_init(&l->message);
  return l;
}

static void link_send(struct link *l, uint64_t tag, uint64_t stamp) {
  zmq_msg_t m;
  if (zmq_msg_init_size(&m, w.size) != 0) die_zmq("message");
  fill((uint8_t *)zmq_msg_data(&m), w.touched, tag, stamp);
  while (zmq_msg_send(&m, l->out, 0) < 0)
    if (zmq_errno() != EINTR) die_zmq("send");
}

static void link_receive(struct link *l, int most) {
  int spin = spins() && !streams();
  for (int i = 0; i < most; i++) {
    if (zmq_msg_recv(&l->message, l->in, i > 0 || spin ? ZMQ_DONTWAIT : 0) < 0) {
      if (zmq_errno() != EAGAIN && zmq_errno() != EINTR) die_zmq("receive");
      if (spin) relax();
      return;
    }
    take(zmq_msg_data(&l->message), zmq_msg_size(&l->message));
  }
}

static void link_close(struct link *l) {
  zmq_msg_close(&l->message);
  if (l->in != NULL) zmq_close(l->in);
  if (l->out != NULL && l->out != l->in) zmq_close(l->out);
  zmq_ctx_term(l->context); /* lingers until all is delivered */
}
