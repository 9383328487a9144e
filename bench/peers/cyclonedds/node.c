/* CycloneDDS on one node, over loopback UDP: Debian's library can also hand fixed-size types through
 * iceoryx, but only with a history that throws the oldest away (KEEP_LAST), so that streams would lose
 * messages. What is known to be best:
 *  - reliable, KEEP_ALL on both sides, a writer that waits for its readers instead of throwing away;
 *  - one datagram for as much as fits into 64 KB;
 *  - unicast: loopback has no multicast as a rule;
 *  - a domain of its own for each run, and no look at other machines;
 *  - samples that are put into one datagram in streams at full rate (WriteBatch), and flushed at the end;
 *  - samples are taken on loan, up to 256 a call, behind a waitset: messages come through a thread of
 *    CycloneDDS, which wants the core on which a reader would spin. */
#include "../node/node.h"

#include <dds/dds.h>

#include "message.h"

struct link {
  dds_entity_t participant, writer, reader, waitset;
  Message out;
};

#define BATCH 256

static uint32_t domain;

static int32_t must(const char *what, int32_t code) {
  if (code >= 0) return code;
  fprintf(stderr, "%s: %s\n", what, dds_strretcode(-code));
  exit(1);
}

static int batches(void) { return !strcmp(w.scenario, "stream") && w.rate == 0 && w.size <= 4096; }

static void link_begin(void) { domain = (uint32_t)getpid() % 90 + 10; }
static void link_end(void) {}

static void open_domain(void) {
  char settings[1024];
  snprintf(settings, sizeof settings,
    "<General><Interfaces><NetworkInterface name=\"lo\"/></Interfaces><AllowMulticast>false</AllowMulticast>"
    "<MaxMessageSize>65500B</MaxMessageSize><FragmentSize>65000B</FragmentSize></General>"
    "<Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>30</MaxAutoParticipantIndex>"
    "<Peers><Peer address=\"127.0.0.1\"/></Peers></Discovery>"
    "<Internal><WriteBatch>%s</WriteBatch><Watermarks><WhcHigh>8MB</WhcHigh></Watermarks></Internal>"
    "<Tracing><Verbosity>severe</Verbosity><OutputFile>stderr</OutputFile></Tracing>", batches() ? "true" : "false");
  must("domain", dds_create_domain(domain, settings));
}

static dds_qos_t *qos(void) {
  dds_qos_t *q = dds_create_qos();
  dds_qset_reliability(q, DDS_RELIABILITY_RELIABLE, DDS_SECS(20));
  dds_qset_history(q, DDS_HISTORY_KEEP_ALL, 0);
  dds_qset_writer_data_lifecycle(q, false);
  return q;
}

static dds_entity_t topic(struct link *l, const char *name) {
  return must("topic", dds_create_topic(l->participant, &Message_desc, name, NULL, NULL));
}

static void open_writer(struct link *l, const char *name) {
  dds_qos_t *q = qos();
  l->writer = must("writer", dds_create_writer(l->participant, topic(l, name), q, NULL));
  dds_delete_qos(q);
  uint8_t *buffer = aligned_alloc(64, (w.size + 63) / 64 * 64);
  l->out.data = (dds_sequence_octet){._maximum = (uint32_t)w.size, ._length = (uint32_t)w.size, ._buffer = buffer};
}

static void open_reader(struct link *l, const char *name) {
  dds_qos_t *q = qos();
  l->reader = must("reader", dds_create_reader(l->participant, topic(l, name), q, NULL));
  dds_delete_qos(q);
  must("mask", dds_set_status_mask(l->reader, DDS_DATA_AVAILABLE_STATUS | DDS_SUBSCRIPTION_MATCHED_STATUS));
  l->waitset = must("waitset", dds_create_waitset(l->participant));
  must("waitset", dds_waitset_attach(l->waitset, must("condition", dds_create_readcondition(l->reader, DDS_ANY_STATE)), 0));
}

static void await(struct link *l, uint32_t writers, uint32_t readers) {
  for (int i = 0;; i++, usleep(1000)) {
    dds_publication_matched_status_t p = {0};
    dds_subscription_matched_status_t s = {0};
    if (l->writer > 0) must("status", dds_get_publication_matched_status(l->writer, &p));
    if (l->reader > 0) must("status", dds_get_subscription_matched_status(l->reader, &s));
    if ((l->writer <= 0 || p.current_count >= readers) && (l->reader <= 0 || s.current_count >= writers)) return;
    if (i < 20000) continue;
    fprintf(stderr, "the partners did not come\n");
    exit(1);
  }
}

static struct link *link_open(enum role role, int index) {
  (void)index;
  struct link *l = calloc(1, sizeof *l);
  open_domain();
  l->participant = must("participant", dds_create_participant(domain, NULL, NULL));
  switch (role) {
  case PRODUCE: open_writer(l, "there"); break;
  case CONSUME: open_reader(l, "there"); break;
  case PING: open_writer(l, "there"), open_reader(l, "back"); break;
  default: open_reader(l, "there"), open_writer(l, "back"); break;
  }
  if (role == PRODUCE || role == CONSUME) await(l, (uint32_t)w.producers, (uint32_t)w.readers);
  else await(l, 1, 1);
  return l;
}

static void link_send(struct link *l, uint64_t tag, uint64_t stamp) {
  fill(l->out.data._buffer, w.touched, tag, stamp);
  int32_t code;
  while ((code = dds_write(l->writer, &l->out)) == DDS_RETCODE_TIMEOUT)
    if (stopped()) return;
  must("write", code);
  if (batches() && tag & LAST_MARK) dds_write_flush(l->writer);
}

static int take_some(struct link *l, int most) {
  void *samples[BATCH] = {NULL};
  dds_sample_info_t info[BATCH];
  int n = must("take", dds_take(l->reader, samples, info, BATCH, (uint32_t)most));
  for (int i = 0; i < n; i++) {
    const Message *m = samples[i];
    if (info[i].valid_data) take(m->data._buffer, m->data._length);
  }
  if (n > 0) must("return", dds_return_loan(l->reader, samples, n));
  return n;
}

static void link_receive(struct link *l, int most) {
  if (take_some(l, most) > 0) return;
  must("wait", dds_waitset_wait(l->waitset, NULL, 0, DDS_MSECS(patience_ms)));
  take_some(l, most);
}

static void link_close(struct link *l) { dds_delete(l->participant); }
