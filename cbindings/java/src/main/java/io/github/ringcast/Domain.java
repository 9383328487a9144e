package io.github.ringcast;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.ring.Recovery;
import io.github.ringcast.ring.Shape;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Counters;
import io.github.ringcast.shm.Kernel;
import io.github.ringcast.shm.Membership;
import io.github.ringcast.shm.Names;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.Place;
import io.github.ringcast.shm.RemoteDirectory;
import java.nio.charset.StandardCharsets;
import java.util.List;

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
 * <p>A process may open several domains, or one twice: each is another participant. Files and locks end
 * with the process, however it ends.
 *
 * <p>Safe for use by several threads. A publisher or a subscription is for one thread at a time; different
 * ones may be used at once.
 */
public final class Domain implements AutoCloseable {
  /** The version of this library; the layout has its own. */
  public static final String VERSION = "0.1.0-dev";

  private static final int LONGEST_NAME = 64;
  private static final int MOST_IN_FLIGHT = 3 << 14;

  private final Membership membership;
  private final Handles handles = new Handles();
  private final Counters counters;
  final Waiting waiting;
  final int inFlight;
  private final int inboxSlotSize;
  private Post post;
  private int open;
  /** Of those, publishers of questions that nobody but the domain itself knows. */
  private int own;
  private boolean closed;

  private Domain(Membership membership, DomainConfig config) {
    this.membership = membership;
    counters = new Counters(membership.directory(), membership.table().index());
    waiting = config.waiting;
    inFlight = config.inFlight;
    inboxSlotSize = config.inboxSlotSize;
  }

  /** Joins the default domain. */
  public static Domain open() {
    return open(new DomainConfig());
  }

