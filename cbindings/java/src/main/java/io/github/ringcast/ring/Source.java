package io.github.ringcast.ring;

import java.nio.ByteBuffer;

/** Something that is read: a topic, or one's share of it. For one thread. */
public interface Source {
  /** Takes the next message or event, if one is there; what was lent before is given back. Who waits looks again at once, and asks nothing else meanwhile. */
  int poll(Received out, boolean waits);

  /** Whether a look may find something, by less than a look: a hint for who spins. */
  default boolean hint() {
    return true;
  }

  /** Where messages come in a stream, lets their producer run ahead for a moment, and says so. */
  default boolean letRunAhead() {
    return false;
  }

  /** Whether what was read last came from another node: a hint. */
  default boolean afar() {
    return false;
  }

  /** Whether so many messages are there, as far as a look at the last of them tells. */
  default boolean backlog(int messages) {
    return false;
  }

  /** Says that what was taken last is handled; nothing where that has no meaning. */
  default void done() { }

  /** Keeps the message that was lent last where it lies; null if it does not lie in the ring. */
  default Keeping keep(Received lent) {
    return null;
  }

  /** Whether these bytes, which do not lie in the ring, may be used again for another message. */
  default boolean copiesInto(ByteBuffer bytes) {
    return true;
  }

  /** Before sleep: leaves word with the wakers. */
  void prepareSleep();

  /** Behind prepareSleep: whether there is something to do. */
  boolean ready();

  /** Behind ready: how long a sleep may last. */
  long nap();

  /** How many positions are left, by a hint. */
  long behind();

  /** Leaves for good. */
  void close();
}
