package io.github.ringcast.ring;

/** What holds a message where it lies. */
public interface Keeping {
  /** Gives it back. Twice is fine; from any thread. */
  void drop();
}
