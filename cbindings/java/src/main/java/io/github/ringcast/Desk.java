package io.github.ringcast;

import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Received;
import io.github.ringcast.shm.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * Where a domain's requests are open, and who waits for which. Whoever waits reads the ring of answers himself, for all others,
 * too: {@link Lead}. Where only futures wait, a thread of the desk's own does. Safe for use by several threads.
 */
final class Desk {
  private static final int STREAM_SHARES = io.github.ringcast.ring.Hand.FIRST_CREDIT + 1;
  private static final int GRANT_AT = STREAM_SHARES / 2;

  private final Post post;
  private final Lead lead;
  private final Thread helper;

  // Guarded by this.
  private final Map<Long, Call> calls = new HashMap<>();
  private final Queue<Dying> dying = new ArrayDeque<>();
  private final int limit;
  private int shares;
  private long serial;
  private int futures;
  private boolean closed;
  /** When the first call's time is over; read by who leads. */
  private volatile long firstDue = Long.MAX_VALUE;
  private long late;

  /** A call whose instance is gone: settled when everything before the tail was read, for that may have answered before it went. */
  private static final class Dying {
    final long correlation;
    /** Below 0: not looked at yet. */
    long tail = -1;
    Object ring;

    Dying(long correlation) {
      this.correlation = correlation;
    }
  }

  Desk(Post post) {
    this.post = post;
    int slots = slotsFor(post.domain.inFlight);
    limit = sharesOf(slots);
    shares = limit;
    lead = new Lead(this, post.domain, post.inboxPath(post.self, true), slots);
    helper = new Thread(this::help, "ringcast-replies");
    helper.setDaemon(true);
    helper.start();
  }

  private static int sharesOf(int slots) {
    return slots - Math.min(slots / 4, 128);
  }

  private static int slotsFor(int inFlight) {
    int slots = 128;
    while (sharesOf(slots) < inFlight) {
      slots *= 2;
    }
    return slots;
  }

  /** Reads while futures are open and nobody else does. */
  private void help() {
    for (;;) {
      synchronized (this) {
        while (futures == 0 && !closed) {
          try {
            wait();
          } catch (InterruptedException e) {
            return;
          }
        }
        if (closed) {
          return;
        }
      }
      try {
        lead.await(() -> futures == 0 || closed, Long.MAX_VALUE, null);
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        Clock.pause(1_000_000); // a callback's, or a ring that could not be opened again: callers have their deadlines
      }
    }
  }

  // Opening.

  /** Opens a call, and waits for its shares: in order, so that each answer finds a slot. A service is held; dispatch drops that. */
  Call begin(long until, ServiceQueue service, Address target, boolean many, Set<Address> waitedFor, int quorum) throws InterruptedException {
    int need = waitedFor != null ? waitedFor.size() : many ? STREAM_SHARES : 1;
    if (need > limit) {
      throw new RingcastException(Reason.OVERLOADED, "own inbox: " + need + " answers are asked for, it takes " + limit + ": DomainConfig.inFlight");
    }
    for (;;) {
      synchronized (this) {
        check();
        if (until <= Clock.now()) {
          throw Codes.refusal(Reason.DEADLINE, "request");
        }
        if (shares >= need) {
          shares -= need;
          Call c = new Call(++serial, until, service, target, many, waitedFor, quorum);
          c.shares = need;
          calls.put(c.correlation, c);
          firstDue = Math.min(firstDue, until);
          return c;
        }
      }
      lead.await(() -> shares >= need || closed, until, null);
    }
  }

  private void check() {
    if (closed) {
      throw new RingcastException(Reason.CLOSED, "the domain was closed");
    }
  }

  /** Sends a call. What is thrown says that nothing was sent; the call is finished then. */
  void dispatch(Call c, byte[] payload) {
    try {
      Letter l = letter(c, payload);
      if (c.service != null) {
        toService(c, l);
      } else if (post.away.is(c.target)) {
        leaves(c, l, null);
        isSent(c, null, post.away.send(c.target, l));
      } else {
        post.send(c.target, false, l);
        isSent(c, null, null);
      }
    } catch (RuntimeException e) {
      finish(c);
      throw e;
    } finally {
      c.dropService();
    }
  }

  private void toService(Call c, Letter l) {
    ServiceQueue.Spot spot;
    try {
      spot = c.service.put(l);
    } catch (RingcastException refused) {
      leaves(c, l, refused.reason() == Reason.OVERLOADED ? refused : null);
      isSent(c, null, post.away.serve(c.service, l, refused));
      return;
    }
    isSent(c, spot, null);
  }

