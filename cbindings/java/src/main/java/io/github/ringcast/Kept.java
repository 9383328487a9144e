package io.github.ringcast;

import io.github.ringcast.ring.Keeping;

/**
 * A message that stays beyond the next call with its subscription, until it is closed: {@link Subscription#keep}. Several may be kept
 * at once, and each be closed when it pleases. What lies in the ring holds its slot, as a slow reader does.
 *
 * <p>To be closed by any thread; its message is for one thread at a time.
 */
public final class Kept implements AutoCloseable {
  private final Domain domain;
  private final Message message;
  /** Null: a copy, or closed. */
  private Keeping place;

  Kept(Domain domain, Message message, Keeping place) {
    this.domain = domain;
    this.message = message;
    this.place = place;
  }

  /** The message; its calls throw once this is closed. Its {@link Message#payload} lies where the message came. */
  public Message message() {
    return message;
  }

  /** Whether it is read where it lies in the ring, and not a copy. */
  public synchronized boolean inPlace() {
    return place != null;
  }

  /** Gives the message back. Nothing that was made of its payload may be used any more. Twice is fine. May make system calls. */
  @Override
  public synchronized void close() {
    message.end();
    if (place != null) {
      place.drop();
      place = null;
      domain.release();
    }
  }
}