  /**
   * Joins a domain, makes its directory if it is missing, and takes back what dead participants held.
   * Blocks for up to 200 ms if somebody is removing the same files; allocates; makes system calls.
   */
  public static Domain open(DomainConfig config) {
    if (config.name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
      throw new RingcastException(Reason.INVALID, "name of the participant: at most " + LONGEST_NAME + " bytes");
    }
    if (config.inFlight < 1 || config.inFlight > MOST_IN_FLIGHT) {
      throw new RingcastException(Reason.INVALID, "in flight " + config.inFlight + ": want 1 to " + MOST_IN_FLIGHT);
    }
    if (config.inboxSlotSize < 1 || config.inboxSlotSize > MAX_MESSAGE - ADDRESS_BLOCK_SIZE) {
      throw new RingcastException(Reason.INVALID, "inbox slot size " + config.inboxSlotSize + ": want 1 to " + (MAX_MESSAGE - ADDRESS_BLOCK_SIZE));
    }
    Kernel.calls(); // refuses other systems, before anything is made
    Place place = Place.open(config.dir, config.domain, config.mode);
    Membership m = new Membership(place, config.name, VERSION, config.node,
        table -> Recovery.removeUnused(table, place.path), (table, dead) -> Recovery.takeBack(table, place.path, dead));
    return new Domain(m, config);
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

  int inboxSlot() {
    return inboxSlotSize + ADDRESS_BLOCK_SIZE;
  }

  /** What this domain has for direct messages; made at first need. */
  synchronized Post post() {
    membership();
    if (post == null) {
      post = new Post(this);
    }
    return post;
  }

  /** Says that one of the open handles is the domain's own. */
  synchronized void own() {
    own++;
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

  /** Returns the domain's directory. */
  public String directory() {
    return membership.directory();
  }

  /** Returns the address of this participant. */
  public Address address() {
    return address(0);
  }

  Address address(int handle) {
    Membership m = membership();
    return new Address(m.node().id(), m.node().epoch(), m.table().generation(), m.table().index(), handle);
  }

  /** Opens a topic for publishing, with its present ring or the default one. */
  public Publisher publisher(String topic) {
    return publisher(topic, new PublisherConfig());
  }

  /**
   * Opens a topic for publishing, in the shape asked for, and waits for those who subscribed before: at
   * most a second for the forwarder, if one runs, and 200 ms for subscriptions to patterns. Throws SHAPE if
   * the topic was written in another shape, NOT_EXCLUSIVE if another living publisher owns it. Allocates;
   * makes system calls.
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
   * Subscribes to a topic, making its ring if it does not exist, or to all topics that match a pattern: a
   * token {@code *} is any one token, a last {@code >} the rest. Once it has returned, every message
   * published from then on comes, or its loss is told. Allocates; makes system calls.
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

  /** Returns a client of a service, which need not exist yet. Throws NAME. */
  public Client client(String service) {
    Names.checkTopic(service);
    return new Client(this, service, null, Heading.DEFAULT_TIME, false);
  }

  /** Returns a client of a participant's inbox. */
  public Client client(Address address) {
    return new Client(this, null, address, Heading.DEFAULT_TIME, false);
  }

  /**
   * Makes the inbox if it does not exist, and subscribes to it: messages of {@link Client#send}, and
   * requests, which {@link Message#reply} answers.
   */
  public Subscription inbox() {
    use(1);
    boolean opened = false;
    try {
      Subscription s = Subscription.inbox(this);
      table().setInbox();
      opened = true;
      return s;
    } finally {
      if (!opened) {
        release();
      }
    }
  }

  /** Asks all subscribers of a topic, and reads their answers for 10 s, or until all have answered or are gone. */
  public Replies survey(String topic, byte[] question) throws InterruptedException {
    return survey(topic, question, Heading.DEFAULT_TIME, 0);
  }

  /**
   * Publishes a question on a topic. Every subscriber may answer with {@link Message#reply}. The answers
   * end when all participants that subscribe now have answered or are gone, after quorum answers (0: all),
   * or, by DEADLINE, with the time. Throws what publishing throws, and OVERLOADED if more are asked than
   * DomainConfig.inFlight allows.
   */
  public Replies survey(String topic, byte[] question, long nanos, int quorum) throws InterruptedException {
    Names.checkTopic(topic);
    return post().survey(topic, question, Math.min(nanos, Heading.MOST_TIME), quorum);
  }

  /**
   * Returns the other nodes, as this node's forwarder knows them; none if no forwarder runs. Throws BUSY
   * while that cannot be read.
   */
  public List<NodeState> nodes() {
    Membership m = membership();
    if (!m.node().forwarderAlive()) {
      return List.of();
    }
    RemoteDirectory d = m.others();
    if (d == null) {
      throw new RingcastException(Reason.BUSY, m.directory() + "/directory: it is being written, or is damaged: try again; if it stays so, start the forwarder anew");
    }
    return d.nodes().stream().map(NodeState::of).toList();
  }

  /**
   * Counts the subscriptions of a topic, those to patterns included: this process's, those of other
   * processes on this node, and for other nodes what these have asked for; a node that does not say how
   * many counts as one. Makes a system call for each participant of this node.
   */
  public int subscribers(String topic) {
    Names.checkTopic(topic);
    return membership().subscriptions(topic);
  }

  /** Waits up to nanos nanoseconds until a topic has n subscriptions, on any nodes; false if they did not come. */
  public boolean awaitSubscribers(String topic, int n, long nanos) throws InterruptedException {
    long began = Clock.now();
    while (subscribers(topic) < n) {
      if (Clock.now() - began >= nanos) {
        return false;
      }
      Thread.sleep(2);
    }
    return true;
  }

  /** Watches who is there, and who comes and goes. */
  public Watch watch() {
    return watch(new WatchConfig());
  }

  /** Does the same for what the configuration asks for. Throws NAME. Makes system calls. */
  public Watch watch(WatchConfig config) {
    if (config.name != null) {
      Names.checkPattern(config.name);
    }
    use(1);
    boolean opened = false;
    try {
      Watch w = new Watch(this, config);
      opened = true;
      return w;
    } finally {
      if (!opened) {
        release();
      }
    }
  }

  /** Answers requests to a name, one at a time. */
  public Instance serve(String service, Handler handler) {
    return serve(service, handler, new ServeConfig());
  }

  /**
   * Begins to answer requests to a name, in threads of its own. Instances of one name share the requests:
   * each takes the next when it has room. Makes the service's queue if it does not exist. Throws NAME,
   * NAME_KIND, PERMISSION, and SHAPE if the queue is in use with another shape. Allocates; makes system
   * calls.
   */
  public Instance serve(String service, Handler handler, ServeConfig config) {
    Names.checkTopic(service);
    java.util.Objects.requireNonNull(handler, "a handler answers requests");
    config.check(service);
    use(1);
    boolean opened = false;
    try {
      Instance i = new Instance(this, post(), service, handler, config);
      opened = true;
      return i;
    } finally {
      if (!opened) {
        release();
      }
    }
  }

  /**
   * Opens a counter in a file that tools read while the program runs. The label is a dotted name, a colon,
   * and what it counts, at most 48 bytes of UTF-8. The same label is the same counter. A domain has at most
   * 256; the first makes the file.
   */
  public synchronized Counter counter(String label) {
    membership();
    int at = counters.row(label);
    return new Counter(label, counters.words(), at);
  }

  /** Returns the present time, on the clock that deadlines use. */
  static long now() {
    return Clock.now();
  }

  /**
   * Leaves the domain. While publishers, subscriptions, kept messages or instances are open, it does
   * nothing and throws BUSY. Whoever waits for a reply gets CLOSED or CANCELED. Closing twice is fine.
   */
  @Override
  public void close() {
    Post ending;
    synchronized (this) {
      if (closed) {
        return;
      }
      if (open - own != 0) {
        throw new RingcastException(Reason.BUSY, "close domain: " + (open - own) + " publishers, subscriptions or instances are open: close them first");
      }
      ending = post;
    }
    if (ending != null) {
      ending.close(); // not under the lock: its threads end
    }
    synchronized (this) {
      if (!closed) {
        closed = true;
        counters.close();
        membership.close();
      }
    }
  }
}
