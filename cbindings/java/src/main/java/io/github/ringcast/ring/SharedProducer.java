package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.fb.SegmentState;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Words;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;

/** Publishing on a ring of many producers: spec/ring.md, 4. */
final class SharedProducer extends Producer {
  private static final int RETRY = -10;
  private static final int TAIL = Shape.CONTROL + RING_CONTROL_TAIL_OFFSET;

  private final Watch stuckFor = new Watch();
  private boolean stuck;
  private long stuckWord;
  private long stuckPosition;
  private int stepped;
  /** Whether this call has looked behind a quarantined claim: the clock is read once a call. */
  private boolean looked;

  /** Behind what it has claimed: the tail, while nobody else is there. */
  private long reached;

  SharedProducer(Ring ring) {
    super(ring);
  }

  @Override
  public boolean impatient() {
    return stuck || super.impatient();
  }

  @Override
  public long claim() {
    Ring r = this.r; // and its words are loaded once: behind a CAS the compiler loads each again
    MappedByteBuffer w = r.words;
    long t = reached;
    if (t < swift && (Words.acquire(w, SEGMENT_HEADER_STATE_OFFSET) & STATE_MASK) == SegmentState.Ready) { // pairs(seal)
      long lap = r.lap(t);
      int at = r.claimAt(t);
      long word = Words.acquire(w, at); // pairs(commit), pairs(claim)
      if (Claims.lap(word) == lap - 1 && (word & 13) == 0 && Words.cas(w, at, word, Claims.word(lap, r.me, ClaimState.Writing))) { // pairs(claim)
        reached = t + 1;
        VarHandle.releaseFence(); // no store to the slot before the claim
        Words.cas(w, TAIL, t, t + 1); // pairs(tail)
        return t;
      }
    }
    return claimSlowly();
  }

  /** The same from the tail, step by step. */
  private long claimSlowly() {
    if (r.retired()) {
      return RETIRED;
    }
    stepped = 0;
    looked = false;
    // Others may be faster at every step, but not so often unless somebody scribbles.
    for (long tries = 64L * Math.max(r.count, 64); tries > 0; tries--) {
      long t = r.tail();
      long lap = r.lap(t);
      long word = r.claim(t);
      int result;
      if (Claims.lap(word) != lap - 1 || lap >= LAP_LIMIT) {
        result = otherLap(t, lap, word);
      } else if (!gate.room(t)) {
        gate.blame(t);
        return FULL;
      } else if ((word & 13) != 0 || gate.pins != 0 && gate.pinned(t)) {
        result = clear(t, lap, word); // WRITING, QUARANTINED, or lent
      } else if (claims(t, lap, word)) { // pairs(claim)
        VarHandle.releaseFence(); // no store to the slot before the claim
        r.moveTail(t);
        stuck = false;
        hurry();
        return t;
      } else {
        continue;
      }
      if (result != RETRY) {
        return result;
      }
    }
    return STALLED;
  }

  /** The tail never goes back: one that did is what a file without its bytes says. */
  private boolean claims(long t, long lap, long word) {
    if (t < reached) {
      r.control.checkWhole();
    }
    if (!r.casClaim(t, word, Claims.word(lap, r.me, ClaimState.Writing))) {
      return false;
    }
    reached = t + 1;
    return true;
  }

  /** A word of lap L, or of an impossible lap. */
  private int otherLap(long t, long lap, long word) {
    long is = Claims.lap(word);
    if (is == LAP_LIMIT && (t & r.mask) == 0) {
      return t == 0 ? RETIRED : damaged(); // the seal
    }
    if (is == lap && lap < LAP_LIMIT) {
      r.moveTail(t);
      return RETRY;
    }
    return r.tail() != t ? RETRY : damaged();
  }

  private int damaged() {
    r.damage();
    return RETIRED;
  }

  /** What stands in the way at t. */
  private int clear(long t, long lap, long word) {
    int state = Claims.state(word);
    if (state == ClaimState.Writing) {
      if (r.gated && !late(t, word)) {
        return FULL;
      }
      if (r.casClaim(t, word, Claims.word(Claims.lap(word), Claims.owner(word), ClaimState.Quarantined))) {
        r.count(RING_CONTROL_QUARANTINED_OFFSET);
        Wake.readers(r);
      }
      return RETRY;
    }
    if (state > ClaimState.Quarantined) {
      return damaged();
    }
    if (state == ClaimState.Quarantined && !looked) {
      looked = true;
      if (gate.takesBack(t)) {
        return RETRY;
      }
    }
    long next = state == ClaimState.Quarantined ? Claims.word(lap, Claims.owner(word), state) : Claims.word(lap, 0, ClaimState.Hole);
    if (!r.casClaim(t, word, next)) {
      return RETRY;
    }
    r.moveTail(t);
    Wake.readers(r); // who sleeps before a ring full of holes holds us back
    return ++stepped > r.count ? STALLED : RETRY;
  }

  /** Whether the writer at t may be stepped over: slower than the deadline of our own running time, or dead. */
  private boolean late(long t, long word) {
    long now = Clock.now();
    if (!stuck || stuckWord != word || stuckPosition != t) {
      stuck = true;
      swift = 0; // the next claim looks again
      stuckWord = word;
      stuckPosition = t;
      stuckFor.start(now);
      return false;
    }
    if (stuckFor.step(now) >= r.shape.commitDeadline()) {
      return true;
    }
    return stuckFor.ask() && !r.table.alive(Claims.owner(word));
  }

  @Override
  int commit(long t, ByteBuffer chunk, int at) {
    Ring r = this.r;
    MappedByteBuffer w = r.words;
    long lap = r.lap(t);
    long mine = Claims.word(lap, r.me, ClaimState.Writing);
    if (!Words.cas(w, r.claimAt(t), mine, mine ^ ClaimState.Writing ^ ClaimState.Ready)) { // pairs(commit)
      return fenced(t);
    }
    Words.release(chunk, at + SLOT_HEADER_PUBLISHED_OFFSET, lap); // pairs(publish)
    if (Words.sequential(w, Wake.READER_SUMMARY) != 0) { // pairs(reader-mask)
      Wake.readersNow(r);
    }
    return OK;
  }

  @Override
  public void abort(long t) {
    long lap = r.lap(t);
    if (r.casClaim(t, Claims.word(lap, r.me, ClaimState.Writing), Claims.word(lap, 0, ClaimState.Hole))) {
      Wake.readers(r);
    } else {
      fenced(t);
    }
  }

  /** The claim was taken: the slot is free for others once this writer is out of it. */
  private int fenced(long t) {
    for (long word = r.claim(t); Claims.owner(word) == r.me && Claims.state(word) == ClaimState.Quarantined; word = r.claim(t)) {
      if (r.casClaim(t, word, Claims.word(Claims.lap(word), 0, ClaimState.Hole))) {
        break;
      }
    }
    Wake.readers(r);
    return FENCED;
  }
}
