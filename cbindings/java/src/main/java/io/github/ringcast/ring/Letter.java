package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.Content;
import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.shm.Clock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A direct message on its way: what its header, its address block and its payload say: spec/messaging.md, 7. */
public final class Letter {
  private static final long MICROSECOND = 1000;

  final int kind;
  private final byte[] payload;
  private long destination0;
  private long destination1;
  private long correlation;
  private long timeLeft;
  private long service;
  private int code;
  private boolean more;
  private int content = Content.Raw;
  private int schema;

  private Letter(int kind, byte[] payload) {
    this.kind = kind;
    this.payload = payload;
  }

  /** A message that nobody answers. */
  public static Letter data(byte[] payload) {
    return new Letter(MessageKind.Data, payload);
  }

  /** A request with so many nanoseconds left now; more: many answers are taken. */
  public static Letter request(byte[] payload, long correlation, long timeLeft, boolean more) {
    Letter l = new Letter(MessageKind.Request, payload);
    l.correlation = correlation;
    l.timeLeft = timeLeft;
    l.code = (int) (Clock.now() / MICROSECOND);
    l.more = more;
    return l;
  }

  /** An answer; more: others follow. */
  public static Letter reply(byte[] payload, long correlation, boolean more) {
    Letter l = new Letter(MessageKind.Reply, payload);
    l.correlation = correlation;
    l.more = more;
    return l;
  }

  /** An answer that is an error. */
  public static Letter error(byte[] text, long correlation, int code) {
    Letter l = new Letter(MessageKind.Error, text);
    l.correlation = correlation;
    l.code = code;
    return l;
  }

  /** What one says to whoever has a request on another node. */
  public static Letter system(byte[] payload, long correlation, int code) {
    Letter l = new Letter(MessageKind.System, payload);
    l.correlation = correlation;
    l.code = code;
    return l;
  }

  /** Says what the payload is: a number of Content, and the low half of its schema's hash. */
  public Letter marked(int contentOfPayload, int schemaHash) {
    content = contentOfPayload;
    schema = schemaHash;
    return this;
  }

  /** Says to which participant it goes: the two words of an address without a handle. */
  public void to(long address0, long address1) {
    destination0 = address0;
    destination1 = address1;
  }

  /** Says to which service it goes. */
  public void toService(long hash) {
    service = hash;
  }

  /** Bytes of the payload. */
  public int size() {
    return payload.length;
  }

  /** The block and the payload, as they stand in a message of several slots. */
  ByteBuffer whole(Header h) {
    ByteBuffer all = ByteBuffer.allocate(ADDRESS_BLOCK_SIZE + payload.length).order(ByteOrder.LITTLE_ENDIAN);
    writeBlock(all, 0, h);
    return all.put(ADDRESS_BLOCK_SIZE, payload);
  }

  /** The flags of a message of several slots. */
  int flags() {
    return more ? MessageFlag.More : 0;
  }

  /** Schema, kind and content as they stand in the last word of a slot header. */
  long marks() {
    return schema & 0xffffffffL | (long) kind << 32 | (long) content << 40;
  }

  private void writeBlock(ByteBuffer slot, int block, Header h) {
    slot.putLong(block + ADDRESS_BLOCK_SOURCE_OFFSET, h.source0);
    slot.putLong(block + ADDRESS_BLOCK_SOURCE_OFFSET + 8, h.source1 & ~(0xffffL << 48)); // the participant, not the handle
    slot.putLong(block + ADDRESS_BLOCK_DESTINATION_OFFSET, destination0);
    slot.putLong(block + ADDRESS_BLOCK_DESTINATION_OFFSET + 8, destination1);
    slot.putLong(block + ADDRESS_BLOCK_CORRELATION_OFFSET, correlation);
    slot.putLong(block + ADDRESS_BLOCK_TIME_LEFT_NS_OFFSET, timeLeft);
    slot.putLong(block + ADDRESS_BLOCK_SERVICE_HASH_OFFSET, service);
    slot.putLong(block + ADDRESS_BLOCK_HOPS_OFFSET, (long) code << 32);
  }

  /** Writes all of it into a slot but its header's source and sequence. */
  void write(ByteBuffer slot, int at, Header h) {
    int block = at + SLOT_HEADER_SIZE;
    writeBlock(slot, block, h);
    slot.put(block + ADDRESS_BLOCK_SIZE, payload, 0, payload.length);
    int flags = MessageFlag.Begin | MessageFlag.End | MessageFlag.Addressed | flags();
    slot.putLong(at + SLOT_HEADER_PAYLOAD_START_OFFSET, SLOT_HEADER_SIZE + ADDRESS_BLOCK_SIZE | (long) payload.length << 32);
    slot.putLong(at + SLOT_HEADER_PRODUCER_OFFSET, h.source0);
    slot.putLong(at + SLOT_HEADER_PRODUCER_OFFSET + 8, h.source1);
    slot.putLong(at + SLOT_HEADER_SEQUENCE_OFFSET, h.sequence);
    slot.putLong(at + SLOT_HEADER_TIMESTAMP_NS_OFFSET, 0);
    slot.putLong(at + SLOT_HEADER_TOTAL_LENGTH_OFFSET, payload.length & 0xffffffffL | (long) flags << 48);
    slot.putLong(at + SLOT_HEADER_SCHEMA_HASH_OFFSET, marks());
  }
}
