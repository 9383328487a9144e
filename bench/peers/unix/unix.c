/* Sockets of the kernel (AF_UNIX) on one node, the best that we know of:
 *  - SEQPACKET, which keeps messages apart, up to 128 KiB; above that a stream of messages of one
 *    size, since a packet must fit the send buffer;
 *  - one socket a reader, to which a producer writes as many times as there are readers: the kernel
 *    has no copy for all. Producers share a reader's packet socket; streams have one each;
 *  - at full rate up to 32 messages a system call (sendmmsg, recvmmsg); with a rate each by itself;
 *  - readers sleep in the kernel where they would spin elsewhere in a stream: on two cores the
 *    sender wants the time; in round trips they look again and again (MSG_DONTWAIT) if told to spin.
 * A request is a round trip on a socket of one's own. */
#include "../node/node.h"

#include <poll.h>
#include <sys/socket.h>

#define PACKET_MOST (128u << 10)
#define BATCH 32

static int pairs[MOST][MOST][2]; /* of producer and reader; those of packets are producer 0's. Row 1 of a round trip leads back */

struct link {
  int out[MOST], outs, in[MOST], ins;
  int batched, filled;
  uint8_t *buffers[BATCH];
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
};

static void make_pair(int *pair) {
  int type = w.size > PACKET_MOST ? SOCK_STREAM : SOCK_SEQPACKET, room = 4 << 20;
  if (socketpair(AF_UNIX, type, 0, pair) != 0) die("socket");
  for (int i = 0; i < 2; i++) /* more than the system's limit only for root */
    if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0)
      if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) != 0) die("send buffer");
}

static int streams(void) { return !strcmp(w.scenario, "stream") || !strcmp(w.scenario, "idle"); }

static void link_begin(void) {
  int rows = !streams() ? 2 : w.size > PACKET_MOST ? w.producers : 1;
  for (int p = 0; p < rows; p++)
    for (int r = 0; r < w.readers; r++) make_pair(pairs[p][r]);
}

static void link_end(void) {}

static struct link *link_open(enum role role, int index) {
  struct link *l = calloc(1, sizeof *l);
  int large = w.size > PACKET_MOST;
  switch (role) {
  case PRODUCE:
    for (int r = 0; r < w.readers; r++) l->out[l->outs++] = pairs[large ? index : 0][r][0];
    break;
  case CONSUME:
    for (int p = 0; p < (large ? w.producers : 1); p++) l->in[l->ins++] = pairs[p][index][1];
    break;
  case PING:
  case ASK: l->out[l->outs++] = pairs[0][0][0], l->in[l->ins++] = pairs[1][0][1]; break;
  case PONG:
  case SERVE: l->out[l->outs++] = pairs[1][0][0], l->in[l->ins++] = pairs[0][0][1]; break;
  }
  l->batched = streams() && w.rate == 0 && w.size <= 4096;
  for (int i = 0; i < (l->batched ? BATCH : 1); i++) {
    l->buffers[i] = malloc(w.size);
    l->parts[i] = (struct iovec){l->buffers[i], w.size};
    l->messages[i].msg_hdr = (struct msghdr){.msg_iov = &l->parts[i], .msg_iovlen = 1};
  }
  return l;
}

static void flush(struct link *l) {
  for (int o = 0; o < l->outs; o++)
    for (int done = 0, n; done < l->filled; done += n)
      if ((n = sendmmsg(l->out[o], l->messages + done, (unsigned)(l->filled - done), MSG_NOSIGNAL)) <= 0) die("send");
  l->filled = 0;
}

static void send_whole(struct link *l) {
  for (int o = 0; o < l->outs; o++)
    for (size_t done = 0; done < w.size;) {
      ssize_t n = send(l->out[o], l->buffers[0] + done, w.size - done, MSG_NOSIGNAL);
      if (n <= 0) die("send");
      done += (size_t)n;
    }
}

static void link_send(struct link *l, uint64_t tag, uint64_t stamp) {
  if (!l->batched) {
    fill(l->buffers[0], w.touched, tag, stamp);
    send_whole(l);
    return;
  }
  fill(l->buffers[l->filled++], w.touched, tag, stamp);
  if (l->filled == BATCH || tag & LAST_MARK) flush(l);
}

/* One of several streams on which there is something. */
static int which(struct link *l) {
  struct pollfd list[MOST];
  if (l->ins == 1) return l->in[0];
  for (int i = 0; i < l->ins; i++) list[i] = (struct pollfd){l->in[i], POLLIN, 0};
  if (poll(list, (nfds_t)l->ins, patience_ms) <= 0) return -1;
  static int turn;
  for (int i = 0; i < l->ins; i++, turn++)
    if (list[turn % l->ins].revents) return l->in[turn++ % l->ins];
  return -1;
}

static void link_receive(struct link *l, int most) {
  int spin = spins() && !streams();
  if (l->batched && most > 1) {
    int n = recvmmsg(l->in[0], l->messages, BATCH, MSG_WAITFORONE, NULL);
    if (n <= 0) die("receive");
    for (int i = 0; i < n; i++) take(l->buffers[i], l->messages[i].msg_len);
    return;
  }
  int from = which(l);
  if (from < 0) return;
  ssize_t n = recv(from, l->buffers[0], w.size, spin ? MSG_DONTWAIT : w.size > PACKET_MOST ? MSG_WAITALL : 0);
  if (n < 0 && errno == EAGAIN) {
    relax();
    return;
  }
  if (n <= 0) die("receive");
  if ((size_t)n < w.size && w.size > PACKET_MOST) { /* a spinning reader has seen a part */
    ssize_t rest = recv(from, l->buffers[0] + n, w.size - (size_t)n, MSG_WAITALL);
    if (rest > 0) n += rest;
  }
  take(l->buffers[0], (size_t)n);
}

static void link_close(struct link *l) { free(l); }
