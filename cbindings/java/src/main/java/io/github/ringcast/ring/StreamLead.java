package io.github.ringcast.ring;

/**
 * The lead that a reader gives to the producers of a stream, so that lines pass through the cache that both cores share, and not from
 * core to core: ring/lead.go, doc/decisions/405. Makes no system call and allocates nothing. For its reader's thread.
 */
public final class StreamLead {
  private static final int LEASE = 64;
  private static final int BYTES = 256 << 10;
  private static final int MOST = 512 << 10;
  private static final int LOOKS = 200;
  /** Messages without a look that found nothing. */
  private static final int STREAM = 16;
  /** Messages that come meanwhile, or it was in vain. */
  private static final int LEAST = 8;
  /** Leases without a wait behind several in vain, at most. */
  static final int RESTS = 64;

  private final Ring r;
  private final int positions;
  private int rests;
  private int vain;

  StreamLead(Ring ring) {
    r = ring;
    positions = Math.min(Math.min(LEASE + BYTES / r.stride, MOST / r.stride), r.count / 4);
  }

  /** How many positions it is; 0 where the ring is too small. */
  public int positions() {
    return positions;
  }

  /** For how many leases the last wait in vain lets it rest; 0: it was not in vain. */
  public int vain() {
    return vain;
  }

  /**
   * Before a lease from c on, so many messages behind a look that found nothing: waits, a few microseconds at most, until the producers
   * are ahead. Where that brings nothing (they sleep, are done, wait for our answers or for our core) it rests for some leases, for
   * twice as many each time.
   */
  void give(long c, long sinceEmpty) {
    if (sinceEmpty < STREAM || positions == 0) {
      return;
    }
    if (rests > 0) {
      rests--;
    } else if (comes(c + positions - 1)) {
      vain = 0;
    } else {
      vain = Math.min(Math.max(2 * vain, 1), RESTS);
      rests = vain;
    }
  }

  /** Whether the message at c comes, or others do meanwhile. It looks at one line, which is written once. */
  private boolean comes(long c) {
    long lap = r.lap(c);
    if (r.published(c) == lap) { // pairs(publish)
      return true;
    }
    long tail = r.tail(); // pairs(tail)
    for (int i = 0; i < LOOKS; i++) {
      Thread.onSpinWait();
      if (r.published(c) == lap) { // pairs(publish)
        return true;
      }
    }
    return r.tail() - tail >= LEAST; // pairs(tail)
  }
}
