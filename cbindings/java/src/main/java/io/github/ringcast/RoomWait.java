package io.github.ringcast;

import io.github.ringcast.ring.Producer;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Participants;

/** One call that waits for room: spec/ring.md, 12. For one thread. */
final class RoomWait {
  private static final long SPIN = 20_000;
  private static final long SLEEP = 10_000_000;
  private static final long SHORT = 1_000_000;

  private final Domain domain;
  private final long nanos;
  private final long began = Clock.now();
  private int seen;
  private boolean prepared;

  RoomWait(Domain domain, long nanos) {
    this.domain = domain;
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
    } else if (domain.waiting == Waiting.SPIN || waited < SPIN) {
      Thread.onSpinWait();
    } else if (!prepared) {
      seen = domain.table().doorbell(); // before the look that follows
      producer.sleepBit();
      prepared = true;
    } else {
      Participants table = domain.table();
      table.sleep(seen, Math.min(nanos - waited, producer.impatient() ? SHORT : SLEEP));
      prepared = false;
    }
    return true;
  }
}
