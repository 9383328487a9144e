package io.github.ringcast;

import io.github.ringcast.ring.Keeping;

/**
 * A message that stays beyond the next call with its subscription, until it is closed: {@link
 * Subscription#keep}. Several may be kept at once, and closed in any order. A message that lies in the ring
 * holds its slot, as a slow reader does.
 *
 * <p>Any thread may close it; its message is for one thread at a time.
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

  /** Returns the message; its calls throw once this is closed. Its {@link Message#payload} lies where the message came. */
  public Message message() {
    return message;
  }

  /** Returns whether it is read where it lies in the ring, and is not a copy. */
  public synchronized boolean inPlace() {
    return place != null;
  }

  /**
   * Gives the message back. Do not use anything that was made from its payload any more. Closing twice is
   * fine. May make system calls.
   */
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
