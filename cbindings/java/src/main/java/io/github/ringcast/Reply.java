package io.github.ringcast;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** An answer. It is a copy and belongs to the caller. Several threads may use it if none changes anything in it. */
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

  /** Returns the answer's bytes: the array itself. */
  public byte[] payload() {
    return payload;
  }

  /** Returns the answer's bytes as text, UTF-8. */
  public String text() {
    return new String(payload, StandardCharsets.UTF_8);
  }

  /**
   * Returns the answer's bytes as accessors of FlatBuffers read them: {@code
   * Order.getRootAsOrder(reply.buffer())}. Little endian, over the array. Allocates.
   */
  public ByteBuffer buffer() {
    return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns whether the answer is a FlatBuffer. If you do not trust its sender, verify it before you read it. */
  public boolean flatBuffer() {
    return flatBuffer;
  }

  /** Returns the low half of the hash of the answer's schema; 0: unknown. */
  public int schema() {
    return schema;
  }

  /** Returns the address of whoever answered. */
  public Address source() {
    return source;
  }
}
