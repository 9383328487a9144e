package io.github.ringcast;

import io.github.ringcast.ring.Outlet;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Membership;
import io.github.ringcast.shm.Names;
import io.github.ringcast.shm.Participants;
import java.util.ArrayList;
import java.util.List;

/**
 * What a publisher waits for at its opening, so that its first message reaches those who asked before:
 * spec/messaging.md, 3.
 */
final class Attendance {
  private static final long FORWARDER = 1_000_000_000L;
  private static final long PATTERNS = 200_000_000L;
  private static final long LOOK = 100_000;

  private Attendance() {}

  static void await(Membership m, Outlet outlet, String topic) {
    Participants table = m.table();
    long changes = table.changes();
    long began = Clock.now();
    while (m.node().scanned() - changes < 0 && Clock.now() - began < FORWARDER && m.node().forwarderAlive()) { // pairs(scanned)
      Clock.pause(LOOK);
    }
    List<Integer> missing = new ArrayList<>();
    table.eachLive(i -> {
      if (i != table.index() && m.patterns(i).stream().anyMatch(p -> Names.matches(p, topic))) {
        missing.add(i);
      }
    });
    began = Clock.now();
    missing.removeIf(outlet::names);
    while (!missing.isEmpty() && Clock.now() - began < PATTERNS) {
      missing.removeIf(i -> outlet.names(i) || !table.alive(i));
      Clock.pause(LOOK);
    }
  }
}
