package io.github.ringcast;

import io.github.ringcast.ring.DirectOutlet;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Producer;
import io.github.ringcast.shm.Clock;

/** Writes to one ring of another's inbox, or to the forwarder's uplink; never waits for room. Safe for use by several threads. */
final class Outbox {
  private static final long ASK_AGAIN = 10_000_000;

  final Address address;
  private final Post post;
  private final boolean replies;
  private final DirectOutlet outlet;
  private long asked = Clock.now();
  private boolean closed;

  Outbox(Post post, Address address, boolean replies, DirectOutlet outlet) {
    this.post = post;
    this.address = address;
    this.replies = replies;
    this.outlet = outlet;
  }

  /** Puts a letter there, for this address; false: this leads nowhere any more, open it again. Throws GONE, OVERLOADED, TOO_LARGE. */
  synchronized boolean put(Letter l, Address to) {
    if (closed || !present()) {
      return false;
    }
    if (l.size() > outlet.room()) {
      throw Post.tooLarge("inbox of " + address, l.size(), outlet.room());
    }
    l.to(to.word0(), to.word1());
    long t = outlet.put(l);
    if (t >= 0) {
      return true;
    }
    if (t == Producer.RETIRED) {
      return false;
    }
    if (post.dead(address)) {
      throw Codes.refusal(Reason.GONE, address.toString());
    }
    throw new RingcastException(Reason.OVERLOADED, "inbox of " + address + " is full: it is read too slowly");
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
    if (replies || now - asked < ASK_AGAIN) {
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
