package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.SegmentState;
import io.github.ringcast.shm.Kernel;
import io.github.ringcast.shm.Words;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;

/** Publishing on a ring of one producer at a time: spec/ring.md, 10. */
final class ExclusiveProducer extends Producer {
  private static final int FLAGS = Shape.CONTROL + RING_CONTROL_OWNER_FLAGS_OFFSET;
  private static final int OWNER = Shape.CONTROL + RING_CONTROL_OWNER_OFFSET;
  private static final int TAIL = Shape.CONTROL + RING_CONTROL_TAIL_OFFSET;
  private final long owner;
  /** Who goes to sleep fences for this producer. */
  private final boolean unfenced;
  /** The tail, which nobody else moves. */
  private long next;

  private ExclusiveProducer(Ring ring, long word, boolean unfenced) {
    super(ring);
    owner = word;
    this.unfenced = unfenced;
  }

  /** Takes the ring from nobody or from the dead; null if it is sealed. */
  static ExclusiveProducer take(Ring r) {
    boolean unfenced = Kernel.registersForMembarrier(); // may take long, also if we are killed: not while others wait for the owner
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
        ExclusiveProducer p = new ExclusiveProducer(r, mine, unfenced);
        Words.setSequential(r.words, FLAGS, unfenced ? 1 : 0); // pairs(reader-mask): before anything is published
        p.next = p.endOpenPositions();
        return p;
      }
    }
  }

  /** What a dead owner began and did not publish is stepped over. */
  private long endOpenPositions() {
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
    return tail;
  }

  @Override
  public long claim() {
    MappedByteBuffer w = r.words;
    long t = next;
    if (t >= swift || (Words.plain(w, SEGMENT_HEADER_STATE_OFFSET) & STATE_MASK) != SegmentState.Ready || Words.plain(w, OWNER) != owner) {
      return claimSlowly();
    }
    next = t + 1;
    Words.release(w, TAIL, t + 1); // pairs(tail)
    VarHandle.releaseFence(); // no store to the slot before it
    return t;
  }

  /** The same step by step. */
  private long claimSlowly() {
    for (int stepped = 0; stepped <= r.count; stepped++) {
      if (r.retired()) {
        return RETIRED;
      }
      if (r.owner() != owner) {
        return NOT_OWNER;
      }
      long t = next;
      if (t < 0 || r.lap(t) >= LAP_LIMIT) {
        r.damage();
        return RETIRED;
      }
      if (!gate.room(t)) {
        gate.blame(t);
        return FULL;
      }
      next = t + 1;
      Words.release(r.words, TAIL, t + 1); // pairs(tail)
      VarHandle.releaseFence(); // no store to the slot before it
      if (gate.pins == 0 || !gate.pinned(t)) {
        hurry();
        return t;
      }
      pad(t);
    }
    return STALLED;
  }

  private void pad(long t) {
    Words.setSequential(r.chunk(t), r.at(t) + SLOT_HEADER_PUBLISHED_OFFSET, r.lap(t) | Ring.PAD); // pairs(publish)
    Wake.readers(r);
  }

  @Override
  int commit(long t, ByteBuffer chunk, int at) {
    if (!unfenced) {
      Words.setSequential(chunk, at + SLOT_HEADER_PUBLISHED_OFFSET, r.lap(t)); // pairs(publish), before the look at the mask
      Wake.readers(r);
      return OK;
    }
    Words.release(chunk, at + SLOT_HEADER_PUBLISHED_OFFSET, r.lap(t)); // pairs(publish)
    VarHandle.releaseFence(); // for the compiler alone: a sleeper's membarrier is no help where the look comes first
    if (Words.plain(r.words, Wake.READER_SUMMARY) != 0) { // pairs(reader-mask)
      Wake.readersNow(r);
    }
    return OK;
  }

  @Override
  public void abort(long t) {
    pad(t);
  }

  @Override
  public void close() {
    r.casOwner(owner, owner >>> 32 << 32); // pairs(exclusive)
  }
}
