package io.github.ringcast.shm;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Atomic access to words of a mapped file. Each is one access of the whole word, at a place that is a
 * multiple of its size. Nothing here blocks, allocates or makes a system call.
 */
public final class Words {
  private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private Words() {}

  public static long acquire(ByteBuffer words, int at) {
    return (long) LONG.getAcquire(words, at);
  }

  public static long relaxed(ByteBuffer words, int at) {
    return (long) LONG.getOpaque(words, at);
  }

  public static long sequential(ByteBuffer words, int at) {
    return (long) LONG.getVolatile(words, at);
  }

  public static void release(ByteBuffer words, int at, long value) {
    LONG.setRelease(words, at, value);
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
