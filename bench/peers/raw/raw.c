/* The limit: UDP multicast without any promise. One message is one datagram; runs of up
 * to 64 KB go to the kernel in one call (UDP_SEGMENT), and are received by 64 in one
 * call (recvmmsg). What is lost stays lost, and is counted. */
#include "../net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define GROUP "239.77.9.1"
#define PORT 7791
#define MOST 64
#define LARGEST 1472 /* of a datagram, at MTU 1500 */

static struct peer p;
static struct sockaddr_in group;

static int open_socket(void) {
  int s = socket(AF_INET, SOCK_DGRAM, 0), buffer = 16 << 20;
  if (s < 0) die("socket");
  setsockopt(s, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(s, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  memset(&group, 0, sizeof group);
  group.sin_family = AF_INET, group.sin_port = htons(PORT);
  inet_pton(AF_INET, GROUP, &group.sin_addr);
  return s;
}

static void put(int s, const uint8_t *at, size_t bytes) {
  while (send(s, at, bytes, 0) < 0)
    if (errno != EINTR && errno != ENOBUFS && errno != EAGAIN) die("send");
}

static void sender(void) {
  static uint8_t buffer[65536];
  int s = open_socket(), segment = (int)p.size;
  struct in_addr own;
  unsigned char loop = 0;
  inet_pton(AF_INET, p.address, &own);
  setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &own, sizeof own);
  setsockopt(s, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, 1);
  if (setsockopt(s, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) die("UDP_SEGMENT");
  if (connect(s, (struct sockaddr *)&group, sizeof group) != 0) die("connect");
  peer_ready();
  peer_await_start();
  struct pace c;
  size_t most = 65000 / p.size < MOST ? 65000 / p.size : MOST;
  pace_begin(&c, &p);
  for (uint64_t due; (due = pace_wait(&c)) != 0;) {
    size_t n = 0;
    uint64_t began = now_ns();
    for (int more = 1; n < most && more; n++) {
      payload_write(&p, buffer + n * p.size, c.sent + 1, due);
      more = pace_more(&c);
      pace_sent(&c, began);
      due = c.period > 0 ? c.start + (uint64_t)(c.period * (double)c.sent) : due;
    }
    put(s, buffer, n * p.size);
  }
  for (int i = 0; i < 20; i++) {
    payload_write(&p, buffer, c.sent | LAST_MARK, 0);
    put(s, buffer, p.size);
    usleep(10000);
  }
  pace_print(&c);
}

static void receiver(void) {
  static uint8_t buffers[MOST][2048];
  static struct books b;
  struct mmsghdr m[MOST];
  struct iovec io[MOST];
  struct ip_mreq join;
  struct timeval patience = {0, 100000};
  int s = open_socket();
  join.imr_multiaddr = group.sin_addr;
  inet_pton(AF_INET, p.address, &join.imr_interface);
  if (bind(s, (struct sockaddr *)&group, sizeof group) != 0) die("bind");
  if (setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) != 0) die("join");
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  memset(m, 0, sizeof m);
  for (int i = 0; i < MOST; i++) {
    io[i].iov_base = buffers[i], io[i].iov_len = sizeof buffers[i];
    m[i].msg_hdr.msg_iov = &io[i], m[i].msg_hdr.msg_iovlen = 1;
  }
  books_begin(&b);
  peer_ready();
  while (!b.ended && !peer_ended) {
    int n = recvmmsg(s, m, MOST, MSG_WAITFORONE, NULL);
    for (int i = 0; i < n; i++) books_take(&b, &p, buffers[i], m[i].msg_len);
  }
  books_print(&b, &p);
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  if (p.size > LARGEST) {
    fprintf(stderr, "a message of %zu bytes is no datagram here\n", p.size);
    return 3;
  }
  if (p.sends) sender();
  else receiver();
  return 0;
}
