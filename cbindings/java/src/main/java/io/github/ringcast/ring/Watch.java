package io.github.ringcast.ring;

/**
 * Counts running time in steps of at most 10 ms, so that a pause of this machine accuses nobody, and
 * says when the kernel is to be asked who lives. For one thread.
 */
final class Watch {
  private static final long LARGEST_STEP = 10_000_000;
  private static final long FIRST_QUESTION = 1_000_000;
  private static final long NEXT_QUESTION = 5_000_000;

  private long last;
  private long elapsed;
  private long question;

  void start(long now) {
    last = now;
    elapsed = 0;
    question = FIRST_QUESTION;
  }

  /** Counts up to now; returns all that was counted. */
  long step(long now) {
    elapsed += Math.max(0, Math.min(now - last, LARGEST_STEP));
    last = now;
    return elapsed;
  }

  long last() {
    return last;
  }

  long elapsed() {
    return elapsed;
  }

  /** Whether it is time to ask: after 1 ms, then every 5. */
  boolean ask() {
    if (elapsed < question) {
      return false;
    }
    question = elapsed + NEXT_QUESTION;
    return true;
  }
}
