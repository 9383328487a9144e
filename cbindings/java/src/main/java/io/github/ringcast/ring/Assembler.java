package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.MessageFlag;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Puts fragments together: spec/ring.md, 11. At most 64 messages and 64 MiB at once; allocates a
 * buffer a message. For one thread.
 */
final class Assembler {
  private static final int MOST = 64;
  private static final long MOST_BYTES = 64L << 20;
  private static final int WHOLE = MessageFlag.Begin | MessageFlag.End;

  private final Ring r;
  private final Partial[] partials = new Partial[MOST];
  private int used;
  private long bytes;

  /** One message that has begun and not ended; its buffer begins with the header of its first fragment. */
  private static final class Partial {
    long source0;
    long source1;
    long sequence;
    long began;
    int total;
    int filled;
    int fragments;
    ByteBuffer buffer;
  }

  Assembler(Ring ring) {
    r = ring;
  }

  static boolean whole(int flags) {
    return (flags & WHOLE) == WHOLE;
  }

  void clear() {
    for (int i = used - 1; i >= 0; i--) {
      drop(i);
    }
  }

  /** Takes a fragment. NOTHING: more is to come, or it belongs to nothing; MESSAGE: it is whole; LAGGED: there was no place. */
  int take(Received in) {
    ByteBuffer b = in.bytes;
    int flags = b.getShort(in.at + SLOT_HEADER_FLAGS_OFFSET);
    long source0 = b.getLong(in.at + SLOT_HEADER_PRODUCER_OFFSET);
    long source1 = b.getLong(in.at + SLOT_HEADER_PRODUCER_OFFSET + 8);
    int i = find(source0, source1);
    if ((flags & MessageFlag.Begin) != 0) {
      if (i >= 0) {
        drop(i);
      }
      return begin(in, source0, source1);
    }
    if (i < 0) {
      return in.type = Received.NOTHING;
    }
    Partial p = partials[i];
    boolean last = (flags & MessageFlag.End) != 0;
    int number = b.getShort(in.at + SLOT_HEADER_FRAGMENT_OFFSET) & 0xffff;
    boolean fits = p.sequence == b.getLong(in.at + SLOT_HEADER_SEQUENCE_OFFSET) && number == (p.fragments & 0xffff)
        && p.total == b.getInt(in.at + SLOT_HEADER_TOTAL_LENGTH_OFFSET) && in.length <= p.total - p.filled
        && (last ? in.length == p.total - p.filled : in.length == r.payload);
    if (!fits) {
      drop(i);
      return in.type = Received.NOTHING;
    }
    add(p, in);
    return last ? finish(i, in) : (in.type = Received.NOTHING);
  }

  private int begin(Received in, long source0, long source1) {
    int total = in.bytes.getInt(in.at + SLOT_HEADER_TOTAL_LENGTH_OFFSET);
    boolean possible = total > r.payload && total <= r.shape.messageLimit() && in.length == r.payload
        && in.bytes.getShort(in.at + SLOT_HEADER_FRAGMENT_OFFSET) == 0;
    if (!possible || !makeRoom(in.position, total)) {
      return in.lagged(in.position, in.position + 1);
    }
    Partial p = new Partial();
    p.source0 = source0;
    p.source1 = source1;
    p.sequence = in.bytes.getLong(in.at + SLOT_HEADER_SEQUENCE_OFFSET);
    p.began = in.position;
    p.total = total;
    p.buffer = ByteBuffer.allocate(SLOT_HEADER_SIZE + total).order(ByteOrder.LITTLE_ENDIAN);
    p.buffer.put(0, in.bytes, in.at, SLOT_HEADER_SIZE);
    partials[used++] = p;
    bytes += total;
    add(p, in);
    return in.type = Received.NOTHING;
  }

  private static void add(Partial p, Received in) {
    p.buffer.put(SLOT_HEADER_SIZE + p.filled, in.bytes, in.at + in.start, in.length);
    p.filled += in.length;
    p.fragments++;
  }

  private int finish(int i, Received in) {
    Partial p = partials[i];
    drop(i);
    p.buffer.putShort(SLOT_HEADER_FLAGS_OFFSET, (short) (p.buffer.getShort(SLOT_HEADER_FLAGS_OFFSET) | WHOLE));
    in.bytes = p.buffer;
    in.at = 0;
    in.start = SLOT_HEADER_SIZE;
    in.length = p.total;
    return in.type = Received.MESSAGE;
  }

  /** Drops what cannot end any more, if the place is needed. */
  private boolean makeRoom(long now, int total) {
    if (used < MOST && bytes + total <= MOST_BYTES) {
      return true;
    }
    for (int i = used - 1; i >= 0; i--) {
      if (now - partials[i].began >= r.count) {
        drop(i);
      }
    }
    return used < MOST && bytes + total <= MOST_BYTES;
  }

  private int find(long source0, long source1) {
    for (int i = 0; i < used; i++) {
      if (partials[i].source0 == source0 && partials[i].source1 == source1) {
        return i;
      }
    }
    return -1;
  }

  private void drop(int i) {
    bytes -= partials[i].total;
    partials[i] = partials[--used];
    partials[used] = null;
  }
}
