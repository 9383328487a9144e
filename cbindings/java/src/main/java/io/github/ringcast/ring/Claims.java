package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

/** The bits of claim words: lap 44, owner 16, state 4. */
final class Claims {
  private Claims() {}

  static long word(long lap, int owner, int state) {
    return lap << OWNER_BITS + STATE_BITS | (long) owner << STATE_BITS | state;
  }

  static long lap(long word) {
    return word >>> OWNER_BITS + STATE_BITS;
  }

  static int owner(long word) {
    return (int) (word >>> STATE_BITS) & 0xffff;
  }

  static int state(long word) {
    return (int) word & STATE_MASK;
  }
}
