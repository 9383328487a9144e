package io.github.ringcast;

import io.github.ringcast.ring.DirectOutlet;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Producer;
import io.github.ringcast.shm.Clock;

/** Writes to one ring of another's inbox, or to the forwarder's uplink; never waits for room. Safe for use by several threads. */
final class Outbox {
  private static final long ASK_AGAIN = 10_000_000;

  final Address address;

  /** What ring it is. */
  enum Kind { MAIL, REPLIES, UPLINK }

  private final Post post;
  private final Kind kind;
  private final DirectOutlet outlet;
  private long asked = Clock.now();
  private boolean closed;

  Outbox(Post post, Address address, Kind kind, DirectOutlet outlet) {
    this.post = post;
    this.address = address;
    this.kind = kind;
    this.outlet = outlet;
  }

  /** Puts a letter there, for this address; false: this leads nowhere any more, open it again. Throws GONE, OVERLOADED, TOO_LARGE. */
  synchronized boolean put(Letter l, Address to) {
    if (closed || !present()) {
      return false;
    }
    boolean fits = l.size() <= outlet.room();
    int room = kind == Kind.UPLINK ? outlet.longRoom() : outlet.room();
    if (!fits && l.size() > room) {
      throw Post.tooLarge(where(), l.size(), room);
    }
    l.to(to.word0(), to.word1());
    long t = fits ? outlet.put(l) : outlet.putLong(l);
    if (t >= 0) {
      return true;
    }
    if (t == Producer.RETIRED) {
      return false;
    }
    if (post.dead(address)) {
      throw Codes.refusal(Reason.GONE, address.toString());
    }
    throw new RingcastException(Reason.OVERLOADED, where() + " is full: it is read too slowly");
  }

  private String where() {
    return kind == Kind.UPLINK ? "uplink of this node" : "inbox of " + address;
  }

  /** Whether the owner reads here; GONE is thrown. */
  private boolean present() {
    if (!outlet.seated()) {
      if (post.dead(address)) {
        throw Codes.refusal(Reason.GONE, address.toString());
      }
      return outlet.seat(address.index());
    }
    long now = Clock.now();
    if (kind == Kind.REPLIES || now - asked < ASK_AGAIN) {
      return true; // who waits for an answer is watched, or does not matter
    }
    if (post.dead(address)) {
      throw Codes.refusal(Reason.GONE, address.toString());
    }
    asked = now;
    return true;
  }

  synchronized void close() {
    if (!closed) {
      closed = true;
      outlet.close();
    }
  }
}
