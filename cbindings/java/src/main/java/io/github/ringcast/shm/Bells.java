package io.github.ringcast.shm;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;

/**
 * Watches the bells of all participants of a node: spec/segment.md, 5. A bell that hangs up makes a death known at once; the
 * kernel's lock is the truth. Who has just come, and what others say of themselves, is seen by a look at the table every 40 ms,
 * which makes no system call where nothing is new. For one thread.
 */
public final class Bells implements AutoCloseable {
  private static final int LOOK_MS = 40;
  /** How soon those without a bell are asked about. */
  private static final int DEAF_MS = 5;
  private static final long ALL = 1_000_000_000;

  private final Participants table;
  private final String directory;
  private final Map<Integer, Bell> bells = new TreeMap<>();
  /** Changes with what is known of other nodes. */
  private final LongSupplier others;
  private long seen = -1;
  private long seenOthers;
  private long askedAll;

  private static final class Bell {
    final int generation;
    /** Below 0: it could not be had, or has hung up: the kernel is asked. */
    int fd;

    Bell(int generation, int fd) {
      this.generation = generation;
      this.fd = fd;
    }

    void close() {
      if (fd >= 0) {
        Kernel.closeFile(fd);
        fd = -1;
      }
    }
  }

  public Bells(Participants table, String directory, LongSupplier others) {
    this.others = others;
    this.table = table;
    this.directory = directory;
  }

  /** Waits at most so long, and 40 ms; died is told of each participant that ended without leaving. True: something changed. */
  public boolean await(long nanos, IntConsumer died) {
    List<Bell> heard = new ArrayList<>();
    bells.values().stream().filter(b -> b.fd >= 0).forEach(heard::add);
    int millis = heard.size() < bells.size() ? DEAF_MS : LOOK_MS;
    millis = (int) Math.min(millis, nanos / 1_000_000 + 1);
    boolean[] hungUp = Kernel.awaitHangUp(heard.stream().mapToInt(b -> b.fd).toArray(), millis);
    for (int i = 0; i < hungUp.length; i++) {
      if (hungUp[i]) {
        heard.get(i).close();
      }
    }
    return look(died);
  }

  /** Looks at the table once. */
  public boolean look(IntConsumer died) {
    long changes = table.changes();
    long elsewhere = others.getAsLong();
    boolean changed = changes != seen || elsewhere != seenOthers;
    seen = changes;
    seenOthers = elsewhere;
    long now = Clock.now();
    boolean all = now - askedAll > ALL;
    if (all) {
      askedAll = now;
      changed = true; // who does not ring is seen within a second
    }
    for (int i = 0; i < table.count(); i++) {
      changed |= look(i, all, died);
    }
    return changed;
  }

  private boolean look(int i, boolean ask, IntConsumer died) {
    long state = table.state(i);
    Bell bell = bells.get(i);
    boolean changed = false;
    if (bell != null && (!Participants.live(state) || bell.generation != (int) (state >>> 32))) {
      bells.remove(i).close();
      bell = null;
      changed = true;
    }
    if (!Participants.live(state) || i == table.index()) {
      return changed;
    }
    if (bell == null) {
      int fd = Kernel.openFile(directory + "/live/" + i, Kernel.O_RDONLY | Kernel.O_NONBLOCK | Kernel.O_NOFOLLOW, 0);
      bell = new Bell((int) (state >>> 32), Math.max(fd, -1));
      bells.put(i, bell);
      changed = true;
      ask = true;
    }
    if ((ask || bell.fd < 0) && table.dead(i, state)) {
      died.accept(i);
      return true;
    }
    return changed;
  }

  @Override
  public void close() {
    bells.values().forEach(Bell::close);
    bells.clear();
  }
}
