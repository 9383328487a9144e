package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.shm.Words;
import java.lang.invoke.VarHandle;

/** Publishing on a ring of one producer at a time: spec/ring.md, 10. */
final class ExclusiveProducer extends Producer {
  private static final int FLAGS = Shape.CONTROL + RING_CONTROL_OWNER_FLAGS_OFFSET;
  private final long owner;
  /** Claims begun and not ended; the oldest open one bounds what may be begun. */
  private long open = Long.MAX_VALUE;

  private ExclusiveProducer(Ring ring, long word) {
    super(ring);
    owner = word;
  }

  /** Takes the ring from nobody or from the dead; null if it is sealed. */
  static ExclusiveProducer take(Ring r) {
    for (;;) {
      long word = r.owner();
      long low = word & 0xffffffffL;
      if (low == OWNER_SEALED) { // pairs(seal)
        return null;
      }
      if (low != 0 && r.table.alive((int) low - 1)) {
        throw new RingcastException(Reason.NOT_EXCLUSIVE, r.control.path() + ": an exclusive topic, which participant "
            + (low - 1) + " of this node owns: one publisher at a time");
      }
      long mine = (word >>> 32) + 1 << 32 | r.me + 1L;
      if (r.casOwner(word, mine)) { // pairs(exclusive)
        ExclusiveProducer p = new ExclusiveProducer(r, mine);
        Words.setSequential(r.words, FLAGS, 0); // pairs(reader-mask): this producer fences by itself
        p.endOpenPositions();
        return p;
      }
    }
  }

  /** What a dead owner began and did not publish is stepped over. */
  private void endOpenPositions() {
    long tail = r.tail();
    for (long t = Math.max(0, tail - r.count); t < tail; t++) {
      long now = r.published(t);
      long lap = r.lap(t);
      if (now != lap && now != (lap | Ring.PAD)) {
        Words.release(r.chunk(t), r.at(t) + SLOT_HEADER_PUBLISHED_OFFSET, lap | Ring.PAD); // pairs(publish)
      }
    }
    VarHandle.fullFence();
    Wake.readers(r);
  }


  @Override
  public int claim() {
    for (int stepped = 0; stepped <= r.count; stepped++) {
      if (r.retired()) {
        return RETIRED;
      }
      if (r.owner() != owner) {
        return NOT_OWNER;
      }
      long t = r.tail();
      if (r.lap(t) >= LAP_LIMIT) {
        r.damage();
        return RETIRED;
      }
      if (open <= t - r.count) {
        return FULL; // a claim of our own
      }
      if (!gate.room(t)) {
        gate.blame(t);
        return FULL;
      }
      Words.release(r.words, Shape.CONTROL + RING_CONTROL_TAIL_OFFSET, t + 1); // pairs(tail)
      VarHandle.releaseFence(); // no store to the slot before it
      if (gate.pins == 0 || !gate.pinned(t)) {
        open = Math.min(open, t);
        return claimed(t);
      }
      publish(t, r.lap(t) | Ring.PAD);
    }
    return STALLED;
  }

  private void publish(long t, long value) {
    Words.setSequential(r.chunk(t), r.at(t) + SLOT_HEADER_PUBLISHED_OFFSET, value); // pairs(publish), before the look at the mask
    Wake.readers(r);
  }

  @Override
  public int end(long t, boolean commit) {
    publish(t, commit ? r.lap(t) : r.lap(t) | Ring.PAD);
    open = t + 1 >= r.tail() ? Long.MAX_VALUE : t + 1; // claims are ended in order
    return OK;
  }

  @Override
  public void close() {
    r.casOwner(owner, owner >>> 32 << 32); // pairs(exclusive)
  }
}
