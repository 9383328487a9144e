package io.github.ringcast;

import static io.github.ringcast.fb.Layout.*;

import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.fb.Content;
import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Received;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One message, or one event, lent until the next call with its subscription, which uses the object and the
 * payload's buffer again. To have the bytes for longer, copy them ({@link #bytes}), or keep the message
 * ({@link Subscription#keep}). A call on a message that was given back throws. A buffer that was kept shows
 * other bytes or throws, and cannot harm the process.
 *
 * <p>Unless it says so, no getter blocks, allocates or makes a system call. For the thread of its
 * subscription.
 */
public final class Message {
  final Received received;
  private MessageType type;
  private String topic;
  private ByteBuffer viewed;
  private ByteBuffer view;

  private final Domain domain;

  Message(Domain domain) {
    this(domain, new Received());
  }

  private Message(Domain domain, Received received) {
    this.domain = domain;
    this.received = received;
  }

  /** Another one of the same message, over its bytes or over a copy of them. */
  Message another(boolean copied) {
    return new Message(domain, received.another(copied)).lent(type, topic);
  }

  Message lent(MessageType is, String of) {
    if (type != is) { // a reference costs more than a look at it
      type = is;
    }
    if (topic != of) {
      topic = of;
    }
    return this;
  }

  void giveBack() {
    type = null;
  }

  void end() {
    type = null;
    if (view != null) {
      view.limit(0);
    }
  }

  private Received here() {
    if (type == null) {
      throw new IllegalStateException("the message was given back: it is lent until the next call with its subscription");
    }
    return received;
  }

  private Received message() {
    Received r = here();
    if (type != MessageType.MESSAGE) {
      throw new IllegalStateException("not a message but an event: " + this);
    }
    return r;
  }

  private long word(int offset) {
    Received r = message();
    return r.bytes.getLong(r.at + offset);
  }

  /** Says what this is. Look here first. */
  public MessageType type() {
    here();
    return type;
  }

  /** Returns whether this is a message, and not an event. */
  public boolean isMessage() {
    return here() == received && type == MessageType.MESSAGE;
  }

  /** Returns its topic, even in a subscription to a pattern. */
  public String topic() {
    here();
    return topic;
  }

  /**
   * Returns the payload where it lies, little endian, from the buffer's position to its limit: FlatBuffers'
   * accessors read it as it is. Read-only if it lies in the ring.
   */
  public ByteBuffer payload() {
    Received r = message();
    if (r.bytes != viewed) {
      viewed = r.bytes;
      view = r.bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }
    int from = r.at + r.start;
    return view.limit(from + r.length).position(from);
  }

  /** Returns a copy of the payload. Allocates. */
  public byte[] bytes() {
    byte[] copy = new byte[size()];
    received.bytes.get(received.at + received.start, copy);
    return copy;
  }

  /** Returns how many bytes the payload has. */
  public int size() {
    return message().length;
  }

  /** Returns the participant and the publisher that sent it, or that a LOSS is about. Allocates. */
  public Address source() {
    Received r = here();
    if (type == MessageType.MESSAGE) {
      return Address.of(word(SLOT_HEADER_PRODUCER_OFFSET), word(SLOT_HEADER_PRODUCER_OFFSET + 8));
    }
    if (type == MessageType.LOSS) {
      int at = r.at + r.start + EVENT_RECORD_SOURCE_OFFSET;
      return Address.of(r.bytes.getLong(at), r.bytes.getLong(at + 8));
    }
    if (type == MessageType.ABANDONED) {
      return Address.of(r.source0, r.source1);
    }
    throw new IllegalStateException("this event is about no source: " + this);
  }

  /** Returns the source's number of this message: from 1, without a gap. */
  public long sequence() {
    return word(SLOT_HEADER_SEQUENCE_OFFSET);
  }

  /** Returns its position in the ring. */
  public long position() {
    return here().position;
  }

  /** Returns the publisher's wall clock in nanoseconds since 1970; 0 if it set none. */
  public long timestamp() {
    return (flags() & MessageFlag.Timestamped) != 0 ? word(SLOT_HEADER_TIMESTAMP_NS_OFFSET) : 0;
  }

  /** Returns the low half of the hash of the payload's schema; 0: unknown. */
  public int schema() {
    return (int) word(SLOT_HEADER_SCHEMA_HASH_OFFSET);
  }

  /** Says what the message is, as a number of {@link io.github.ringcast.fb.MessageKind}. */
  public int kind() {
    return (int) (word(SLOT_HEADER_SCHEMA_HASH_OFFSET) >>> 32) & 0xff;
  }

  /** Returns whether it waits for an answer ({@link #reply}). */
  public boolean isRequest() {
    return here() == received && type == MessageType.MESSAGE && kind() == MessageKind.Request && (flags() & MessageFlag.Addressed) != 0;
  }

  /**
   * Returns the address of the sender of a direct message, a request or a survey, to which one can answer.
   * For any other message, that of its participant. Allocates.
   */
  public Address from() {
    Heading h = Heading.of(message());
    if (h != null) {
      return h.source;
    }
    Address a = source();
    return new Address(a.node(), a.epoch(), a.generation(), a.index(), 0);
  }

  /**
   * Answers a request in the inbox, or a survey on a topic. Never waits. It is no error if the sender is
   * gone or has given up. Throws NOT_ADDRESSED; TOO_LARGE, and the sender gets REPLY_TOO_LARGE. Allocates.
   */
  public void reply(byte[] payload) {
    reply(payload, Content.Raw, 0);
  }

  /** Does the same with a FlatBuffer that the builder has finished, and the low half of its schema's hash. */
  public void reply(FlatBufferBuilder finished, int schemaHash) {
    reply(finished.sizedByteArray(), Content.FlatBuffer, schemaHash);
  }

  private void reply(byte[] payload, int content, int schemaHash) {
    Heading h = asked();
    Reason refused = answer(h, Letter.reply(payload, h.correlation, false).marked(content, schemaHash));
    if (refused == Reason.TOO_LARGE) {
      answer(h, Letter.error(new byte[0], h.correlation, Codes.TOO_LARGE));
      throw new RingcastException(refused, "reply to " + h.source + ": " + payload.length + " bytes do not fit its inbox");
    }
  }

  /** Answers with an error, which the sender gets as a {@link ReplyException} with that code. Throws NOT_ADDRESSED. */
  public void fail(int code, String text) {
    Heading h = asked();
    answer(h, Letter.error(text.getBytes(StandardCharsets.UTF_8), h.correlation, Codes.application(code)));
  }

  private Heading asked() {
    if (!isRequest()) {
      throw new RingcastException(Reason.NOT_ADDRESSED, "reply: the message is no request");
    }
    return Heading.of(received);
  }

  private Reason answer(Heading h, Letter l) {
    try {
      domain.post().send(h.source, true, l);
      return null;
    } catch (RingcastException e) {
      return e.reason();
    }
  }

  /** Returns whether the payload is a FlatBuffer. If you do not trust its sender, verify it before you read it. */
  public boolean flatBuffer() {
    return ((int) (word(SLOT_HEADER_SCHEMA_HASH_OFFSET) >>> 40) & 0xff) == Content.FlatBuffer;
  }

  /** Returns whether it came from another node. */
  public boolean remote() {
    return (flags() & MessageFlag.Remote) != 0;
  }

  private int flags() {
    return (int) (word(SLOT_HEADER_TOTAL_LENGTH_OFFSET) >>> 48);
  }

  /** Of ABANDONED: returns who died with the message in hand. Allocates. */
  public Address taker() {
    Received r = event();
    if (type != MessageType.ABANDONED) {
      throw new IllegalStateException("this event has no taker: " + this);
    }
    return Address.of(r.taker0, r.taker1);
  }

  /** Of an event: the first position (LAGGED, DAMAGED) or sequence (LOSS, ABANDONED). */
  public long first() {
    return event().first;
  }

  /** Of an event: the last one, inclusive. */
  public long last() {
    return event().last;
  }

  /** Of an event: how many. */
  public long count() {
    return event().count;
  }

  /** Of a LOSS: why, as a number of {@link io.github.ringcast.fb.LossReason}. */
  public int lossReason() {
    Received r = event();
    return type == MessageType.LOSS ? r.bytes.getInt(r.at + r.start + EVENT_RECORD_REASON_OFFSET) : 0;
  }

  private Received event() {
    Received r = here();
    if (type == MessageType.MESSAGE) {
      throw new IllegalStateException("not an event but a message");
    }
    return r;
  }

  @Override
  public String toString() {
    if (type == null) {
      return "a message that was given back";
    }
    return type == MessageType.MESSAGE ? topic + " " + source() + " " + sequence() + ": " + size() + " bytes"
        : topic + " " + type + ": " + received.count + ", " + received.first + " to " + received.last;
  }
}
