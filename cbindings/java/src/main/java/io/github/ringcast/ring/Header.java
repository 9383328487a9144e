package io.github.ringcast.ring;

/** What a message bears beside its bytes. Owned by one publisher; for one thread. */
public final class Header {
  /** The source's 16 bytes as two little-endian words. */
  public long source0;
  public long source1;
  public long sequence;
  /** Wall clock in nanoseconds, 0 for none. */
  public long timestamp;
  /** Low half of the schema's hash. */
  public int schema;
}
