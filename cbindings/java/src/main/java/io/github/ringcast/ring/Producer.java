package io.github.ringcast.ring;

import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;

/**
 * One open producer of one ring: claims positions and ends the claims. Nothing here waits or
 * allocates; a system call is made only to ask for a silent partner, or to wake one. For one thread.
 */
public abstract class Producer {
  /** Result of end. */
  public static final int OK = 0;
  /** What claim and end say when they could not; a position is not below 0. */
  public static final int FULL = -1;
  public static final int RETIRED = -2;
  public static final int FENCED = -3;
  public static final int STALLED = -4;
  public static final int NOT_OWNER = -5;

  final Ring r;
  /** All slots, where they lie in one chunk: here, since each field on the way to it is waited for behind a locked instruction (doc/decisions/384). */
  private final MappedByteBuffer whole;
  final Gate gate;
  /** Positions below it may be claimed by the short way: there is room, no slot is lent, and nobody is noted as waiting. */
  long swift;

  Producer(Ring ring) {
    r = ring;
    gate = new Gate(ring);
    whole = ring.chunks.length == 1 ? ring.chunks[0] : null;
  }

  /** A producer for a ring of either kind. Throws if an exclusive one has a living owner; null if it is sealed. */
  public static Producer of(Ring ring) {
    return ring.exclusive ? ExclusiveProducer.take(ring) : new SharedProducer(ring);
  }

  public Ring ring() {
    return r;
  }

  /**
   * Claims the next position and returns it, or FULL, RETIRED, STALLED or NOT_OWNER. At most half as many claims
   * as the ring has slots are open at a time, and they end in order.
   */
  public abstract long claim();

  /** Sends what was claimed at t, whose slot begins at this place of its chunk. OK or FENCED. */
  abstract int commit(long t, ByteBuffer chunk, int at);

  /** Sends a whole message whose bytes are in the slot of t already: offset counts from the slot. OK or FENCED. */
  public final int send(long t, Header h, int offset, int length, int content, int schema) {
    MappedByteBuffer chunk = whole != null ? whole : r.chunk(t);
    int at = r.at(t);
    Outlet.header(chunk, at, h, offset, length, length, 0, Outlet.WHOLE, Outlet.marks(content, schema));
    return commit(t, chunk, at);
  }

  /** Ends a claim: nothing is sent. */
  public abstract void abort(long t);

  /** Whether so many positions could be claimed now. */
  public boolean room(int positions) {
    long last = r.tail() + positions - 1;
    if (gate.room(last)) {
      return true;
    }
    gate.blame(last);
    swift = 0;
    return false;
  }

  /** Says how far the short way goes, behind a claim that looked at everything. */
  final void hurry() {
    swift = gate.free();
  }

  /** Whether a claim has a chance now; blames nobody. */
  public boolean mayClaim() {
    return gate.room(r.tail());
  }

  /** Whether it waits for a slow writer, or has just begun to wait: then it looks again soon. */
  public boolean impatient() {
    return gate.waited() < 1_000_000;
  }

  /** Says that this participant is about to sleep for want of room. */
  public void sleepBit() {
    Wake.room(r);
  }

  /** Gives up what it owns. */
  public void close() { }
}
