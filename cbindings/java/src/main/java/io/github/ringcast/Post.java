package io.github.ringcast;

import io.github.ringcast.ring.DirectOutlet;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Recovery;
import io.github.ringcast.ring.RingFiles;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.RemoteDirectory;
import io.github.ringcast.shm.RemoteNode;
import io.github.ringcast.shm.Said;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a domain has for direct messages: the inboxes of others that it writes to, its own, the services that it calls, and the
 * watch that sees who has gone. Made at first need. Safe for use by several threads.
 */
final class Post {
  private static final int TRIES = 10;

  final Domain domain;
  final Address self;
  private final Map<Integer, Outbox> mail = new ConcurrentHashMap<>();
  private final Map<Integer, Outbox> replies = new ConcurrentHashMap<>();
  final Services services = new Services(this);
  private final Map<String, Publisher> questions = new ConcurrentHashMap<>();
  /** The handlers that run, to be told when nobody waits for them any more. */
  final Set<Request> running = ConcurrentHashMap.newKeySet();
  final Away away = new Away(this);
  private Desk desk;
  private Departures departures;
  private boolean closed;

  Post(Domain domain) {
    this.domain = domain;
    self = domain.address();
  }

  static RingcastException tooLarge(String where, int size, int room) {
    return new RingcastException(Reason.TOO_LARGE, where + ": " + size + " bytes: it takes at most " + room);
  }

  String servicePath(String name) {
    return domain.directory() + "/services/" + name;
  }

  /** The path of a ring of a participant's inbox. */
  String inboxPath(Address a, boolean ofReplies) {
    return domain.directory() + "/inbox/" + a.index() + "." + Integer.toUnsignedString(a.generation()) + (ofReplies ? ".replies" : ".mail");
  }

  /** Where requests are open; made the first time. */
  synchronized Desk desk() {
    check();
    if (desk == null) {
      desk = new Desk(this);
      domain.table().setInbox();
      watch();
    }
    return desk;
  }

  /** Starts the watch that sees participants go. */
  synchronized void watch() {
    check();
    if (departures == null) {
      departures = new Departures(domain.membership(), this::died, this::review);
    }
  }

  private void check() {
    if (closed) {
      throw new RingcastException(Reason.CLOSED, "the domain was closed");
    }
  }

  /** Whether an address of this node is nobody's any more, as its record says. */
  boolean gone(Address a) {
    if (a.node() != self.node() || a.epoch() != self.epoch()) {
      return a.node() == self.node();
    }
    return !domain.table().present(a.index(), a.generation());
  }

  /** Whether an address of any node is nobody's any more, as far as that is known here. */
  boolean departed(Address a) {
    return away.is(a) ? away.standing(a) != null : gone(a);
  }

  /** Asks the kernel about an address of this node, and recovers it where it is dead. */
  boolean dead(Address a) {
    if (gone(a)) {
      return true;
    }
    if (domain.table().alive(a.index())) {
      return false;
    }
    died(a.index());
    return true;
  }

  private void died(int index) {
    Participants table = domain.table();
    table.recoverOne(index, i -> Recovery.takeBack(table, domain.directory(), i));
  }

  /** Looks at everybody that somebody here depends on. */
  private void review() {
    Desk d;
    synchronized (this) {
      d = desk;
    }
    if (d != null) {
      d.review();
    }
    for (Map<Integer, Outbox> all : List.of(mail, replies)) {
      all.values().removeIf(o -> {
        if (gone(o.address)) {
          o.close();
          return true;
        }
        return false;
      });
    }
    away.tidy();
    running.forEach(Request::look);
  }

  /** Puts a letter into a ring of an inbox, of whatever node. Throws GONE, NO_INBOX, NODE_DOWN, OVERLOADED, TOO_LARGE. */
  void send(Address address, boolean toReplies, Letter l) {
    Address to = new Address(address.node(), address.epoch(), address.generation(), address.index(), 0);
    if (away.is(to)) {
      if (toReplies) {
        away.put(to, l);
      } else {
        away.send(to, l);
      }
      return;
    }
    Map<Integer, Outbox> all = toReplies ? replies : mail;
    for (int i = 0; i < TRIES; i++) {
      Outbox o = all.get(to.index());
      if (o == null || !o.address.equals(to)) {
        o = open(to, inboxPath(to, toReplies), toReplies ? Outbox.Kind.REPLIES : Outbox.Kind.MAIL);
        Outbox old = all.put(to.index(), o);
        if (old != null) {
          old.close();
        }
      }
      if (o.put(l, to)) {
        return;
      }
      if (all.remove(to.index(), o)) {
        o.close();
      }
    }
    throw Codes.refusal(Reason.GONE, to.toString());
  }

