package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.ClaimState;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Where a latest reader, or one in its history, has the message that it reads: spec/ring.md, 5. For one thread. */
final class Copies {
  private final Ring r;
  /** A reliable reader needs none but for a history. */
  private ByteBuffer bytes;

  Copies(Ring ring, boolean always) {
    r = ring;
    bytes = ByteBuffer.allocate(always ? ring.stride : 0).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The copy, from the slot's header on; used again for the next. */
  ByteBuffer bytes() {
    return bytes;
  }

  /** Copies the message at position c and looks whether it stayed the same; false: it was overtaken. */
  boolean take(long c) {
    if (bytes.capacity() < r.stride) {
      bytes = ByteBuffer.allocate(r.stride).order(ByteOrder.LITTLE_ENDIAN);
    }
    long word = r.exclusive ? 0 : r.claim(c);
    if (!r.exclusive && (Claims.lap(word) != r.lap(c) || Claims.state(word) != ClaimState.Ready)) {
      return false;
    }
    ByteBuffer slot = r.chunk(c);
    int at = r.at(c);
    bytes.put(0, slot, at, SLOT_HEADER_SIZE);
    int start = bytes.getInt(SLOT_HEADER_PAYLOAD_START_OFFSET);
    int length = bytes.getInt(SLOT_HEADER_PAYLOAD_LENGTH_OFFSET);
    if (r.fits(bytes.getShort(SLOT_HEADER_FLAGS_OFFSET), start, length)) {
      bytes.put(SLOT_HEADER_SIZE, slot, at + SLOT_HEADER_SIZE, start + length - SLOT_HEADER_SIZE);
    }
    VarHandle.acquireFence();
    return r.exclusive ? r.tail() <= c + r.count : r.claim(c) == word;
  }
}
