package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.shm.Clock;

/** What a reader does about writers that do not go on: spec/ring.md, 5. For one thread. */
final class Stuck {
  private final Ring r;
  private final Watch watch = new Watch();
  private long at = -1;
  private long[] noted = new long[0];
  private int count;

  Stuck(Ring ring) {
    r = ring;
  }

  /** Looks at position c, which is WRITING; true if that changed something. */
  boolean look(long c) {
    long now = Clock.now();
    if (at != c) {
      note(c);
      watch.start(now);
      return false;
    }
    if (watch.step(now) >= r.shape.commitDeadline()) {
      at = -1;
      return quarantine(c, false);
    }
    return watch.ask() && quarantine(c, true);
  }

  /** Notes all words from c to the tail: a crowd of slow writers costs one deadline. */
  private void note(long c) {
    at = c;
    count = (int) Math.max(1, Math.min(r.tail() - c, r.count));
    if (noted.length < count) {
      noted = new long[r.count];
    }
    for (int i = 0; i < count; i++) {
      noted[i] = r.claim(c + i);
    }
  }

  private boolean quarantine(long c, boolean onlyDead) {
    boolean any = false;
    for (int i = 0; i < count; i++) {
      long word = noted[i];
      if (Claims.state(word) != ClaimState.Writing || Claims.lap(word) != r.lap(c + i) || r.claim(c + i) != word) {
        continue;
      }
      if (onlyDead && r.table.alive(Claims.owner(word))) {
        continue;
      }
      if (r.casClaim(c + i, word, Claims.word(Claims.lap(word), Claims.owner(word), ClaimState.Quarantined))) {
        r.count(RING_CONTROL_QUARANTINED_OFFSET);
        any = true;
      }
    }
    if (any) {
      Wake.readers(r);
      Wake.producers(r);
    }
    return any;
  }
}
