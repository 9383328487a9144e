package io.github.ringcast;

import static io.github.ringcast.fb.Layout.*;

import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.fb.Content;
import io.github.ringcast.ring.Ring;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A slot to be written in place: end it with one commit or abort. Do not touch the buffer afterwards:
 * others read its bytes, and later write there. Writing there late spoils a message; it cannot harm this
 * process.
 *
 * <pre>{@code
 * try (Claim claim = publisher.claim(size)) {
 *   claim.buffer().putLong(price);
 *   claim.commit(8);
 * } // without the commit: aborted
 * }</pre>
 *
 * <p>For the thread of its publisher.
 */
public final class Claim implements AutoCloseable {
  private static final int MOST_KEPT = 1 << 16;

  private final Publisher publisher;
  /** A buffer for each slot that was claimed before; one for all of those beyond, made anew for each. */
  private ByteBuffer[] kept;
  private ByteBuffer beyond;
  private int mask;
  /** Bytes of a slot. */
  private int room;
  private Ring ring;
  /** Below 0: not open. */
  private long position = -1;
  private FlatBufferBuilder builder;
  private final SlotOnly slotOnly = new SlotOnly();

  Claim(Publisher publisher) {
    this.publisher = publisher;
  }

  /** Says in which ring the claims are from now on. */
  void of(Ring r) {
    ring = r;
    room = r.shape().payload();
    mask = r.shape().slots() - 1;
    kept = new ByteBuffer[Math.min(r.shape().slots(), MOST_KEPT)];
    position = -1;
  }

  Claim begin(long t) {
    int slot = (int) t & mask;
    ByteBuffer b = slot < kept.length ? kept[slot] : null;
    if (b == null) {
      b = make(t, slot);
    }
    if (b.position() != 0 || b.limit() != b.capacity()) {
      b.clear();
    }
    position = t;
    return this;
  }

  private ByteBuffer make(long t, int slot) {
    ByteBuffer b = ring.payload(t).order(ByteOrder.LITTLE_ENDIAN);
    if (slot < kept.length) {
      kept[slot] = b;
    } else {
      beyond = b;
    }
    return b;
  }

  /** Returns whether it is still open: neither committed nor aborted. */
  public boolean open() {
    return position >= 0;
  }

  private ByteBuffer check() {
    if (position < 0) {
      throw new RingcastException(Reason.INVALID, "claim in " + publisher.topic() + ": was ended before");
    }
    int slot = (int) position & mask;
    return slot < kept.length ? kept[slot] : beyond;
  }

  /**
   * Returns the slot's payload, little endian, position 0, as large as the slot: write here. Does not
   * allocate for a slot that was claimed before.
   */
  public ByteBuffer buffer() {
    return check();
  }

  /** Returns the position in the ring. */
  public long position() {
    check();
    return position;
  }

  /**
   * Returns a builder that writes a FlatBuffer where it will be read, from the slot's end downwards. A
   * FlatBuffer that outgrows the slot throws TOO_LARGE. Every call returns the same object; does not
   * allocate.
   */
  public FlatBufferBuilder builder() {
    ByteBuffer buffer = check();
    if (builder == null) {
      builder = new FlatBufferBuilder(buffer, slotOnly);
    } else {
      builder.init(buffer, slotOnly);
    }
    return builder;
  }

  private final class SlotOnly extends FlatBufferBuilder.ByteBufferFactory {
    @Override
    public ByteBuffer newByteBuffer(int capacity) {
      throw new RingcastException(Reason.TOO_LARGE, "build in " + publisher.topic() + ": the message needs more than the "
          + publisher.slotSize() + " bytes of a slot: ask for a larger slot size");
    }
  }

  /** Sends the first bytes of the buffer. Throws FENCED if the claim was taken: nothing was sent. Never waits. */
  public void commit(int length) {
    commit(0, length);
  }

  /** Sends bytes of the buffer, from an offset on. */
  public void commit(int offset, int length) {
    commit(offset, length, Content.Raw, 0);
  }

  /** Sends what the builder has finished. */
  public void commit(FlatBufferBuilder finished) {
    commit(finished, 0);
  }

  /** Sends what the builder has finished, with the low half of its schema's hash. */
  public void commit(FlatBufferBuilder finished, int schemaHash) {
    ByteBuffer buffer = check();
    if (finished != builder) {
      throw new RingcastException(Reason.INVALID, "commit in " + publisher.topic() + ": the builder is not this claim's: take it from builder()");
    }
    ByteBuffer done = finished.dataBuffer();
    commit(done.position(), buffer.capacity() - done.position(), Content.FlatBuffer, schemaHash);
  }

  private void commit(int offset, int length, int content, int schemaHash) {
    if (position < 0) {
      check();
    }
    int capacity = room;
    if (offset < 0 || length < 0 || length > capacity - offset) {
      throw new RingcastException(Reason.INVALID, "commit in " + publisher.topic() + ": bytes " + offset + " to " + ((long) offset + length)
          + " of a slot of " + capacity);
    }
    long t = position;
    position = -1;
    if (!publisher.commit(t, offset, length, content, schemaHash)) {
      throw new RingcastException(Reason.FENCED, "commit in " + publisher.topic()
          + ": the claim was held for longer than the commit deadline and was taken: publish again");
    }
  }

  /** Gives the claim up and sends nothing. */
  public void abort() {
    check();
    long t = position;
    position = -1;
    publisher.abort(t);
  }

  /** Aborts the claim if it is still open. */
  @Override
  public void close() {
    if (open()) {
      abort();
    }
  }
}
