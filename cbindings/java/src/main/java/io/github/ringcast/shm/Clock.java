package io.github.ringcast.shm;

/**
 * CLOCK_MONOTONIC in nanoseconds, which words of the rings hold. The virtual machine's own clock is
 * the same one on Linux; where it began elsewhere, the difference is added.
 */
public final class Clock {
  private static final long OFFSET = offset();

  private Clock() {}

  private static long offset() {
    long difference = Kernel.monotonic() - System.nanoTime();
    return Math.abs(difference) < 1_000_000_000L ? 0 : difference;
  }

  /** Now. No system call where the kernel shares its clock. */
  public static long now() {
    return System.nanoTime() + OFFSET;
  }

  /** The wall clock in nanoseconds since 1970. */
  public static long wall() {
    java.time.Instant now = java.time.Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  /** Waits a moment without a promise. An interrupt is kept for who looks at it. */
  public static void pause(long nanos) {
    java.util.concurrent.locks.LockSupport.parkNanos(nanos);
  }
}