  /** Opens a ring of another participant of this node. */
  Outbox open(Address owner, String path, Outbox.Kind kind) {
    if (owner.node() == 0 || owner.generation() == 0 || dead(owner)) {
      throw Codes.refusal(Reason.GONE, owner.toString());
    }
    DirectOutlet outlet = DirectOutlet.ifThere(domain.table(), path, self.word0(), self.word1());
    if (outlet == null || !outlet.seat(owner.index())) {
      if (outlet != null) {
        outlet.close();
      }
      throw Codes.refusal(gone(owner) ? Reason.GONE : Reason.NO_INBOX, owner.toString());
    }
    return new Outbox(this, owner, kind, outlet);
  }

  /** The own publisher of questions on a topic; its owner holds its lock while he publishes. */
  Publisher questions(String topic) {
    return questions.computeIfAbsent(topic, t -> {
      Publisher p = domain.publisher(t);
      domain.own();
      return p;
    });
  }

  Replies survey(String topic, byte[] question, long nanos, int quorum) throws InterruptedException {
    long until = io.github.ringcast.shm.Clock.now() + nanos;
    Publisher p = questions(topic);
    Set<Address> asked = subscribers(topic);
    if (asked.isEmpty()) {
      return new Replies(null, null);
    }
    Desk d = desk();
    Call c = d.begin(until, null, null, true, asked, quorum);
    boolean published = false;
    try {
      d.isSent(c, null, null); // before it is: answers may come at once
      synchronized (p) {
        published = p.ask(d.letter(c, question), nanos);
      }
      if (!published) {
        throw Codes.refusal(Reason.DEADLINE, "survey " + topic);
      }
      return new Replies(d, c);
    } finally {
      if (!published) {
        d.finish(c);
      }
    }
  }

  /** The participants that subscribe to a topic, of this node and, as far as they have told, of others. */
  private Set<Address> subscribers(String topic) {
    Set<Address> asked = new java.util.HashSet<>();
    for (Said s : domain.membership().said()) {
      if (s.interests().stream().anyMatch(i -> i.takes(topic))) {
        asked.add(new Address(self.node(), self.epoch(), s.generation(), s.index(), 0));
      }
    }
    if (domain.membership().node().forwarderAlive()) {
      addElsewhere(topic, asked);
    }
    return asked;
  }

  private void addElsewhere(String topic, Set<Address> asked) {
    RemoteDirectory d = domain.membership().others();
    for (RemoteNode n : d == null ? List.<RemoteNode>of() : d.nodes()) {
      for (RemoteNode.Row r : n.participants()) {
        if (r.said().interests().stream().anyMatch(i -> !i.localOnly() && i.takes(topic))) {
          asked.add(new Address(n.node(), n.epoch(), r.said().generation(), r.said().index(), 0));
        }
      }
    }
  }

  /** Refuses a name that is in use as another kind than it is opened as. */
  static void checkKind(Domain domain, String name, boolean service) {
    String path = domain.directory() + (service ? "/topics/" : "/services/") + name;
    if (java.nio.file.Files.exists(java.nio.file.Path.of(path + ".ctl")) && RingFiles.used(domain.table(), path)) {
      throw new RingcastException(Reason.NAME_KIND, name + " is a " + (service ? "topic" : "service")
          + " here: choose another name, or end all who use it");
    }
  }

  void close() {
    Departures watch;
    Desk open;
    synchronized (this) {
      closed = true;
      watch = departures;
      open = desk;
    }
    if (watch != null) {
      watch.close();
    }
    if (open != null) {
      open.close(); // takes back what is open, by the services' rings and the uplink
    }
    questions.values().forEach(Publisher::close);
    mail.values().forEach(Outbox::close);
    replies.values().forEach(Outbox::close);
    services.close();
    away.close();
  }
}
