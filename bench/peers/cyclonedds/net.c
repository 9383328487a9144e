/* CycloneDDS between nodes: reliable, KEEP_ALL, a writer that waits for its readers instead of throwing
 * away. It finds its partners, and sends where there are several readers, by multicast, as is its default.
 * Datagrams no longer than the network's MTU: longer ones are split by IP, and one lost frame costs them all.
 * At full rate samples are put into one datagram (WriteBatch), and flushed at the end. */
#include "../net/peer.h"

#include <dds/dds.h>

#include "message.h"

#define DOMAIN 7
#define BATCH 256

static struct peer p;

static int32_t must(const char *what, int32_t code) {
  if (code >= 0) return code;
  fprintf(stderr, "%s: %s\n", what, dds_strretcode(-code));
  exit(1);
}

static dds_entity_t join(void) {
  char settings[1024];
  snprintf(settings, sizeof settings,
    "<General><Interfaces><NetworkInterface address=\"%s\"/></Interfaces><MaxMessageSize>1452B</MaxMessageSize>"
    "<FragmentSize>1344B</FragmentSize></General>"
    "<Internal><WriteBatch>%s</WriteBatch><SocketReceiveBufferSize min=\"default\" max=\"4MB\"/>"
    "<Watermarks><WhcHigh>8MB</WhcHigh></Watermarks></Internal>"
    "<Tracing><Verbosity>severe</Verbosity><OutputFile>stderr</OutputFile></Tracing>", p.address, p.rate == 0 ? "true" : "false");
  must("domain", dds_create_domain(DOMAIN, settings));
  return must("participant", dds_create_participant(DOMAIN, NULL, NULL));
}

static dds_qos_t *qos(void) {
  dds_qos_t *q = dds_create_qos();
  dds_qset_reliability(q, DDS_RELIABILITY_RELIABLE, DDS_SECS(20));
  dds_qset_history(q, DDS_HISTORY_KEEP_ALL, 0);
  dds_qset_writer_data_lifecycle(q, false);
  return q;
}

static dds_entity_t topic(dds_entity_t participant) {
  return must("topic", dds_create_topic(participant, &Message_desc, "stream", NULL, NULL));
}

static void put(dds_entity_t writer, Message *m, uint64_t tag, uint64_t stamp) {
  payload_write(&p, m->data._buffer, tag, stamp);
  int32_t code;
  while ((code = dds_write(writer, m)) == DDS_RETCODE_TIMEOUT)
    if (peer_ended) exit(1);
  must("write", code);
}

static void sender(dds_entity_t participant) {
  dds_qos_t *q = qos();
  dds_entity_t writer = must("writer", dds_create_writer(participant, topic(participant), q, NULL));
  dds_delete_qos(q);
  Message m = {.data = {._maximum = (uint32_t)p.size, ._length = (uint32_t)p.size, ._buffer = aligned_alloc(64, (p.size + 63) / 64 * 64)}};
  dds_publication_matched_status_t matched = {0};
  for (; matched.current_count < (uint32_t)p.receivers && !peer_ended; usleep(1000))
    must("status", dds_get_publication_matched_status(writer, &matched));
  peer_ready();
  peer_await_start();
  struct pace c;
  pace_begin(&c, &p);
  for (uint64_t due; (due = pace_wait(&c)) != 0;) {
    uint64_t began = now_ns();
    put(writer, &m, c.sent + 1, due);
    pace_sent(&c, began);
  }
  put(writer, &m, c.sent | LAST_MARK, 0);
  dds_write_flush(writer);
  pace_print(&c);
  dds_wait_for_acks(writer, DDS_SECS(10));
}

static void receiver(dds_entity_t participant) {
  static struct books b;
  static void *samples[BATCH];
  static dds_sample_info_t info[BATCH];
  dds_qos_t *q = qos();
  dds_entity_t reader = must("reader", dds_create_reader(participant, topic(participant), q, NULL));
  dds_delete_qos(q);
  dds_entity_t waitset = must("waitset", dds_create_waitset(participant));
  must("waitset", dds_waitset_attach(waitset, must("condition", dds_create_readcondition(reader, DDS_ANY_STATE)), 0));
  books_begin(&b);
  peer_ready();
  while (!b.ended && !peer_ended) {
    int n = must("take", dds_take(reader, samples, info, BATCH, BATCH));
    for (int i = 0; i < n; i++) {
      const Message *m = samples[i];
      if (info[i].valid_data) books_take(&b, &p, m->data._buffer, m->data._length);
    }
    if (n > 0) must("return", dds_return_loan(reader, samples, n));
    else must("wait", dds_waitset_wait(waitset, NULL, 0, DDS_MSECS(100)));
  }
  books_print(&b, &p);
  usleep(200000); /* what the sender still asks for is answered */
}

int main(int argc, char **argv) {
  p = peer_parse(argc, argv);
  dds_entity_t participant = join();
  if (p.sends) sender(participant);
  else receiver(participant);
  dds_delete(participant);
  return 0;
}
