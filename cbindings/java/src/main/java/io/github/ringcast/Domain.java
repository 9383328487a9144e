package io.github.ringcast;

import io.github.ringcast.ring.Recovery;
import io.github.ringcast.ring.Shape;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Counters;
import io.github.ringcast.shm.Kernel;
import io.github.ringcast.shm.Membership;
import io.github.ringcast.shm.Names;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.Place;
import java.nio.charset.StandardCharsets;

/**
 * A domain, and this process in it: one participant.
 *
 * <pre>{@code
 * try (Domain domain = Domain.open();
 *     Publisher prices = domain.publisher("prices")) {
 *   prices.publish("17".getBytes());
 * }
 * }</pre>
 *
 * <p>A process may open several, the same one twice included: they are two participants. Files and
 * locks end with the process, however it ends.
 *
 * <p>Safe for use by several threads. A publisher or a subscription is for one thread at a time;
 * different ones may be used at once.
 */
public final class Domain implements AutoCloseable {
  /** The version of this library; the layout has its own. */
  public static final String VERSION = "0.1.0-dev";

  private static final int LONGEST_NAME = 64;

  private final Membership membership;
  private final Handles handles = new Handles();
  private final Counters counters;
  final Waiting waiting;
  private int open;
  private boolean closed;

  private Domain(Membership membership, Waiting waiting) {
    this.membership = membership;
    counters = new Counters(membership.directory(), membership.table().index());
    this.waiting = waiting;
  }

  /** Joins the default domain. */
  public static Domain open() {
    return open(new DomainConfig());
  }

  /**
   * Joins a domain, makes its directory where it is missing, and takes back what dead participants
   * held. Blocks for up to 200 ms if somebody is removing the same files; allocates; makes system
   * calls.
   */
  public static Domain open(DomainConfig config) {
    if (config.name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
      throw new RingcastException(Reason.INVALID, "name of the participant: at most " + LONGEST_NAME + " bytes");
    }
    Kernel.calls(); // refuses other systems, before anything is made
    Place place = Place.open(config.dir, config.domain, config.mode);
    Membership m = new Membership(place, config.name, VERSION, config.node,
        table -> Recovery.removeUnused(table, place.path), (table, dead) -> Recovery.takeBack(table, place.path, dead));
    return new Domain(m, config.waiting);
  }

  Membership membership() {
    if (closed) {
      throw new RingcastException(Reason.CLOSED, "the domain was closed");
    }
    return membership;
  }

  Participants table() {
    return membership.table();
  }

  Handles handles() {
    return handles;
  }

  String topicPath(String topic) {
    return membership.directory() + "/topics/" + topic;
  }

  synchronized void use(int n) {
    membership();
    open += n;
  }

  synchronized void release() {
    open--;
  }

  /** The domain's directory. */
  public String directory() {
    return membership.directory();
  }

  /** The address of this participant. */
  public Address address() {
    return address(0);
  }

  Address address(int handle) {
    Membership m = membership();
    return new Address(m.node().id(), m.node().epoch(), m.table().generation(), m.table().index(), handle);
  }

  /** Opens a topic for publishing with the ring that is there, or the default one. */
  public Publisher publisher(String topic) {
    return publisher(topic, new PublisherConfig());
  }

  /**
   * Opens a topic for publishing, in the shape asked for, and waits for those who subscribed before:
   * at most a second for the forwarder, if one runs, and 200 ms for subscriptions to patterns. Throws
   * SHAPE if the topic was written in another shape, NOT_EXCLUSIVE if another living publisher owns
   * it. Allocates; makes system calls.
   */
  public Publisher publisher(String topic, PublisherConfig config) {
    Names.checkTopic(topic);
    Shape asked = config.shape();
    use(1);
    boolean opened = false;
    try {
      Publisher p = new Publisher(this, topic, asked, config);
      opened = true;
      return p;
    } finally {
      if (!opened) {
        release();
      }
    }
  }

  /** Subscribes reliably to a topic, or to all topics that match a pattern. */
  public Subscription subscribe(String topic) {
    return subscribe(topic, new SubscriptionConfig());
  }

  /**
   * Subscribes to a topic, making its ring if nobody did, or to all topics that match a pattern: a
   * token {@code *} is any one, a last {@code >} the rest. When it returns, every message that is
   * published from now on comes, or its loss is told. Allocates; makes system calls.
   */
  public Subscription subscribe(String topic, SubscriptionConfig config) {
    Names.checkPattern(topic);
    if (config.group != null && (config.latest || config.history != 0 || Names.isPattern(topic) || !config.group.matches("[A-Za-z0-9_-]{1,32}"))) {
      throw new RingcastException(Reason.INVALID, "queue group \"" + config.group + "\" of " + topic
          + ": want 1 to 32 letters, digits, _ or -, a topic and not a pattern, not latest, no history");
    }
    if (config.history < 0) {
      throw new RingcastException(Reason.INVALID, "history " + config.history + ": want 0 or more");
    }
    use(1);
    boolean opened = false;
    try {
      Subscription s = new Subscription(this, topic, config);
      opened = true;
      return s;
    } finally {
      if (!opened) {
        release();
      }
    }
  }

  /**
   * Opens a counter in a file that tools read while the program runs. The label is a dotted name, a
   * colon, and what it counts, at most 48 bytes of UTF-8; opened again, it is the same counter. At most
   * 256 a domain; the first makes the file.
   */
  public synchronized Counter counter(String label) {
    membership();
    int at = counters.row(label);
    return new Counter(label, counters.words(), at);
  }

  /** Now, on the clock that deadlines are counted by. */
  static long now() {
    return Clock.now();
  }

  /** Leaves. Throws BUSY, and nothing happens, while publishers or subscriptions are open. Twice is fine. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    if (open != 0) {
      throw new RingcastException(Reason.BUSY, "close domain: " + open + " publishers or subscriptions are open: close them first");
    }
    closed = true;
    counters.close();
    membership.close();
  }
}
