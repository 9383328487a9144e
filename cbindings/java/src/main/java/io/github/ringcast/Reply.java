package io.github.ringcast;

import java.nio.charset.StandardCharsets;

/** An answer. It is a copy and belongs to who asked; safe for use by several threads that change nothing in it. */
public final class Reply {
  private final byte[] payload;
  private final Address source;

  Reply(byte[] payload, Address source) {
    this.payload = payload;
    this.source = source;
  }

  /** The answer's bytes: the array itself. */
  public byte[] payload() {
    return payload;
  }

  /** The answer's bytes as text, UTF-8. */
  public String text() {
    return new String(payload, StandardCharsets.UTF_8);
  }

  /** The address of who answered. */
  public Address source() {
    return source;
  }
}