  /** Notes that a call goes to another node, before it does: an answer may come at once. */
  private synchronized void leaves(Call c, Letter l, RingcastException refused) {
    c.away = true;
    c.refused = refused;
    c.size = l.size();
  }

  Letter letter(Call c, byte[] payload) {
    return Letter.request(payload, c.correlation, c.due - Clock.now(), c.many && c.waitedFor == null).marked(c.content, c.schema);
  }

  /** Notes where a call lies, or by which forwarder it left, and looks for those who went while it was sent. */
  void isSent(Call c, ServiceQueue.Spot spot, Address uplink) {
    boolean gone;
    synchronized (this) {
      c.spot = spot;
      c.uplink = uplink;
      c.sent = true;
      gone = c.missed || c.waitedFor != null || c.target != null && post.gone(c.target) || uplink != null && post.gone(uplink);
    }
    if (gone) {
      review();
    }
  }

  /** Makes a call's outcome a future's. */
  RequestFuture future(Call c) {
    RequestFuture f = new RequestFuture(this, c);
    synchronized (this) {
      if (!c.settled) {
        c.future = f;
        futures++;
        notifyAll();
        return f;
      }
    }
    complete(f, c);
    return f;
  }

  private static void complete(RequestFuture f, Call c) {
    if (c.error != null) {
      f.completeExceptionally(c.error);
    } else {
      f.complete(c.reply);
    }
  }

  // Waiting.

  /** Waits for a call's one outcome. */
  Reply await(Call c) throws InterruptedException {
    try {
      lead.await(() -> c.settled || closed, c.due, c);
      synchronized (this) {
        if (!c.settled) {
          check();
          throw Codes.refusal(Reason.DEADLINE, c.asked);
        }
        if (c.error != null) {
          throw c.error;
        }
        return c.reply;
      }
    } finally {
      finish(c);
    }
  }

  /** Waits for the next of many answers; null: that was all. */
  Reply next(Call c) throws InterruptedException {
    lead.await(() -> c.settled || !c.answers.isEmpty() || closed, c.due, c);
    boolean grant;
    Reply r;
    synchronized (this) {
      r = c.answers.poll();
      if (r == null) {
        if (!c.settled) {
          check();
          throw Codes.refusal(Reason.DEADLINE, c.asked);
        }
        if (c.error != null) {
          throw c.error;
        }
        return null;
      }
      grant = ++c.taken == GRANT_AT && !c.settled && (c.service != null || c.uplink != null);
      if (grant) {
        c.taken = 0;
      }
    }
    if (grant && c.uplink != null) {
      post.away.credit(this, c, GRANT_AT);
    } else if (grant) {
      c.service.grant(c.correlation, GRANT_AT);
    }
    return r;
  }

  /** Whether the condition holds, which is asked under the lock. */
  synchronized boolean holds(BooleanSupplier ready) {
    return ready.getAsBoolean();
  }

  // Outcomes.

  /** Ends a call with its one outcome; the lock is held. What has to be completed without the lock is added to the list. */
  private void settle(Call c, RingcastException error, List<Call> done) {
    c.settled = true;
    c.error = error;
    calls.remove(c.correlation);
    shares += c.shares;
    c.shares = 0;
    lead.wakeForShares();
    if (c.future != null && --futures == 0) {
      lead.wake(helper);
    }
    done.add(c);
  }

  private void tell(List<Call> done) {
    for (Call c : done) {
      c.dropService();
      lead.wake(c.waiter);
      if (c.future != null) {
        complete(c.future, c);
      }
    }
  }

  /** Gives a call up that is still open. What comes for it later is late. */
  void finish(Call c) {
    List<Call> done = new ArrayList<>();
    boolean open;
    synchronized (this) {
      open = !c.settled;
      if (open) {
        settle(c, Codes.refusal(Reason.CANCELED, c.asked), done);
      }
    }
    if (open) {
      takeBack(c);
    }
    tell(done);
  }

  /** Takes a request back, or has whoever runs it stop. */
  private void takeBack(Call c) {
    if (c.uplink != null) {
      post.away.cancel(c);
    } else if (c.sent && c.service != null) {
      c.service.giveUp(c.spot, c.correlation);
    }
  }

  /** Hands an answer to its call; who leads calls it. */
  void deliver(Received m) {
    Heading h = Heading.of(m);
    List<Call> done = new ArrayList<>(1);
    Call c;
    synchronized (this) {
      c = h == null || !h.destination.equals(post.self) ? null : calls.get(h.correlation);
      if (c == null || h.kind != MessageKind.Reply && h.kind != MessageKind.Error) {
        late++;
        return;
      }
      answer(c, h, Heading.payload(m), done);
    }
    if (done.isEmpty()) {
      lead.wake(c.waiter);
    }
    tell(done);
  }

