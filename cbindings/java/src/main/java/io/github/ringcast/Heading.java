package io.github.ringcast;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.Content;
import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.ring.Received;
import io.github.ringcast.shm.Clock;
import java.nio.ByteBuffer;

/** A private copy of the address block of a message that somebody else wrote: spec/messaging.md, 7. */
final class Heading {
  static final long DEFAULT_TIME = 10_000_000_000L;
  static final long MOST_TIME = 1_800_000_000_000L;

  final int kind;
  final boolean more;
  final Address source;
  final Address destination;
  final long correlation;
  final long service;
  final int code;
  /** Low half of the hash of the payload's schema; 0: unknown. */
  final int schema;
  /** Whether the payload is a FlatBuffer. */
  final boolean flatBuffer;
  private final long timeLeft;

  private Heading(Received r, int flags) {
    ByteBuffer b = r.bytes;
    int at = r.at + SLOT_HEADER_SIZE;
    long marks = b.getLong(r.at + SLOT_HEADER_SCHEMA_HASH_OFFSET);
    kind = (int) (marks >>> 32) & 0xff;
    flatBuffer = (marks >>> 40 & 0xff) == Content.FlatBuffer;
    schema = (int) marks;
    more = (flags & MessageFlag.More) != 0;
    source = Address.of(b.getLong(at + ADDRESS_BLOCK_SOURCE_OFFSET), b.getLong(at + ADDRESS_BLOCK_SOURCE_OFFSET + 8));
    destination = Address.of(b.getLong(at + ADDRESS_BLOCK_DESTINATION_OFFSET), b.getLong(at + ADDRESS_BLOCK_DESTINATION_OFFSET + 8));
    correlation = b.getLong(at + ADDRESS_BLOCK_CORRELATION_OFFSET);
    timeLeft = b.getLong(at + ADDRESS_BLOCK_TIME_LEFT_NS_OFFSET);
    service = b.getLong(at + ADDRESS_BLOCK_SERVICE_HASH_OFFSET);
    code = b.getInt(at + ADDRESS_BLOCK_CODE_OFFSET);
  }

  /** Of a message; null if it has no block. */
  static Heading of(Received r) {
    int flags = r.bytes.getShort(r.at + SLOT_HEADER_FLAGS_OFFSET);
    return (flags & MessageFlag.Addressed) == 0 ? null : new Heading(r, flags);
  }

  static byte[] payload(Received r) {
    byte[] copy = new byte[r.length];
    r.bytes.get(r.at + r.start, copy);
    return copy;
  }

  boolean request() {
    return kind == MessageKind.Request;
  }

  boolean data() {
    return kind == MessageKind.Data;
  }

  /** What a request has left now: its mark says when it was put into the ring, by a clock that differs by microseconds. */
  long remaining() {
    int waited = Math.max(0, (int) (Clock.now() / 1000) - code);
    long left = timeLeft < 0 ? MOST_TIME : Math.min(timeLeft, MOST_TIME);
    return left - waited * 1000L;
  }
}
