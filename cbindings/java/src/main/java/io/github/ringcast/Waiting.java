package io.github.ringcast;

/** How to wait. */
public enum Waiting {
  /** Spins for 2 to 200 microseconds, by recent success, then sleeps: waiting costs next to nothing. The default. */
  BLOCK,
  /** Never sleeps, and makes no system call while it waits. */
  SPIN,
  /** Gives up the core between looks, but does not sleep. */
  YIELD
}
