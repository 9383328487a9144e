package io.github.ringcast.shm;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;

/**
 * Atomic access to words of a mapped file. Each is one access of the whole word, at a place that is a
 * multiple of its size. Nothing here blocks, allocates or makes a system call.
 *
 * <p>acquire, release and plain are the buffer's own loads and stores beside a fence, and not a VarHandle's: those can't
 * know at compile time whether a buffer lies in the heap, and look at all of it again each time. A machine of 64 bits loads
 * and stores an aligned long in one piece. All words are little endian, as the buffers are.
 */
public final class Words {
  private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private Words() {}

  public static long acquire(MappedByteBuffer words, int at) {
    long word = words.getLong(at);
    VarHandle.acquireFence();
    return word;
  }

  /** No order but the program's; who calls in a loop has a fence or another access with an order in it. */
  public static long plain(MappedByteBuffer words, int at) {
    return words.getLong(at);
  }

  public static long relaxed(ByteBuffer words, int at) {
    return (long) LONG.getOpaque(words, at);
  }

  public static long sequential(ByteBuffer words, int at) {
    return (long) LONG.getVolatile(words, at);
  }

  public static void release(ByteBuffer words, int at, long value) {
    VarHandle.releaseFence();
    words.putLong(at, value);
  }

  public static void setRelaxed(ByteBuffer words, int at, long value) {
    LONG.setOpaque(words, at, value);
  }

  public static void setSequential(ByteBuffer words, int at, long value) {
    LONG.setVolatile(words, at, value);
  }

  public static boolean cas(ByteBuffer words, int at, long expected, long value) {
    return LONG.compareAndSet(words, at, expected, value);
  }

  public static long add(ByteBuffer words, int at, long value) {
    return (long) LONG.getAndAdd(words, at, value);
  }

  public static long or(ByteBuffer words, int at, long bits) {
    return (long) LONG.getAndBitwiseOr(words, at, bits);
  }

  public static long swap(ByteBuffer words, int at, long value) {
    return (long) LONG.getAndSet(words, at, value);
  }

  public static int intRelaxed(ByteBuffer words, int at) {
    return (int) INT.getOpaque(words, at);
  }

  public static int intSequential(ByteBuffer words, int at) {
    return (int) INT.getVolatile(words, at);
  }

  public static void intSetRelaxed(ByteBuffer words, int at, int value) {
    INT.setOpaque(words, at, value);
  }

  public static void intSetSequential(ByteBuffer words, int at, int value) {
    INT.setVolatile(words, at, value);
  }

  public static int intAdd(ByteBuffer words, int at, int value) {
    return (int) INT.getAndAdd(words, at, value);
  }
}
