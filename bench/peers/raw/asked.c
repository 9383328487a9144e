/* The limit of requests between nodes: a datagram (UDP) or as many bytes of a stream (TCP, --stream 1)
 * go there, and come back, by blocking calls of two processes. No promise, no name, no queue. Of
 * datagrams none is lost while fewer are open than the socket's buffer holds. */
#include "../net/peer.h"

static struct peer p;

#include "../net/asking.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define PORT 7797

static int link_fd = -1, listening = -1;
static struct sockaddr_in other; /* of datagrams: who asked last */
static socklen_t other_size;
static uint8_t *received;

static struct sockaddr_in at_service(void) {
  struct sockaddr_in a;
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET, a.sin_port = htons(PORT);
  inet_pton(AF_INET, p.sender, &a.sin_addr);
  return a;
}

static void link_send(const uint8_t *at) {
  int connected = p.stream || p.asks;
  for (size_t done = 0; done < p.size;) {
    ssize_t n = sendto(link_fd, at + done, p.size - done, MSG_NOSIGNAL, connected ? NULL : (struct sockaddr *)&other, connected ? 0 : other_size);
    if (n < 0 && errno != EINTR && errno != ENOBUFS) die("send");
    if (n > 0) done += (size_t)n;
  }
}

static void at_once(void) {
  int yes = 1;
  if (setsockopt(link_fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) die("TCP_NODELAY");
}

static const uint8_t *link_receive(void) {
  if (link_fd < 0) { /* nobody has come yet */
    if ((link_fd = accept(listening, NULL, NULL)) < 0) die("accept");
    at_once();
  }
  for (;;) {
    other_size = sizeof other;
    ssize_t n = recvfrom(link_fd, received, p.size, p.stream ? MSG_WAITALL : 0, (struct sockaddr *)&other, &other_size);
    if (n == (ssize_t)p.size) return received;
    if (n < 0 && errno == EINTR) continue;
    fprintf(stderr, "%zd bytes received: %s\n", n, n < 0 ? strerror(errno) : "the other side is gone");
    exit(1);
  }
}

/* The one who asks finds the service there: it is started later. */
static void open_asking(void) {
  struct sockaddr_in a = at_service();
  struct timeval patience = {5, 0};
  link_fd = socket(AF_INET, p.stream ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (link_fd < 0 || connect(link_fd, (struct sockaddr *)&a, sizeof a) != 0) die("connect");
  setsockopt(link_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (p.stream) at_once();
}

static void open_answering(void) {
  struct sockaddr_in a = at_service();
  int fd = socket(AF_INET, p.stream ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0) die("bind");
  if (!p.stream) link_fd = fd;
  else if (listen(listening = fd, 1) != 0) die("listen");
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  received = malloc(p.size);
  if (received == NULL) die("memory");
  if (p.asks) {
    open_asking();
    ask();
  } else {
    open_answering();
    answer();
  }
  return 0;
}
