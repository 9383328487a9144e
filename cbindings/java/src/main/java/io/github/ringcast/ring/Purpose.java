package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.RingKind;
import io.github.ringcast.fb.RingMode;
import io.github.ringcast.fb.RingPurpose;

/** What a ring is for, and the shape that it is made in where nobody asks for another: spec/messaging.md, 1, 7 and 8. */
public enum Purpose {
  TOPIC(RingPurpose.Topic, DEFAULT_SLOT_COUNT, DEFAULT_SLOT_PAYLOAD, DEFAULT_STALL_BUDGET_NS),
  INBOX(RingPurpose.Inbox, 128, DEFAULT_SLOT_PAYLOAD + ADDRESS_BLOCK_SIZE, 3_600_000_000_000L),
  SERVICE(RingPurpose.Service, 256, DEFAULT_SLOT_PAYLOAD + ADDRESS_BLOCK_SIZE, 3_600_000_000_000L);

  final int code;
  final Shape standard;

  Purpose(int code, int slots, int payload, long stallBudget) {
    this.code = code;
    standard = new Shape(slots, payload, RingMode.Reliable, RingKind.Shared, 0, DEFAULT_COMMIT_DEADLINE_NS, stallBudget);
  }

  /** The purpose of a ring; a topic where it is none of these. */
  static Purpose of(Ring ring) {
    int code = ring.control.fixed().get(Shape.GEOMETRY + RING_GEOMETRY_PURPOSE_OFFSET);
    return code == INBOX.code ? INBOX : code == SERVICE.code ? SERVICE : TOPIC;
  }
}
