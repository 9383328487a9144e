package io.github.ringcast;

import io.github.ringcast.ring.Received;
import io.github.ringcast.ring.TopicReader;
import io.github.ringcast.shm.Clock;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Reads the ring of answers. Whoever waits reads it himself, for all others, too: he leads. The others are parked, and one of them
 * leads when he has what he waited for. So an answer that one thread waits for reaches it without another's help; and a callback
 * may ask, for it leads itself. Safe for use by several threads.
 */
final class Lead {
  private static final long LONGEST_REST = 50_000_000;

  private final Desk desk;
  private final Domain domain;
  private final TopicReader reader;
  /** Of who leads. */
  private final SpinTime spin = new SpinTime();
  private final ReentrantLock leading = new ReentrantLock();
  private final Queue<Thread> parked = new ConcurrentLinkedQueue<>();
  /** Who waits for shares. */
  private final Queue<Thread> wanting = new ConcurrentLinkedQueue<>();
  private volatile boolean news;
  private volatile boolean closed;

  Lead(Desk desk, Domain domain, String path, int slots) {
    this.desk = desk;
    this.domain = domain;
    reader = TopicReader.inbox(domain.table(), path, slots, domain.inboxSlot());
  }

  // For who leads.

  long tail() {
    return reader.tail();
  }

  long cursor() {
    return reader.cursor();
  }

  Object ring() {
    return reader.ring();
  }

  /** Returns when the condition holds, which is asked under the desk's lock, or the time is over. A call is told to have this waiter. */
  void await(BooleanSupplier ready, long until, Call call) throws InterruptedException {
    Thread me = Thread.currentThread();
    if (call != null) {
      call.waiter = me;
    }
    while (!desk.holds(ready)) {
      if (Thread.interrupted()) {
        throw new InterruptedException("request: interrupted");
      }
      if (Clock.now() >= until) {
        desk.tidy();
        return;
      }
      if (leading.tryLock()) {
        try {
          lead(ready, until);
        } finally {
          leading.unlock();
          pass();
        }
      } else {
        park(me, ready, until, call == null);
      }
    }
  }

  private void park(Thread me, BooleanSupplier ready, long until, boolean forShares) {
    parked.add(me);
    if (forShares) {
      wanting.add(me);
    }
    if (leading.isLocked() && !desk.holds(ready)) {
      LockSupport.parkNanos(this, Math.min(until - Clock.now(), LONGEST_REST));
    }
    wanting.remove(me);
    parked.remove(me);
  }

  /** Has one of those that are parked lead. */
  private void pass() {
    Thread next = parked.peek();
    if (next != null) {
      LockSupport.unpark(next);
    }
  }

  void wake(Thread waiter) {
    if (waiter != null && waiter != Thread.currentThread()) {
      LockSupport.unpark(waiter);
      if (!parked.contains(waiter)) {
        stir(); // he may lead, and sleep
      }
    }
  }

  void wakeForShares() {
    wanting.forEach(LockSupport::unpark);
  }

  /** Has who leads look at what is new besides messages. */
  void stir() {
    if (leading.isHeldByCurrentThread()) {
      news = true;
      return;
    }
    news = true;
    domain.table().ring(domain.table().index());
  }

  /** Reads for all until the condition holds. */
  private void lead(BooleanSupplier ready, long until) throws InterruptedException {
    Received m = new Received();
    long quiet = 0;
    while (!closed) {
      if (news || Clock.now() >= desk.firstDue()) {
        news = false;
        desk.tidy();
      }
      int found = reader.poll(m, quiet != 0);
      if (found == Received.MESSAGE) {
        quiet = 0;
        desk.deliver(m);
        if (desk.burying()) {
          news = true;
        }
      }
      if (desk.holds(ready)) {
        return;
      }
      if (found != Received.NOTHING) {
        continue; // put out after an hour, or damaged: what was there is late
      }
      long now = Clock.now();
      if (now >= until || Thread.currentThread().isInterrupted()) {
        return;
      }
      quiet = quiet == 0 ? now : quiet;
      if (rest(now - quiet, Math.min(until, desk.firstDue()) - now)) {
        quiet = 0;
      }
    }
  }

  /** One moment of waiting; true if it was a sleep. */
  private boolean rest(long waited, long left) {
    if (domain.waiting == Waiting.YIELD) {
      Thread.yield();
    } else if (domain.waiting == Waiting.SPIN) {
      Thread.onSpinWait();
    } else if (waited < spin.nanos()) {
      spin.pause(waited);
    } else {
      int seen = domain.table().doorbell(); // before the looks below
      reader.prepareSleep();
      if (!news && !closed && !reader.ready()) {
        long slept = Clock.now();
        domain.table().sleep(seen, Math.max(1000, Math.min(Math.min(left, reader.nap()), LONGEST_REST)));
        long took = Clock.now() - slept;
        spin.learn(took, reader.hint(), SpinTime.asksForBacklog(took) && reader.backlog(SpinTime.BACKLOG));
        return true;
      }
    }
    return false;
  }

  /** Waits for who leads to have ended, and lets the ring go. */
  void close(Thread helper) {
    closed = true;
    stir();
    LockSupport.unpark(helper);
    parked.forEach(LockSupport::unpark);
    leading.lock();
    try {
      reader.close();
    } finally {
      leading.unlock();
    }
  }
}
