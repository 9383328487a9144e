package io.github.ringcast;

import io.github.ringcast.fb.Ending;
import io.github.ringcast.shm.Bells;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Info;
import io.github.ringcast.shm.Names;
import io.github.ringcast.shm.RemoteDirectory;
import io.github.ringcast.shm.RemoteNode;
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
 * Who is there, and then who comes and goes, each change once: spec/messaging.md, 12. The present state
 * comes first, this process included. Of other nodes it tells what their forwarders tell this node's. A
 * death is told at once, anything else within 40 ms, or a second if it was told by a program that does not
 * ring. What comes and goes again between two looks is not told.
 *
 * <p>For one thread, its close included.
 */
public final class Watch implements AutoCloseable {
  private static final Comparator<PresenceEvent> ORDER = Comparator.comparingInt((PresenceEvent e) -> e.address().node())
      .thenComparingInt(e -> e.address().epoch()).thenComparingInt(e -> e.address().index()).thenComparingInt(e -> e.address().generation()).thenComparing(PresenceEvent::kind).thenComparing(PresenceEvent::name);

  private final Domain domain;
  private final WatchConfig config;
  private final Bells bells;
  private final Queue<PresenceEvent> events = new ArrayDeque<>();
  private final Set<Integer> dead = new HashSet<>();
  private Map<Key, PresenceEvent> before = Map.of();
  private boolean first = true;
  /** Of the last look. */
  private boolean forwarder;
  private RemoteDirectory others;
  private boolean closed;

  /** What makes one thing: a name that a participant says twice is said once. */
  private record Key(PresenceKind kind, Address address, String name) { }

  Watch(Domain domain, WatchConfig config) {
    this.domain = domain;
    this.config = config;
    domain.post().watch(); // sees deaths also while nobody asks here
    bells = new Bells(domain.table(), domain.directory(), domain.membership()::othersVersion);
    try {
      bells.look(dead::add);
      look();
    } catch (RuntimeException e) {
      bells.close();
      throw e;
    }
  }

  /** Waits for the next event without end. An interrupt is noticed within 100 ms. */
  public PresenceEvent next() throws InterruptedException {
    return next(Long.MAX_VALUE);
  }

  /** Waits for the next event, up to nanos nanoseconds; null if none came. 0 looks once. Allocates; makes system calls. */
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
    forwarder = domain.membership().node().forwarderAlive();
    if (forwarder) {
      addRemote(now);
    }
    List<PresenceEvent> down = new ArrayList<>();
    List<PresenceEvent> up = new ArrayList<>();
    before.forEach((k, e) -> {
      if (!now.containsKey(k)) {
        down.add(new PresenceEvent(e.kind(), false, false, reason(k.address()), e.name(), e.program(), e.address(), e.limit()));
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

  private void addRemote(Map<Key, PresenceEvent> now) {
    RemoteDirectory d = domain.membership().others();
    if (d == null) { // being written, for long: what it said before stays
      before.forEach((k, e) -> {
        if (domain.post().away.is(k.address())) {
          now.put(k, e);
        }
      });
      return;
    }
    others = d;
    d.nodes().forEach(n -> addNode(now, n));
  }

  private void addNode(Map<Key, PresenceEvent> now, RemoteNode n) {
    Address node = new Address(n.node(), n.epoch(), 0, 0, 0);
    add(now, PresenceKind.NODE, n.name(), n.name(), node, 0);
    Set<String> listed = new HashSet<>();
    boolean partial = false;
    for (RemoteNode.Row r : n.participants()) {
      Said s = r.said();
      partial |= r.partial();
      s.interests().stream().filter(w -> !w.publisher()).forEach(w -> listed.add(w.name()));
      add(now, new Address(n.node(), n.epoch(), s.generation(), s.index(), 0), s);
    }
    for (String want : n.wants()) {
      if (partial && !listed.contains(want)) { // somebody there subscribes to it, and is not told of
        add(now, PresenceKind.SUBSCRIBER, want, n.name(), node, 0);
      }
    }
  }

  /** Why what had an address is gone. */
  private PresenceReason reason(Address a) {
    Address self = domain.post().self;
    if (a.node() == self.node() && a.epoch() == self.epoch()) {
      int ending = domain.table().ending(a.index(), a.generation()); // as the record tells, whoever freed it
      boolean died = ending == Ending.Died || ending == Ending.None && dead.contains(a.index());
      return died ? PresenceReason.DIED : PresenceReason.LEFT;
    }
    if (!forwarder || others == null) {
      return PresenceReason.NO_FORWARDER;
    }
    RemoteNode n = others.node(a.node());
    if (n == null || n.epoch() != a.epoch()) {
      return others.saidGoodbye(a.node(), a.epoch()) ? PresenceReason.NODE_LEFT : PresenceReason.NODE_DOWN;
    }
    boolean died = n.departed().stream().anyMatch(d -> d.died() && d.index() == a.index() && d.generation() == a.generation());
    return died ? PresenceReason.DIED : PresenceReason.LEFT;
  }

  private void add(Map<Key, PresenceEvent> now, Address a, Said s) {
    add(now, PresenceKind.PARTICIPANT, s.name(), s.name(), a, 0);
    for (Info.Want w : s.interests()) {
      add(now, w.publisher() ? PresenceKind.PUBLISHER : PresenceKind.SUBSCRIBER, w.name(), s.name(), a, 0);
    }
    for (Said.Serves v : s.services()) {
      add(now, PresenceKind.INSTANCE, v.name(), s.name(), a, v.limit());
    }
  }

  private void add(Map<Key, PresenceEvent> now, PresenceKind kind, String name, String program, Address a, int limit) {
    boolean wanted = config.kinds.contains(kind)
        && (kind.compareTo(PresenceKind.PARTICIPANT) <= 0 || config.name == null || Names.overlap(config.name, name));
    if (wanted) {
      now.put(new Key(kind, a, name), new PresenceEvent(kind, true, first, null, name, program, a, limit));
    }
  }

  /** Ends the watch. Closing twice is fine. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      bells.close();
      domain.release();
    }
  }
}
