package io.github.ringcast;

import io.github.ringcast.shm.Bells;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Info;
import io.github.ringcast.shm.Names;
import io.github.ringcast.shm.Said;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;

/**
 * Who is there on this node and then, each change once, who comes and goes: spec/messaging.md, 12. The present state comes first,
 * this process included. A death is told at once, anything else within 40 ms, or a second where it was told by a program that
 * does not ring. What comes and goes again between two looks is not told.
 *
 * <p>For one thread, its close included.
 */
public final class Watch implements AutoCloseable {
  private static final Comparator<PresenceEvent> ORDER = Comparator.comparingInt((PresenceEvent e) -> e.address().index())
      .thenComparingInt(e -> e.address().generation()).thenComparing(PresenceEvent::kind).thenComparing(PresenceEvent::name);

  private final Domain domain;
  private final WatchConfig config;
  private final Bells bells;
  private final Queue<PresenceEvent> events = new ArrayDeque<>();
  private final Set<Integer> dead = new HashSet<>();
  private Map<Key, PresenceEvent> before = Map.of();
  private boolean first = true;
  private boolean closed;

  /** What makes one thing: a name that a participant says twice is said once. */
  private record Key(PresenceKind kind, Address address, String name) { }

  Watch(Domain domain, WatchConfig config) {
    this.domain = domain;
    this.config = config;
    domain.post().watch(); // sees deaths also while nobody asks here
    bells = new Bells(domain.table(), domain.directory());
    bells.look(dead::add);
    look();
  }

  /** Waits for the next event without end. An interrupt is noticed within 100 ms. */
  public PresenceEvent next() throws InterruptedException {
    return next(Long.MAX_VALUE);
  }

  /** Waits for the next event up to so many nanoseconds; null if none came. 0 looks once. Allocates; makes system calls. */
  public PresenceEvent next(long nanos) throws InterruptedException {
    long began = Clock.now();
    for (;;) {
      if (closed) {
        throw new RingcastException(Reason.CLOSED, "watch: it was closed");
      }
      PresenceEvent e = events.poll();
      if (e != null) {
        return e;
      }
      if (Thread.interrupted()) {
        throw new InterruptedException("watch: interrupted");
      }
      long left = nanos - (Clock.now() - began);
      boolean news = left > 0 ? bells.await(left, dead::add) : bells.look(dead::add);
      if (news) {
        look();
      }
      if (left <= 0) {
        return events.poll();
      }
    }
  }

  /** Reads who is there, and notes what is different. */
  private void look() {
    Map<Key, PresenceEvent> now = new LinkedHashMap<>();
    for (Said s : domain.membership().said(dead::add)) {
      Address a = new Address(domain.address().node(), domain.address().epoch(), s.generation(), s.index(), 0);
      if (s.readable()) {
        add(now, a, s);
      } else { // somebody writes it, or scribbled over it: what it said before stays
        before.forEach((k, e) -> {
          if (k.address().equals(a)) {
            now.put(k, e);
          }
        });
      }
    }
    List<PresenceEvent> down = new ArrayList<>();
    List<PresenceEvent> up = new ArrayList<>();
    before.forEach((k, e) -> {
      if (!now.containsKey(k)) {
        down.add(new PresenceEvent(e.kind(), false, false, dead.contains(k.address().index()) || domain.post().diedHere(k.address()), e.name(), e.program(), e.address(), e.limit()));
      }
    });
    now.forEach((k, e) -> {
      if (!before.containsKey(k)) {
        up.add(e);
      }
    });
    down.sort(ORDER.reversed()); // what a process did before the process
    up.sort(ORDER);
    events.addAll(down);
    events.addAll(up);
    before = now;
    first = false;
    dead.clear();
  }

  private void add(Map<Key, PresenceEvent> now, Address a, Said s) {
    add(now, PresenceKind.PARTICIPANT, s.name(), s, a, 0);
    for (Info.Want w : s.interests()) {
      add(now, w.publisher() ? PresenceKind.PUBLISHER : PresenceKind.SUBSCRIBER, w.name(), s, a, 0);
    }
    for (Said.Serves v : s.services()) {
      add(now, PresenceKind.INSTANCE, v.name(), s, a, v.limit());
    }
  }

  private void add(Map<Key, PresenceEvent> now, PresenceKind kind, String name, Said s, Address a, int limit) {
    boolean wanted = config.kinds.contains(kind)
        && (kind == PresenceKind.PARTICIPANT || config.name == null || Names.overlap(config.name, name));
    if (wanted) {
      now.put(new Key(kind, a, name), new PresenceEvent(kind, true, first, false, name, s.name(), a, limit));
    }
  }

  /** Ends it. Twice is fine. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      bells.close();
      domain.release();
    }
  }
}
