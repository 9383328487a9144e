/* NORM, a stream with messages marked in it. Its rate is fixed: congestion control takes
 * every loss for congestion, and a rate above what the receivers take loses blocks for
 * good, so the greatest that they took on this machine is set. A watermark at each
 * quarter of the buffer, acknowledged by every receiver, holds the sender back. */
#include "../net/peer.h"

#include <normApi.h>

#define GROUP "239.77.9.2"
#define PORT 7793
#define SEGMENT 1400
#define BLOCK 64
#define PARITY 0
#define BITS_PER_SECOND 500e6
#define BUFFER (16u << 20)

static struct peer p;
static NormInstanceHandle instance;
static NormSessionHandle session;

static unsigned int own_id(void) {
  unsigned int a = 0, b = 0, c = 0, d = 0;
  sscanf(p.address, "%u.%u.%u.%u", &a, &b, &c, &d);
  return d;
}

static void open_session(void) {
  instance = NormCreateInstance(false);
  session = NormCreateSession(instance, GROUP, PORT, own_id());
  if (session == NORM_SESSION_INVALID) die("session");
  NormSetMulticastInterface(session, "eth0");
  NormSetTTL(session, 1);
  NormSetRxPortReuse(session, true);
  NormSetGrttEstimate(session, 0.001);
  NormSetGrttMax(session, 0.1);
}

/* Takes the events that are there; waits for one if told to. */
static void sender_events(bool wait, bool *acked) {
  NormEvent e;
  for (int fd = NormGetDescriptor(instance); ; wait = false) {
    fd_set set;
    struct timeval t = {0, wait ? 10000 : 0};
    FD_ZERO(&set);
    FD_SET(fd, &set);
    if (select(fd + 1, &set, NULL, NULL, &t) <= 0) return;
    if (!NormGetNextEvent(instance, &e, false)) return;
    if (e.type == NORM_TX_WATERMARK_COMPLETED) {
      if (NormGetAckingStatus(session, NORM_NODE_ANY) == NORM_ACK_SUCCESS) *acked = true;
      else NormResetWatermark(session);
    }
  }
}

struct stream {
  NormObjectHandle handle;
  uint64_t marked; /* bytes since the last watermark */
  bool acked;
};

/* Writes a whole message, waiting for room and for the watermark before the last. */
static void put(struct stream *s, uint64_t tag, uint64_t stamp) {
  static uint8_t buffer[65536];
  payload_write(&p, buffer, tag, stamp);
  for (size_t done = 0; done < p.size && !peer_ended;) {
    unsigned int n = NormStreamWrite(s->handle, (const char *)buffer + done, (unsigned int)(p.size - done));
    done += n;
    if (n == 0) sender_events(true, &s->acked);
  }
  NormStreamMarkEom(s->handle);
  s->marked += p.size;
  if (s->marked < BUFFER / 4) return;
  while (!s->acked && !peer_ended) sender_events(true, &s->acked);
  s->acked = false, s->marked = 0;
  NormSetWatermark(session, s->handle, true);
}

static void sender(void) {
  open_session();
  NormSetTxOnly(session, false);
  NormSetTxRate(session, BITS_PER_SECOND);
  NormSetCongestionControl(session, false);
  NormSetGroupSize(session, 10);
  for (int i = 0; i < p.receivers; i++) NormAddAckingNode(session, own_id() + 1 + (unsigned)i);
  if (!NormStartSender(session, 1, 2 * BUFFER, SEGMENT, BLOCK, PARITY)) die("sender");
  NormSetTxSocketBuffer(session, 4 << 20);
  struct stream s = {NormStreamOpen(session, BUFFER), 0, true};
  NormStreamSetPushEnable(s.handle, false);
  peer_ready();
  peer_await_start();
  struct pace c;
  pace_begin(&c, &p);
  for (uint64_t due; (due = pace_wait(&c)) != 0;) {
    uint64_t began = now_ns();
    put(&s, c.sent + 1, due);
    if (!pace_more(&c)) NormStreamFlush(s.handle, false, NORM_FLUSH_ACTIVE);
    pace_sent(&c, began);
  }
  put(&s, c.sent | LAST_MARK, 0);
  NormStreamFlush(s.handle, true, NORM_FLUSH_ACTIVE);
  pace_print(&c);
  for (int i = 0; i < 300 && !peer_ended; i++) sender_events(true, &s.acked); /* repairs go on */
  NormDestroyInstance(instance);
}

/* Reads what is there of the stream, message by message. */
static void drain(NormObjectHandle stream, struct books *b, int *aligned) {
  static uint8_t buffer[65536];
  static unsigned int have;
  while (!b->ended) {
    if (!*aligned) {
      have = 0;
      if (!NormStreamSeekMsgStart(stream)) return;
      *aligned = 1;
    }
    unsigned int n = (unsigned int)p.size - have;
    if (!NormStreamRead(stream, (char *)buffer + have, &n)) {
      *aligned = 0;
      continue;
    }
    if (n == 0) return;
    have += n;
    if (have < p.size) continue;
    have = 0;
    books_take(b, &p, buffer, p.size);
  }
}

static void receiver(void) {
  static struct books b;
  int aligned = 0;
  open_session();
  NormSetRxCacheLimit(session, 4096);
  if (!NormStartReceiver(session, 2 * BUFFER)) die("receiver");
  NormSetRxSocketBuffer(session, 4 << 20);
  books_begin(&b);
  peer_ready();
  int fd = NormGetDescriptor(instance);
  while (!b.ended && !peer_ended) {
    fd_set set;
    struct timeval t = {0, 100000};
    NormEvent e;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    if (select(fd + 1, &set, NULL, NULL, &t) <= 0) continue;
    if (NormGetNextEvent(instance, &e, false) && e.type == NORM_RX_OBJECT_UPDATED) drain(e.object, &b, &aligned);
  }
  books_print(&b, &p);
  NormDestroyInstance(instance);
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  if (p.sends) sender();
  else receiver();
  return 0;
}
