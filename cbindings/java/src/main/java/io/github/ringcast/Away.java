package io.github.ringcast;

import io.github.ringcast.fb.Layout;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.RemoteDirectory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The way to other nodes: what is for one goes into the uplink of this node's forwarder, which is written to like an inbox:
 * spec/messaging.md, 13. Safe for use by several threads.
 */
final class Away {
  /** Codes of messages of kind System. */
  private static final int CANCEL = 1;
  private static final int CREDIT = 2;
  private static final int TRIES = 10;
  /** How long a caller waits for room for credit. */
  private static final long REST = 1_000_000;
  private static final Address ANYBODY = new Address(0, 0, 0, 0, 0);

  private final Post post;
  private Outbox uplink;

  Away(Post post) {
    this.post = post;
  }

  /** Whether an address is of another node. */
  boolean is(Address a) {
    return a.node() != 0 && a.node() != post.self.node();
  }

  /** Why nothing can be sent to an address of another node, as far as that is known here; null: it may be there. */
  Reason standing(Address a) {
    if (a.generation() == 0) {
      return Reason.GONE;
    }
    RemoteDirectory d = post.domain.membership().others();
    if (d == null) {
      return null; // it is being written; the forwarder knows
    }
    switch (d.standing(a.node(), a.epoch(), a.index(), a.generation())) {
      case GONE: return Reason.GONE;
      case NODE_DOWN: return Reason.NODE_DOWN;
      default: return null;
    }
  }

  /** This node's forwarder; null: there is none. */
  Address forwarder() {
    long word = post.domain.membership().node().forwarder(post.domain.table());
    return word == 0 ? null : new Address(post.self.node(), post.self.epoch(), (int) (word >>> 32), (int) word - 1, 0);
  }

  /** Sends a letter to the inbox of a participant of another node. Returns the forwarder; throws GONE, NODE_DOWN, OVERLOADED, TOO_LARGE. */
  Address send(Address to, Letter l) {
    Reason refused = standing(to);
    if (refused != null) {
      throw Codes.refusal(refused, to.toString());
    }
    return put(to, l);
  }

  /** Sends a letter to an instance of a service on another node, after its own has refused it, and throws that where there is none. */
  Address serve(ServiceQueue service, Letter l, RingcastException refused) {
    boolean may = refused.reason() == Reason.NO_SERVICE || refused.reason() == Reason.OVERLOADED;
    RemoteDirectory d = may && forwarder() != null ? post.domain.membership().others() : null;
    if (d == null || !d.serves(service.name)) {
      throw refused;
    }
    l.toService(service.hash());
    try {
      return put(ANYBODY, l);
    } catch (RingcastException e) {
      throw e.reason() == Reason.NODE_DOWN ? refused : e;
    }
  }

  /** Puts a letter into the uplink and returns whose that is. Throws NODE_DOWN, OVERLOADED, TOO_LARGE. */
  Address put(Address to, Letter l) {
    for (int i = 0; i < TRIES; i++) {
      Address up = forwarder();
      if (up == null) {
        break;
      }
      try {
        Outbox o = open(up);
        if (o.put(l, to)) {
          return up;
        }
        drop(o);
      } catch (RingcastException e) {
        if (e.reason() != Reason.GONE && e.reason() != Reason.NO_INBOX) {
          throw e;
        }
      }
    }
    throw Codes.refusal(Reason.NODE_DOWN, to.equals(ANYBODY) ? "another node" : to.toString());
  }

  private synchronized Outbox open(Address forwarder) {
    if (uplink == null || !uplink.address.equals(forwarder)) {
      close();
      uplink = post.open(forwarder, path(forwarder), Outbox.Kind.UPLINK);
    }
    return uplink;
  }

  private String path(Address forwarder) {
    return post.domain.directory() + "/inbox/" + forwarder.index() + "." + Integer.toUnsignedString(forwarder.generation()) + ".uplink";
  }

  private synchronized void drop(Outbox o) {
    if (uplink == o) {
      close();
    }
  }

  synchronized void close() {
    if (uplink != null) {
      uplink.close();
      uplink = null;
    }
  }

  /** Lets the ring of a forwarder go that has gone. */
  synchronized void tidy() {
    if (uplink != null && post.gone(uplink.address)) {
      close();
    }
  }

  /** Tells whoever has a call on another node what a word in a row would say here; false: the way that it went is gone. Throws OVERLOADED. */
  private boolean control(Call c, int code, byte[] payload) {
    if (post.gone(c.uplink)) {
      return false; // a later forwarder knows nothing of it
    }
    Letter l = Letter.system(payload, c.correlation, code);
    if (c.service != null) {
      l.toService(c.service.hash());
    }
    try {
      put(c.target == null ? ANYBODY : c.target, l);
      return true;
    } catch (RingcastException e) {
      if (e.reason() == Reason.OVERLOADED) {
        throw e;
      }
      return false;
    }
  }

  /** Gives a call up that is on another node. Where the uplink has no room its time ends it there. */
  void cancel(Call c) {
    try {
      control(c, CANCEL, new byte[0]);
    } catch (RingcastException e) {
      // no room
    }
  }

  /** Gives credit for answers that were taken. Waits for room while the call is open. */
  void credit(Desk desk, Call c, int answers) {
    byte[] payload = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(answers).array();
    while (desk.holds(() -> !c.settled) && Clock.now() < c.due) {
      try {
        control(c, CREDIT, payload);
        return;
      } catch (RingcastException e) {
        Clock.pause(REST);
      }
    }
  }

  /** What an answer of kind Error means for a call that went to another node. */
  static RingcastException outcome(Call c, int code, byte[] text) {
    boolean ofService = c.service != null;
    switch (code) {
      case Codes.NO_SERVICE:
        if (c.refused != null) {
          return c.refused;
        }
        return ofService ? c.service.none() : Codes.refusal(Reason.NO_INBOX, c.asked);
      case Codes.REQUEST_TOO_LARGE:
        return new RingcastException(Reason.TOO_LARGE, c.asked + ": " + c.size + " bytes: on its node it takes at most "
            + new String(text, 0, Math.min(text.length, Layout.MAX_NAME), StandardCharsets.UTF_8));
      default:
        return Codes.outcome(code, text, c.asked);
    }
  }
}
