package io.github.ringcast;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.EventCode;
import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.ring.GroupReader;
import io.github.ringcast.ring.Keeping;
import io.github.ringcast.ring.Received;
import io.github.ringcast.ring.Source;
import io.github.ringcast.ring.TopicReader;
import io.github.ringcast.shm.Cores;
import io.github.ringcast.shm.Info;
import io.github.ringcast.shm.Names;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Consumer;

/**
 * One subscription to a topic, or to all topics that match a pattern.
 *
 * <pre>{@code
 * for (Message m : subscription) {
 *   if (m.isMessage()) {
 *     handle(m.payload());
 *   }
 * }
 * }</pre>
 *
 * <p>Messages of one source come in the order of their sequences. If something is missing, an event tells
 * so, at its place. A message is lent until the next call; {@link #keep} keeps it for longer.
 *
 * <p>For one thread at a time, its close included.
 */
public final class Subscription implements AutoCloseable, Iterable<Message> {
  /** Waits without end. */
  public static final long FOREVER = Long.MAX_VALUE;

  private static final int INBOX_SLOTS = 128;
  /** How to look again: at first without a pause, then with one each, still without reading the clock; then by the clock. */
  private static final int HOT_LOOKS = 64;
  private static final int COOL_LOOKS = 64;
  /** Looks between two at which the core is given away. */
  private static final int TURN = 64;

  private final Domain domain;
  private final String name;
  private final Info.Want interest;
  private final Message message;
  private final boolean mail;
  private final Source source;
  private final PatternReader pattern;
  /** The source, where it has a short way; null otherwise, and behind close. */
  private TopicReader swift;
  private final SpinTime spin = new SpinTime();
  /** Messages came one behind the other before this wait. */
  private boolean stream;
  private int looks;
  private boolean closed;

  Subscription(Domain domain, String name, SubscriptionConfig config) {
    this.domain = domain;
    this.name = name;
    message = new Message(domain);
    mail = false;
    boolean wild = Names.isPattern(name);
    interest = new Info.Want(name, wild, false, config.localOnly, config.latest, (int) Math.min(config.history, 0xffffffffL));
    pattern = wild ? new PatternReader(domain, name, config) : null;
    boolean plain = !wild && config.group == null;
    swift = plain ? TopicReader.open(domain.table(), domain.topicPath(name), config.latest, config.history) : null;
    source = plain ? swift : wild ? pattern : member(config);
    try {
      if (!wild) {
        Post.checkKind(domain, name, false);
      }
      domain.membership().info().add(interest);
    } catch (RuntimeException e) {
      source.close();
      throw e;
    }
    if (wild) {
      pattern.searchSoon(); // for a topic that came before anybody could know of this
    }
  }

  /** The inbox of this participant. */
  private Subscription(Domain domain, TopicReader inbox) {
    this.domain = domain;
    name = "$inbox";
    message = new Message(domain);
    mail = true;
    interest = null;
    pattern = null;
    source = inbox;
  }

  static Subscription inbox(Domain domain) {
    String path = domain.post().inboxPath(domain.address(), false);
    return new Subscription(domain, TopicReader.inbox(domain.table(), path, INBOX_SLOTS, domain.inboxSlot()));
  }

  /** Whether mail is for this participant, and a request's time is not over. */
  private boolean forUs(Received r) {
    Heading h = Heading.of(r);
    return h != null && h.destination.equals(domain.address()) && (h.data() || h.request() && h.remaining() > 0);
  }

  private Source member(SubscriptionConfig config) {
    Address me = domain.address();
    return new GroupReader(domain.table(), domain.topicPath(name), config.group, me.word0(), me.word1());
  }

  /** Returns the topic or the pattern. */
  public String name() {
    return name;
  }

  /**
   * Takes the next message or event; null if there is none. Never waits. Allocates only for messages of
   * several slots. Makes no system call unless a publisher waits for room, or is silent.
   */
  public Message poll() {
    return quick() ? message.lent(MessageType.MESSAGE, name) : pollFully(false);
  }

  /** The short way; it is small, so that the compiler puts it where it is called. */
  private boolean quick() {
    return swift != null && swift.quick(message.received);
  }

