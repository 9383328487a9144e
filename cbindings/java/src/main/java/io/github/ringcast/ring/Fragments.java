package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.MessageFlag;
import java.nio.ByteBuffer;

/**
 * Puts messages of several slots into a ring: spec/ring.md, 11. All positions are claimed before the first byte is written: a message
 * in the ring is whole or holes, and two large writers cannot block each other half way. For one thread.
 */
final class Fragments {
  private long[] positions = new long[0];

  /** One attempt: a result of Producer. marks are the kind and the content, as they stand in the last word of a slot header. */
  int put(Producer producer, Header h, ByteBuffer from, int index, int length, int flags, long marks) {
    Ring r = producer.ring();
    int pieces = (length + r.payload - 1) / r.payload;
    int result = claim(producer, pieces);
    if (result != Producer.OK) {
      return result;
    }
    for (int i = 0; i < pieces; i++) {
      int done = i * r.payload;
      int piece = Math.min(r.payload, length - done);
      int ends = (i == 0 ? MessageFlag.Begin : 0) | (i == pieces - 1 ? MessageFlag.End : 0);
      long t = positions[i];
      r.chunk(t).put(r.at(t) + SLOT_HEADER_SIZE, from, index + done, piece);
      Outlet.header(r.chunk(t), r.at(t), h, SLOT_HEADER_SIZE, piece, length, i, flags | ends, marks);
    }
    for (int i = 0; i < pieces; i++) {
      long t = positions[i];
      if (producer.commit(t, r.chunk(t), r.at(t)) != Producer.OK) {
        release(producer, i + 1, pieces);
        return Producer.FENCED;
      }
    }
    return Producer.OK;
  }

  /** Claims so many positions, or none. */
  private int claim(Producer producer, int pieces) {
    if (!producer.room(pieces)) {
      return Producer.FULL;
    }
    if (positions.length < pieces) {
      positions = new long[pieces];
    }
    for (int i = 0; i < pieces; i++) {
      long t = producer.claim();
      if (t < 0 || t - positions[0] >= producer.ring().count / 2 && i > 0) { // stepping over slots of the evicted comes round to the first
        if (t >= 0) {
          producer.abort(t);
        }
        release(producer, 0, i);
        return t < 0 ? (int) t : Producer.STALLED;
      }
      positions[i] = t;
    }
    return Producer.OK;
  }

  private void release(Producer producer, int from, int to) {
    for (int i = from; i < to; i++) {
      producer.abort(positions[i]);
    }
  }
}
