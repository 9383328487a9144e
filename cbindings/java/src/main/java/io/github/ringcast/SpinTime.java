package io.github.ringcast;

import io.github.ringcast.shm.Cores;

/**
 * How long one waiter spins before it sleeps, by recent success. Waking an idle core takes some 20 us of a bare machine and 100 to
 * 200 us of a virtual one, so spinning that long while traffic is recent is what sleeping would cost anyway. For one thread at a time.
 */
final class SpinTime {
  /** Messages that are a backlog. */
  static final int BACKLOG = 8;

  private static final long LEAST = 2_000;
  private static final long MOST = 200_000;
  /** Of one who reads what comes from another node: its forwarder brings messages in batches, and wants the cores that spinning holds. */
  private static final long FAR = 20_000;
  /** A sleep of less tells that spinning longer would have been worth it. */
  private static final long SOON_AGAIN = 100_000;
  /** So does one of less with a backlog behind it: waking alone took longer than many messages. */
  private static final long BACKLOG_SOON = 2 * MOST;

  private long nanos = MOST;

  /** Nanoseconds; none where whom we wait for needs the one processor. */
  long nanos() {
    return Cores.COUNT == 1 ? 0 : nanos;
  }

  /** The same, however many processors there are. */
  long nanosAnywhere() {
    return nanos;
  }

  /** What is read comes from another node. */
  void far() {
    nanos = Math.min(FAR, nanos);
  }

  /** Whether it matters that a backlog is there behind a sleep of so many nanoseconds. */
  static boolean asksForBacklog(long took) {
    return took < BACKLOG_SOON;
  }

  /** Decides from one sleep whether spinning longer would have been worth it: whether something was there behind it, and a backlog. */
  void learn(long took, boolean ready, boolean many) {
    if (took < SOON_AGAIN && ready || took < BACKLOG_SOON && many) {
      nanos = Math.min(MOST, nanos * 2);
    } else {
      nanos = Math.max(LEAST, nanos / 2);
    }
  }
}