  private Message pollFully(boolean waits) {
    if (closed) {
      throw new RingcastException(Reason.CLOSED, "read " + name + ": the subscription was closed");
    }
    message.giveBack();
    for (;;) {
      int found = source.poll(message.received, waits);
      String topic = pattern == null || found == Received.NOTHING ? name : pattern.topic();
      switch (found) {
        case Received.NOTHING:
          return null;
        case Received.MESSAGE:
          Received r = message.received;
          if (mail && !forUs(r)) {
            break;
          }
          if (r.bytes.get(r.at + SLOT_HEADER_KIND_OFFSET) != MessageKind.Event) {
            return message.lent(MessageType.MESSAGE, topic);
          }
          if (loss(r)) {
            return message.lent(MessageType.LOSS, topic);
          }
          break; // an event that this version does not know
        case Received.LAGGED:
          return message.lent(MessageType.LAGGED, topic);
        case Received.ABANDONED:
          return message.lent(MessageType.ABANDONED, topic);
        default:
          return message.lent(MessageType.DAMAGED, topic);
      }
    }
  }

  private static boolean loss(Received r) {
    ByteBuffer b = r.bytes;
    int at = r.at + r.start;
    if (r.length < EVENT_RECORD_SIZE || b.getInt(at + EVENT_RECORD_CODE_OFFSET) != EventCode.Loss) {
      return false;
    }
    r.first = b.getLong(at + EVENT_RECORD_FIRST_OFFSET);
    r.last = b.getLong(at + EVENT_RECORD_LAST_OFFSET);
    r.count = b.getLong(at + EVENT_RECORD_COUNT_OFFSET);
    return true;
  }

  /** Waits for the next message or event without end. An interrupt is noticed within 100 ms. */
  public Message next() throws InterruptedException {
    return next(FOREVER);
  }

  /** Waits for the next message or event, up to nanos nanoseconds; null if none came. */
  public Message next(long nanos) throws InterruptedException {
    if (quick()) {
      return message.lent(MessageType.MESSAGE, name);
    }
    Message m = pollFully(nanos > 0); // who waits looks again: it may leave words to their publishers now
    return m != null ? m : waitFor(nanos);
  }

  private Message waitFor(long nanos) throws InterruptedException {
    long began = Domain.now(); // before the looks: behind them somebody's answer may be there
    if (nanos > 0 && domain.waiting != Waiting.YIELD && Cores.COUNT > 1) {
      stream = source.letRunAhead();
      if (source.afar()) {
        spin.far();
      }
      for (int i = 0; i < HOT_LOOKS + COOL_LOOKS && !source.hint(); i++) {
        if (i >= HOT_LOOKS) {
          Thread.onSpinWait();
        }
      }
    }
    long rested = began;
    for (;;) {
      Message m = pollFully(true);
      if (m != null) {
        return m;
      }
      if (Thread.interrupted()) {
        throw new InterruptedException("read " + name + ": interrupted");
      }
      long now = Domain.now();
      if (now - began >= nanos) {
        return null;
      }
      if (rest(now - rested, nanos - (now - began), this)) {
        rested = Domain.now();
      }
    }
  }

  /** One moment of waiting for any of them, by the first one's spin; true if it was a sleep. */
  private static boolean rest(long spun, long left, Subscription... all) {
    Domain domain = all[0].domain;
    if (domain.waiting == Waiting.YIELD) {
      Thread.yield();
      return false;
    }
    if (domain.waiting == Waiting.SPIN || spun < all[0].spin.nanos()) {
      all[0].look(spun);
      return false;
    }
    int seen = domain.table().doorbell(); // before the looks below
    long nap = left;
    for (Subscription s : all) {
      s.source.prepareSleep();
    }
    for (Subscription s : all) {
      if (s.source.ready()) {
        return false;
      }
      nap = Math.min(nap, s.source.nap());
    }
    long slept = Domain.now();
    domain.table().sleep(seen, nap);
    all[0].learn(Domain.now() - slept, all);
    return true;
  }

  /** Learns from a sleep: what has come meanwhile, to whom it may. The bell is the participant's: it may have rung for another. */
  private void learn(long took, Subscription... all) {
    boolean ready = false;
    boolean many = false;
    for (Subscription s : all) {
      ready |= s.source.ready();
      many |= SpinTime.asksForBacklog(took) && s.source.backlog(SpinTime.BACKLOG);
    }
    spin.learn(took, ready, many);
  }

