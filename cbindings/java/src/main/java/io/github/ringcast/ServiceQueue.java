package io.github.ringcast;

import io.github.ringcast.ring.DirectOutlet;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Producer;
import io.github.ringcast.ring.Queue;
import io.github.ringcast.shm.Hashes;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** A service's queue as its callers see it: spec/messaging.md, 9. Never waits. Safe for use by several threads. */
final class ServiceQueue {
  private static final int TRIES = 10;

  final String name;
  private final Post post;
  private final long hash;
  /** Calls that are open, and threads that send; from 0 it goes up under the lock of {@link Services}. */
  private final AtomicInteger holds = new AtomicInteger();
  private boolean closed;
  private DirectOutlet outlet;
  private Queue instances;

  ServiceQueue(Post post, String name) {
    this.post = post;
    this.name = name;
    hash = Hashes.fnv64(name.getBytes(StandardCharsets.UTF_8));
  }

  RingcastException none() {
    return Codes.refusal(Reason.NO_SERVICE, "service " + name);
  }

  void hold() {
    holds.incrementAndGet();
  }

  void drop() {
    holds.decrementAndGet();
  }

  boolean held() {
    return holds.get() != 0;
  }

  /** What messages for it bear. */
  long hash() {
    return hash;
  }

  private void open() {
    String path = post.servicePath(name);
    outlet = DirectOutlet.ifThere(post.domain.table(), path, post.self.word0(), post.self.word1());
    if (outlet == null) {
      throw none();
    }
    instances = Queue.of(outlet.ring(), path, "instances");
    if (instances == null) {
      shut();
      throw none();
    }
  }

  private void shut() {
    if (instances != null) {
      instances.close();
      instances = null;
    }
    if (outlet != null) {
      outlet.close();
      outlet = null;
    }
  }

  /** Lets the ring go for good. */
  synchronized void close() {
    closed = true;
    shut();
  }

  /** Where a request lies: at a position of one ring of its service. */
  record Spot(long ring, long position) { }

  /** Publishes, and returns where. Throws NO_SERVICE, OVERLOADED, TOO_LARGE: nothing was sent. */
  synchronized Spot put(Letter l) {
    if (closed) {
      throw new RingcastException(Reason.CLOSED, "the domain was closed");
    }
    for (int i = 0; i < TRIES; i++) {
      if (outlet == null) {
        open();
      }
      if (!instances.hasMembers()) {
        if (i != 0) {
          throw none(); // the ring stays open: what waits in it is taken back
        }
        shut(); // perhaps another ring has the name by now
        continue;
      }
      long t = publish(l);
      if (t >= 0) {
        return new Spot(outlet.ring().id(), t);
      }
      shut(); // it was given up
    }
    throw none();
  }

  private long publish(Letter l) {
    if (l.size() > outlet.room()) {
      throw Post.tooLarge("service " + name, l.size(), outlet.room());
    }
    l.toService(hash);
    long t = outlet.put(l);
    if (t == Producer.RETIRED) {
      return t;
    }
    if (t < 0) {
      throw new RingcastException(Reason.OVERLOADED, "queue of service " + name + " is full (" + outlet.ring().shape().slots() + ")");
    }
    if (!instances.hasMembers() && instances.withdraw(t)) { // behind the commit
      throw none();
    }
    return t;
  }

  /** Takes a request back that nobody has started, or tells whoever has it in hand that it was given up. */
  synchronized void giveUp(Spot at, long correlation) {
    if (instances != null && !withdraw(at)) {
      instances.cancel(post.self.word0(), post.self.word1(), correlation);
    }
  }

  /** Takes a request back; true: nobody has started it, and nobody will. Of a ring that was replaced since nobody knows that. */
  synchronized boolean withdraw(Spot at) {
    return at != null && instances != null && outlet.ring().id() == at.ring() && instances.withdraw(at.position());
  }

  synchronized void grant(long correlation, int n) {
    if (instances != null) {
      instances.grant(post.self.word0(), post.self.word1(), correlation, n);
    }
  }

  /** Calls with each of our requests whose taker is gone, and returns whether an instance is left. */
  synchronized boolean look(java.util.function.LongConsumer dying) {
    if (instances == null) {
      return false;
    }
    instances.inHand(post.self.word0(), post.self.word1(), (correlation, taker0, taker1) -> {
      if (post.gone(Address.of(taker0, taker1))) {
        dying.accept(correlation);
      }
    });
    return instances.hasMembers();
  }
}
