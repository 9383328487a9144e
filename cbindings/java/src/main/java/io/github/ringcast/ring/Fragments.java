package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.MessageFlag;
import java.nio.ByteBuffer;

/**
 * Puts messages of several slots into a ring: spec/ring.md, 11. All positions are claimed before the first byte is written: two large
 * writers cannot block each other half way. They are committed while the rest is written. For one thread.
 */
final class Fragments {
  /**
   * Bytes of a message that are written before they are committed. The commit deadline counts for them and not for the whole message:
   * one that took its writer longer would be taken from it each time it tries.
   */
  private static final int COMMITTED_TOGETHER = 64 << 10;

  private long[] positions = new long[0];

  /** One attempt: a result of Producer. marks are the kind and the content, as they stand in the last word of a slot header. */
  int put(Producer producer, Header h, ByteBuffer from, int index, int length, int flags, long marks) {
    Ring r = producer.ring();
    int pieces = (length + r.payload - 1) / r.payload;
    int result = claim(producer, pieces);
    if (result != Producer.OK) {
      return result;
    }
    int run = Math.max(1, COMMITTED_TOGETHER / r.payload);
    for (int i = 0; i < pieces && result == Producer.OK; i += run) {
      int end = Math.min(i + run, pieces);
      for (int k = i; k < end; k++) {
        int done = k * r.payload;
        int piece = Math.min(r.payload, length - done);
        int ends = (k == 0 ? MessageFlag.Begin : 0) | (k == pieces - 1 ? MessageFlag.End : 0);
        long t = positions[k];
        r.chunk(t).put(r.at(t) + SLOT_HEADER_SIZE, from, index + done, piece);
        Outlet.header(r.chunk(t), r.at(t), h, SLOT_HEADER_SIZE, piece, length, k, flags | ends, marks);
      }
      result = commit(producer, i, end, pieces);
    }
    return result;
  }

  /** Commits those from one on to another. A claim that was taken spoils the message: all behind it become holes. */
  private int commit(Producer producer, int from, int to, int pieces) {
    Ring r = producer.ring();
    for (int i = from; i < to; i++) {
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
      if (t < 0 || t - positions[0] >= producer.ring().count && i > 0) { // stepping over slots that others hold comes round to the first
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
