package io.github.ringcast;

import io.github.ringcast.shm.Words;
import java.nio.ByteBuffer;

/**
 * A counter in a file that tools read while the program runs. It still counts after its domain was closed,
 * but nobody sees that. Safe for use by several threads.
 */
public final class Counter {
  private final String label;
  private final ByteBuffer words;
  private final int at;

  Counter(String label, ByteBuffer words, int at) {
    this.label = label;
    this.words = words;
    this.at = at;
  }

  /** Adds n. One locked instruction. */
  public void add(long n) {
    Words.add(words, at, n);
  }

  /** Adds 1. */
  public void increment() {
    add(1);
  }

  /** Returns its present value. */
  public long value() {
    return Words.relaxed(words, at);
  }

  /** Returns the label that it was opened with. */
  public String label() {
    return label;
  }

  @Override
  public String toString() {
    return label + " = " + value();
  }
}
