package io.github.ringcast;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** An answer. It is a copy and belongs to who asked; safe for use by several threads that change nothing in it. */
public final class Reply {
  private final byte[] payload;
  private final Address source;
  private final boolean flatBuffer;
  private final int schema;

  Reply(byte[] payload, Heading heading) {
    this.payload = payload;
    source = heading.source;
    flatBuffer = heading.flatBuffer;
    schema = heading.schema;
  }

  /** The answer's bytes: the array itself. */
  public byte[] payload() {
    return payload;
  }

  /** The answer's bytes as text, UTF-8. */
  public String text() {
    return new String(payload, StandardCharsets.UTF_8);
  }

  /** The answer's bytes as accessors of FlatBuffers read them: {@code Order.getRootAsOrder(reply.buffer())}. Little endian, over the array. Allocates. */
  public ByteBuffer buffer() {
    return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Whether the answer is a FlatBuffer. One from a stranger has to be verified by who reads it. */
  public boolean flatBuffer() {
    return flatBuffer;
  }

  /** Low half of the hash of the answer's schema; 0: unknown. */
  public int schema() {
    return schema;
  }

  /** The address of who answered. */
  public Address source() {
    return source;
  }
}
