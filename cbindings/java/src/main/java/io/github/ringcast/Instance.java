package io.github.ringcast;

import io.github.ringcast.ring.GroupReader;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Received;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Hashes;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Answers requests to one name, in threads of its own. One of them has the turn: it takes the next request,
 * hands the turn on, and runs the request itself, so that no request goes from one thread to another. Safe
 * for use by several threads.
 */
public final class Instance implements AutoCloseable {
  private final Domain domain;
  private final Post post;
  private final String name;
  private final long hash;
  private final int concurrency;
  private final Handler handler;
  /** These two are owned by who has the turn. */
  private final GroupReader member;
  private final SpinTime spin = new SpinTime();

  private final ReentrantLock turn = new ReentrantLock();
  private final AtomicInteger workers = new AtomicInteger();
  private final AtomicInteger idle = new AtomicInteger();
  private final AtomicLong dropped = new AtomicLong();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile boolean stopping;
  private volatile boolean hurry;
  private boolean retracted;

  Instance(Domain domain, Post post, String name, Handler handler, ServeConfig config) {
    this.domain = domain;
    this.post = post;
    this.name = name;
    this.handler = handler;
    hash = Hashes.fnv64(name.getBytes(StandardCharsets.UTF_8));
    concurrency = config.concurrency;
    post.watch();
    member = GroupReader.ofService(domain.table(), post.servicePath(name), post.self.word0(), post.self.word1(), config.shape(),
        config.rights(name), concurrency);
    boolean kept = false;
    try {
      Post.checkKind(domain, name, true);
      domain.membership().info().serve(name, concurrency);
      kept = true;
    } finally {
      if (!kept) {
        member.close();
      }
    }
    start();
  }

  /** Returns the service's name. */
  public String name() {
    return name;
  }

  /** Answers and messages that were dropped: their callers are gone, or the messages were not for this name. */
  public long droppedCount() {
    return dropped.get();
  }

  Domain domain() {
    return domain;
  }

  Post post() {
    return post;
  }

  boolean hurries() {
    return hurry;
  }

  void dropped() {
    dropped.incrementAndGet();
  }

  private void start() {
    int n = workers.getAndIncrement();
    idle.incrementAndGet();
    Thread t = new Thread(() -> work(n), "ringcast-serve-" + name + "-" + n);
    t.setDaemon(true);
    t.start();
  }

  private void work(int n) {
    try {
      for (;;) {
        Request r;
        turn.lock();
        try {
          r = next(n);
          if (r != null && idle.decrementAndGet() == 0 && workers.get() < concurrency && !stopping) {
            start();
          }
        } finally {
          turn.unlock();
        }
        if (r == null) {
          return;
        }
        run(r);
        idle.incrementAndGet();
      }
    } finally {
      if (workers.decrementAndGet() == 0) {
        conclude();
      }
    }
  }

  /** Takes the next request and waits for it; null: the instance stops. */
  private Request next(int n) {
    Received m = new Received();
    long quiet = 0;
    for (;;) {
      if (stopping && !member.alone()) {
        return null;
      }
      switch (member.poll(m, n)) {
        case Received.MESSAGE:
          Request r = accept(m, n);
          if (r != null) {
            return r;
          }
          quiet = 0;
          break;
        case Received.ABANDONED:
          tellCaller(m);
          break;
        case Received.NOTHING:
          if (stopping) {
            return null;
          }
          long now = Clock.now();
          quiet = quiet == 0 ? now : quiet;
          if (rest(now - quiet)) {
            quiet = 0;
          }
          break;
        default: // positions that nobody saw are their callers' deadlines
      }
    }
  }

  /** One moment of waiting; true if it was a sleep. */
  private boolean rest(long waited) {
    if (domain.waiting == Waiting.YIELD) {
      Thread.yield();
    } else if (domain.waiting == Waiting.SPIN) {
      Thread.onSpinWait();
    } else if (waited < spin.nanos()) {
      spin.pause(waited);
    } else {
      int seen = domain.table().doorbell(); // before the looks below
      member.prepareSleep();
      if (!member.ready() && !stopping) {
        long slept = Clock.now();
        domain.table().sleep(seen, member.nap());
        spin.learn(Clock.now() - slept, member.ready(), false);
        return true;
      }
    }
    return false;
  }