  /**
   * A moment between two looks. In a stream the core is given up once in a while: if another thread wants
   * it, it may be the one that is waited for. For a single answer that would cost the latency of a turn of
   * the other.
   */
  private void look(long spun) {
    if (domain.waiting != Waiting.BLOCK) {
      Thread.onSpinWait();
    } else if (stream && ++looks % TURN == 0) {
      Thread.yield();
    } else {
      spin.pause(spun);
    }
  }

  /**
   * In a queue group: says that the message in hand was handled, before the next one is asked for; the
   * message, and what was told of others, is given back. In other subscriptions: gives the message back.
   */
  public void done() {
    message.giveBack();
    source.done();
  }

  /**
   * Keeps the message that was lent last beyond the next call, until it is closed; its bytes stay where
   * they are. Several may be kept. The slot is not given back before, so publishers wait as for a slow
   * reader. When what was read since then takes a quarter of the ring, the next call throws BUSY until some
   * are closed. A reader that is put out goes on, and what it kept stays; it cannot keep more (BUSY) until
   * that is closed. A kept message may outlive its subscription, but the domain cannot be closed before.
   * From a latest reader, a queue group, and for a message of several slots it is a copy. Throws INVALID if
   * the message is not the one that is lent. Allocates.
   */
  public Kept keep(Message lent) {
    if (lent != message || !message.isMessage()) {
      throw new RingcastException(Reason.INVALID, "keep: this is not the message that the last call with " + name + " has lent");
    }
    Received r = message.received;
    Keeping place = source.keep(r);
    if (place != null) {
      domain.use(1);
    }
    return new Kept(domain, message.another(place == null && source.copiesInto(r.bytes)), place);
  }

  /**
   * Waits up to nanos nanoseconds until one of the subscriptions, all of one domain, may have something;
   * returns it, or null. It is a hint: poll that one, and the others. What the subscriptions lent is given
   * back; what was kept stays. Allocates nothing if the caller keeps the array.
   */
  public static Subscription any(long nanos, Subscription... all) throws InterruptedException {
    if (all.length == 0) {
      throw new RingcastException(Reason.INVALID, "wait: no subscription");
    }
    Domain domain = all[0].domain;
    for (Subscription s : all) {
      s.message.giveBack(); // a reader that sleeps stores its cursor
    }
    long began = Domain.now();
    long rested = began;
    for (;;) {
      for (Subscription s : all) {
        if (s.closed || s.domain != domain) {
          throw new RingcastException(Reason.INVALID, "wait: " + s.name + " was closed, or is of another domain");
        }
        if (s.source.ready()) {
          return s;
        }
      }
      if (Thread.interrupted()) {
        throw new InterruptedException("wait: interrupted");
      }
      long now = Domain.now();
      if (now - began >= nanos) {
        return null;
      }
      if (rest(now - rested, nanos - (now - began), all)) {
        rested = Domain.now();
      }
    }
  }

  /** Calls the handler with each message and event until the thread is interrupted. */
  public void run(Consumer<? super Message> handler) throws InterruptedException {
    for (;;) {
      handler.accept(next());
    }
  }

  /** Messages and events as they come. hasNext waits; it is false once the thread was interrupted, which it stays. */
  @Override
  public Iterator<Message> iterator() {
    return new Iterator<>() {
      private Message ahead;

      @Override
      public boolean hasNext() {
        try {
          if (ahead == null) {
            ahead = Subscription.this.next();
          }
          return true;
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return false;
        }
      }

      @Override
      public Message next() {
        if (!hasNext()) {
          throw new NoSuchElementException("interrupted");
        }
        Message m = ahead;
        ahead = null;
        return m;
      }
    };
  }

  SpinTime spin() {
    return spin;
  }

  /** Of a topic: what reads it. */
  TopicReader topic() {
    return swift;
  }

  /** How many positions are left to be read: a hint. */
  public long behind() {
    return source.behind();
  }

  /** Ends the subscription and what it lent. Makes system calls. Closing twice is fine. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    swift = null;
    message.end();
    try {
      source.close();
    } finally {
      if (interest != null) {
        domain.membership().info().remove(interest);
      }
      domain.release();
    }
  }
}
