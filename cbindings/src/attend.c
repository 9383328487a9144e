/* A publisher waits for those who asked before it: messaging.md, 3. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "publisher.h"

#define FORWARDER_PATIENCE UINT64_C(1000000000)
#define PATTERN_PATIENCE UINT64_C(200000000)
#define LOOK_AGAIN UINT64_C(100000)

/* The forwarder has entered the ring when `scanned` has reached our own load of `changes`. */
static void attend_forwarder(rc_domain *d)
{
	uint64_t changes = load_acquire(rci_changes(d)), start = rci_now();
	struct rc_node_record *node = rci_node_record(d);
	while ((int64_t)(load_acquire(&node->scanned) - changes) < 0) { /* pairs(scanned) */
		if (!rci_locked(d->node.file.fd, RC_LOCK_BYTE_FORWARDER) || rci_now() - start > FORWARDER_PATIENCE)
			return;
		rci_sleep(LOOK_AGAIN);
	}
}

/* Whether an entry of the ring names the participant. */
static bool entered(const struct ring *r, uint32_t index)
{
	for (uint64_t i = 0, used = ring_entries_used(r); i < used; i++) {
		uint64_t word = load_acquire(&r->entries[i].state);
		if (entry_state(word) != RC_ENTRY_STATE_FREE && entry_participant(word) == index)
			return true;
	}
	return false;
}

static bool asks_by_pattern(const rc_domain *d, uint32_t index, const char *topic)
{
	size_t size = 0;
	uint8_t *table = rci_info_read(d, index, &size);
	bool asks = table != NULL && rci_table_pattern_matches(table, size, topic);
	free(table);
	return asks;
}

void rci_attend(rc_publisher *p)
{
	rc_domain *d = p->domain;
	attend_forwarder(d);
	uint64_t start = rci_now();
	for (uint32_t i = 0; i < d->record_count; i++) {
		if ((uint32_t)load_acquire(&rci_record(d, i)->state) != RC_PARTICIPANT_STATE_LIVE || i == d->index) /* pairs(live) */
			continue;
		if (!asks_by_pattern(d, i, p->topic))
			continue;
		while (!entered(p->producer.ring, i) && rci_alive(d, i) && rci_now() - start < PATTERN_PATIENCE)
			rci_sleep(LOOK_AGAIN);
	}
}
