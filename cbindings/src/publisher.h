/* What a publisher has. */
#ifndef RCI_PUBLISHER_H
#define RCI_PUBLISHER_H

#include "ring.h"

struct rc_publisher {
	struct rc_inline_publisher fast; /* first: inline.h */
	rc_domain *domain;
	struct producer producer;
	struct wish want;
	struct grant rights; /* what want has of them */
	struct rc_address source;
	struct handle *handle;
	uint32_t schema;
	bool timestamps, interested;
	uint64_t spin_ns; /* how long to spin before sleep */
	uint64_t *positions; /* of a message of several slots */
	char topic[RC_MAX_NAME + 1];
	char path[RCI_PATH];
};

/* A message as it goes into slots. */
struct outgoing {
	const uint8_t *data;
	size_t size;
	const rc_marks *marks;
	const struct rc_address_block *block; /* of a survey's question; NULL: data */
};

/* One try: RC_OK, RC_NOTHING (no room), RCI_RETIRED, or an error. */
int rci_publisher_claim_once(rc_publisher *publisher, uint64_t *position);
int rci_publisher_end(rc_publisher *publisher, uint64_t position, bool commit);
/* Publishes the question of a survey, in one slot. Waits as rc_publisher_publish does. */
int rci_publisher_ask(rc_publisher *publisher, const struct outgoing *question, int64_t timeout);
void rci_put_header(const rc_publisher *publisher, const rc_marks *marks, size_t total, struct rc_slot_header *header);
/* Opens the ring again, which was given up. */
int rci_publisher_reopen(rc_publisher *publisher);

/* fragments.c: the same for a message of several slots. */
int rci_publish_fragments(rc_publisher *publisher, const struct outgoing *message);

/* attend.c: waits for those who have asked before. */
void rci_attend(rc_publisher *publisher);

#endif
