package io.github.ringcast;

import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Cores;
import io.github.ringcast.shm.Participants;

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

  /** Spinning begins with so many nanoseconds in which the core is kept. */
  private static final long HOT = 3_000;
  /** Who was away for longer than it would spin, giving way, does not give way in so many of the next waits. */
  private static final int BUSY = 64;

  private long nanos = MOST;
  /** Since way was given last. */
  private boolean slept;
  private int busy;

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
    slept = true;
    if (took < SOON_AGAIN && ready || took < BACKLOG_SOON && many) {
      nanos = Math.min(MOST, nanos * 2);
    } else {
      nanos = Math.max(LEAST, nanos / 2);
    }
  }

  /**
   * A moment between two looks of a wait that has spun for so many nanoseconds and may sleep. The system may have put whom we
   * woke on our core, or us on the core of who woke us and waits for our answer: it would stay there until our spinning is over.
   * So behind a waking the core is given up once.
   */
  void pause(long spun) {
    if (spun < HOT || !givesWay()) {
      Thread.onSpinWait();
      return;
    }
    long before = Clock.now();
    Thread.yield();
    gaveWay(Clock.now() - before);
  }

  /** Whether to give the core up: once behind a sleep, and behind waking somebody, unless others keep it. */
  boolean givesWay() {
    boolean woke = Participants.hasWoken();
    if (!slept && !woke) {
      return false;
    }
    slept = false;
    if (busy > 0) {
      busy--;
      return false;
    }
    return true;
  }

  /** Learns from giving way, which took so many nanoseconds. */
  void gaveWay(long took) {
    busy = took > MOST ? BUSY : 0;
  }
}
