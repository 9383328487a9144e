package io.github.ringcast.ring;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a reader found: a message where it lies, or an event. One object is used again and again; its
 * fields are the reader's to write. For one thread.
 */
public final class Received {
  /** Nothing was found. */
  public static final int NOTHING = 0;
  /** A message, or a fragment of one: the bytes begin with its slot's header. */
  public static final int MESSAGE = 1;
  /** {@link #count} positions from {@link #first} on passed this reader by. */
  public static final int LAGGED = 2;
  /** The slot at {@link #first} has impossible bytes. */
  public static final int DAMAGED = 3;
  /** The ring was given up and nothing is left in it: open the name again. */
  public static final int ENDED = 4;
  /** The taker of a message of a queue group died with it in hand. */
  public static final int ABANDONED = 5;

  public int type;
  public ByteBuffer bytes;
  /** Where the slot's header begins in bytes. */
  public int at;
  /** Where the payload begins, counted from {@link #at}. */
  public int start;
  public int length;
  public long position;
  public long first;
  public long last;
  public long count;
  /** Of ABANDONED: the message's source and its taker, as words of addresses. */
  public long source0;
  public long source1;
  public long taker0;
  public long taker1;

  /** Another one of the same message, whose bytes are these, or a copy of them that nobody writes to. Allocates. */
  public Received another(boolean copied) {
    Received r = new Received();
    r.type = type;
    r.position = position;
    r.start = start;
    r.length = length;
    r.bytes = bytes;
    r.at = at;
    if (copied) {
      r.bytes = ByteBuffer.allocate(start + length).order(ByteOrder.LITTLE_ENDIAN).put(0, bytes, at, start + length);
      r.at = 0;
    }
    return r;
  }

  /** A message that lies there. */
  int message(ByteBuffer chunk, int slot, int from, int size, long of) {
    if (bytes != chunk) {
      bytes = chunk; // a reference costs more than a number, and seldom changes
    }
    at = slot;
    start = from;
    length = size;
    position = of;
    return type = MESSAGE;
  }

  int lagged(long from, long to) {
    type = LAGGED;
    first = from;
    last = to - 1;
    count = to - from;
    position = to;
    return LAGGED;
  }
}