  /** Tells a caller that the instance that had its request is gone. */
  private void tellCaller(Received m) {
    if (m.first == 0) {
      return; // nobody waits
    }
    try {
      post.send(Address.of(m.source0, m.source1), true, Letter.error(new byte[0], m.first, Codes.INSTANCE_DIED));
    } catch (RingcastException e) {
      dropped();
    }
  }

  /** Checks what was taken; null: it was not for us, or its time is over. */
  private Request accept(Received m, int n) {
    Heading h = Heading.of(m);
    boolean ours = h != null && h.service == hash && h.destination.word0() == 0 && h.destination.word1() == 0 && (h.request() || h.data());
    if (!ours) {
      dropped();
      member.hand(n).done();
      return null;
    }
    Request r = new Request(this, member.hand(n), h, m);
    if (h.request() && hurry) {
      r.fail(Codes.NO_SERVICE, "");
    } else if (h.request() && r.remaining() <= 0) {
      r.fail(Codes.DEADLINE, "");
    } else {
      return r;
    }
    r.hand().done();
    return null;
  }

  /** Has the handler answer a request, and answers where it does not. Then the request is in nobody's hand. */
  private void run(Request r) {
    post.running.add(r);
    int code = Codes.NO_REPLY;
    String text = "";
    try {
      handler.handle(r);
    } catch (ReplyException e) {
      code = Codes.application(e.code());
      text = e.getMessage();
    } catch (InterruptedException e) {
      code = Codes.CANCELED;
    } catch (RingcastException e) {
      code = e.reason() == Reason.CANCELED ? Codes.CANCELED : e.reason() == Reason.DEADLINE ? Codes.DEADLINE : Codes.APPLICATION;
      text = String.valueOf(e.getMessage());
    } catch (Exception e) {
      code = Codes.APPLICATION;
      text = e.getMessage() != null ? e.getMessage() : e.toString();
    } catch (Error e) { // the program is told as of any thread; the instance goes on, or its callers would wait for their deadlines
      Thread me = Thread.currentThread();
      me.getUncaughtExceptionHandler().uncaughtException(me, e);
    } finally {
      r.end();
      post.running.remove(r);
      if (!r.answered()) {
        // Whose time is over hears that, whichever clock saw it first.
        r.fail(code == Codes.NO_REPLY && r.remaining() <= 0 ? Codes.DEADLINE : code, text);
      }
      r.hand().done();
    }
  }

  /**
   * Ends the serving without losing a request. Others are told at once; requests in hand are finished;
   * waiting ones are left to other instances, or served if there are none. After nanos nanoseconds, waiting
   * requests are refused (NO_SERVICE), handlers that run are told that they are not needed, and false is
   * returned when they have ended. Do not call it from a handler.
   */
  public boolean stop(long nanos) throws InterruptedException {
    retract();
    stopping = true;
    domain.table().ring(domain.table().index());
    if (stopped.await(nanos, TimeUnit.NANOSECONDS)) {
      return true;
    }
    hurry = true;
    post.running.forEach(Request::look);
    stopped.await();
    return false;
  }

  private synchronized void retract() {
    if (!retracted) {
      retracted = true;
      domain.membership().info().serveNoMore(name, concurrency);
    }
  }

  /** Behind the last worker: leaves, unless requests came between his last look and that. */
  private void conclude() {
    retract();
    try {
      if (!stopping) {
        member.close(); // its ring can't be read any more: whoever asks hears at once that nobody is here
      } else if (!member.leaveForGood()) {
        start();
        return;
      }
    } catch (RuntimeException e) {
      // the ring can't be used any more: whoever waits has his deadline
    }
    domain.release();
    stopped.countDown();
  }

  /** Stops without a bound in time: returns when everything in hand has been answered. An interrupt makes it hurry. */
  @Override
  public void close() {
    try {
      stop(Long.MAX_VALUE);
    } catch (InterruptedException e) {
      hurry = true;
      post.running.forEach(Request::look);
      Thread.currentThread().interrupt();
    }
  }
}
