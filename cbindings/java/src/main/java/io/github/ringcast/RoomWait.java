package io.github.ringcast;

import io.github.ringcast.ring.Producer;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Participants;

/** One call that waits for room: spec/ring.md, 12. For one thread. */
final class RoomWait {
  /** Looks between two at which the core is given away. */
  private static final int TURN = 64;
  private static final long SLEEP = 10_000_000;
  private static final long SHORT = 1_000_000;

  private final Domain domain;
  private final SpinTime spin;
  private final long nanos;
  private final long began = Clock.now();
  private int seen;
  private boolean prepared;
  /** How far into the wait it slept last. */
  private long rested;
  private int looks;

  RoomWait(Domain domain, SpinTime spin, long nanos) {
    this.domain = domain;
    this.spin = spin;
    this.nanos = nanos;
  }

  /** Waits a moment, to try again behind it; false if the time is up. */
  boolean pause(Producer producer) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("publish: interrupted while waiting for room");
    }
    long waited = Clock.now() - began;
    if (waited >= nanos) {
      return false;
    }
    if (domain.waiting == Waiting.YIELD) {
      Thread.yield();
    } else if (domain.waiting == Waiting.SPIN || waited - rested < spin.nanos()) {
      spin();
    } else if (!prepared) {
      seen = domain.table().doorbell(); // before the look that follows
      producer.sleepBit();
      prepared = true;
    } else {
      Participants table = domain.table();
      long slept = Clock.now();
      table.sleep(seen, Math.min(nanos - waited, producer.impatient() ? SHORT : SLEEP));
      long now = Clock.now();
      spin.learn(now - slept, producer.mayClaim(), false);
      rested = now - began;
      prepared = false;
    }
    return true;
  }

  /** A moment between two looks; once in a while the core is given away: the reader may be who wants it. */
  private void spin() {
    if (++looks % TURN == 0) {
      Thread.yield();
    } else {
      Thread.onSpinWait();
    }
  }
}