  private void answer(Call c, Heading h, byte[] payload, List<Call> done) {
    boolean error = h.kind == MessageKind.Error;
    if (c.waitedFor != null) {
      if (!error) {
        c.answers.add(new Reply(payload, h));
        c.answered++;
      }
      c.waitedFor.remove(h.source);
      surveyed(c, done);
    } else if (error) {
      settle(c, c.away ? Away.outcome(c, h.code, payload) : Codes.outcome(h.code, payload, c.asked), done);
    } else if (c.many) {
      c.answers.add(new Reply(payload, h));
      if (!h.more) {
        settle(c, null, done);
      }
    } else {
      c.reply = new Reply(payload, h);
      settle(c, null, done);
    }
  }

  private void surveyed(Call c, List<Call> done) {
    if (c.waitedFor.isEmpty() || c.quorum > 0 && c.answered >= c.quorum) {
      settle(c, null, done);
    }
  }

  // Ends.

  long firstDue() {
    return firstDue;
  }

  /** Settles calls whose time is over, and those whose instance is gone and which have read all that it can have answered. */
  void tidy() {
    List<Call> done = new ArrayList<>();
    List<Call> over = new ArrayList<>();
    synchronized (this) {
      long now = Clock.now();
      if (now >= firstDue) {
        long first = Long.MAX_VALUE;
        for (Call c : List.copyOf(calls.values())) {
          if (c.due <= now) {
            over.add(c);
            settle(c, Codes.refusal(Reason.DEADLINE, c.asked), done);
          } else {
            first = Math.min(first, c.due);
          }
        }
        firstDue = first;
      }
      bury(done);
    }
    for (Call c : over) {
      takeBack(c);
    }
    tell(done);
  }

  private void bury(List<Call> done) {
    for (Iterator<Dying> i = dying.iterator(); i.hasNext();) {
      Dying d = i.next();
      if (d.tail < 0) {
        d.tail = lead.tail(); // loaded after it went
        d.ring = lead.ring();
      }
      if (d.ring == lead.ring() && lead.cursor() < d.tail) {
        continue;
      }
      i.remove();
      Call c = calls.get(d.correlation);
      if (c != null && c.waitedFor != null) {
        c.waitedFor.removeIf(post::departed);
        surveyed(c, done);
      } else if (c != null) {
        settle(c, Codes.refusal(c.uplink != null ? Reason.NODE_DOWN : Reason.INSTANCE_DIED, c.asked), done);
      }
    }
  }

  /** Whether calls wait for the ring to be read that far. */
  synchronized boolean burying() {
    return !dying.isEmpty();
  }

  /** Looks for calls whose instance or address is gone, and for services that have no instance any more. */
  void review() {
    List<Call> done = new ArrayList<>();
    List<Call> none = new ArrayList<>();
    Map<ServiceQueue, Boolean> left = new HashMap<>();
    List<Call> open;
    synchronized (this) {
      open = List.copyOf(calls.values());
      for (Call c : open) {
        c.missed = !c.sent; // isSent looks
      }
    }
    boolean found = false;
    for (Call c : open) {
      boolean sent;
      Address uplink;
      synchronized (this) {
        sent = c.sent;
        uplink = c.uplink;
      }
      if (uplink != null) {
        bury(c, post.gone(uplink));
      } else if (c.service != null) { // also while it is being sent: its row may tell of it already
        boolean any = left.computeIfAbsent(c.service, s -> s.look(correlation -> {
          synchronized (this) {
            dying.add(new Dying(correlation));
          }
        }));
        if (!any && sent && c.service.withdraw(c.spot)) {
          none.add(c);
        }
      } else {
        bury(c, sent && (c.waitedFor != null ? anyGone(c) : post.gone(c.target)));
      }
    }
    synchronized (this) {
      for (Call c : none) {
        if (!c.settled) {
          settle(c, c.service.none(), done);
        }
      }
      found = !dying.isEmpty();
    }
    tell(done);
    if (found) {
      lead.stir();
    }
  }

  private synchronized void bury(Call c, boolean gone) {
    if (gone) {
      dying.add(new Dying(c.correlation));
    }
  }

  private synchronized boolean anyGone(Call c) {
    return c.waitedFor.stream().anyMatch(post::departed);
  }

  /** Lets the ring go. Who waits is told that the domain was closed. */
  void close() {
    List<Call> open;
    synchronized (this) {
      closed = true;
      open = List.copyOf(calls.values());
      notifyAll();
    }
    open.forEach(this::finish);
    lead.close(helper);
  }
}
