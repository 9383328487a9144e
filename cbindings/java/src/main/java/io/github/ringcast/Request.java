package io.github.ringcast;

import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.fb.Content;
import io.github.ringcast.ring.Hand;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Received;
import io.github.ringcast.shm.Clock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What a handler answers. It is valid until the handler returns, and belongs to the handler's thread,
 * except {@link #canceled}, which any thread may call. When nobody waits for the answer any more, the
 * thread is interrupted, once.
 */
public final class Request {
  private static final long REST = 10_000_000;

  private final Instance instance;
  private final Hand hand;
  private final Heading heading;
  private final byte[] payload;
  private final long due;
  /** The forwarder that brought a request of another node; else null. */
  private final Address broughtBy;
  private final Thread thread = Thread.currentThread();
  private boolean answered;
  private long sent;
  private volatile boolean ended;
  private boolean told;

  Request(Instance instance, Hand hand, Heading heading, Received m) {
    this.instance = instance;
    this.hand = hand;
    this.heading = heading;
    payload = Heading.payload(m);
    broughtBy = heading.source.node() == instance.post().self.node() ? null : instance.post().away.forwarder();
    due = Clock.now() + (oneWay() ? Heading.MOST_TIME : heading.remaining());
  }

  /** Returns the request's bytes: a copy, which the handler may keep. */
  public byte[] payload() {
    return payload;
  }

  /** Returns the request's bytes as text, UTF-8. */
  public String text() {
    return new String(payload, StandardCharsets.UTF_8);
  }

  /** Returns the request's bytes as accessors of FlatBuffers read them, little endian, over the array. Allocates. */
  public ByteBuffer buffer() {
    return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns whether the request is a FlatBuffer. If you do not trust its sender, verify it before you read it. */
  public boolean flatBuffer() {
    return heading.flatBuffer;
  }

  /** Returns the low half of the hash of the request's schema; 0: unknown. */
  public int schema() {
    return heading.schema;
  }

  /** Returns the address of the caller. */
  public Address source() {
    return heading.source;
  }

  /** Returns the name that was called. */
  public String service() {
    return instance.name();
  }

  /** Returns whether the caller waits for no answer ({@link Client#send}). If so, a reply does nothing. */
  public boolean oneWay() {
    return heading.data();
  }

  /** Returns whether the caller takes several replies ({@link Client#stream}). */
  public boolean streams() {
    return heading.more;
  }

  /** Returns how many nanoseconds are left for the answer; 0 or less: none. */
  public long remaining() {
    return due - Clock.now();
  }

  /**
   * Returns whether the request no longer needs an answer: its caller gave it up or is gone, its time is
   * over, or the instance stops in a hurry.
   */
  public boolean canceled() {
    return why() != null;
  }

  private Reason why() {
    boolean nobody = broughtBy == null ? instance.post().gone(heading.source) : instance.post().gone(broughtBy);
    if (hand.canceled() || instance.hurries() || nobody) {
      return Reason.CANCELED;
    }
    return remaining() <= 0 ? Reason.DEADLINE : null;
  }

  /** Interrupts the handler, once, when nobody waits for it; whoever sees a change calls it. */
  synchronized void look() {
    if (!ended && !told && canceled()) {
      told = true;
      thread.interrupt();
    }
  }

  /** From here on the thread is not interrupted any more; one that was is not. */
  synchronized void end() {
    ended = true;
    if (told) {
      Thread.interrupted();
    }
  }

  boolean answered() {
    return answered || oneWay();
  }

  /**
   * Sends the request's last answer. Never waits. It is no error if the caller is gone or has given up.
   * Throws ANSWERED; TOO_LARGE, and the caller gets REPLY_TOO_LARGE.
   */
  public void reply(byte[] bytes) {
    reply(bytes, Content.Raw, 0);
  }

  /** Does the same with a FlatBuffer that the builder has finished, and the low half of its schema's hash. */
  public void reply(FlatBufferBuilder finished, int schemaHash) {
    reply(finished.sizedByteArray(), Content.FlatBuffer, schemaHash);
  }

  private void reply(byte[] bytes, int content, int schemaHash) {
    if (oneWay()) {
      return;
    }
    if (answered) {
      throw new RingcastException(Reason.ANSWERED, "reply of " + service() + ": the request has its last answer");
    }
    if (send(Letter.reply(bytes, heading.correlation, false).marked(content, schemaHash)) == Reason.TOO_LARGE) {
      fail(Codes.TOO_LARGE, "");
      throw tooLarge(bytes);
    }
    answered = true;
  }

  /** Does the same with text, UTF-8. */
  public void reply(String text) {
    reply(text.getBytes(StandardCharsets.UTF_8));
  }

  private RingcastException tooLarge(byte[] bytes) {
    return new RingcastException(Reason.TOO_LARGE, "reply of " + service() + ": " + bytes.length + " bytes do not fit the inbox of " + heading.source);
  }

  /**
   * Sends one of several replies; {@link #reply}, or an exception of the handler, ends them. It waits while
   * the caller has not taken the last 15. Throws ONE_REPLY if the caller takes only one; CANCELED,
   * DEADLINE; ANSWERED; TOO_LARGE.
   */
  public void more(byte[] bytes) throws InterruptedException {
    more(bytes, Content.Raw, 0);
  }

  /** Does the same with a FlatBuffer that the builder has finished, and the low half of its schema's hash. */
  public void more(FlatBufferBuilder finished, int schemaHash) throws InterruptedException {
    more(finished.sizedByteArray(), Content.FlatBuffer, schemaHash);
  }

  private void more(byte[] bytes, int content, int schemaHash) throws InterruptedException {
    if (oneWay()) {
      return;
    }
    if (answered) {
      throw new RingcastException(Reason.ANSWERED, "reply of " + service() + ": the request has its last answer");
    }
    if (!streams()) {
      throw new RingcastException(Reason.ONE_REPLY, "reply of " + service() + ": the caller takes one reply");
    }
    awaitCredit();
    Reason refused = send(Letter.reply(bytes, heading.correlation, true).marked(content, schemaHash));
    if (refused == Reason.TOO_LARGE) {
      throw tooLarge(bytes);
    }
    if (refused != null) {
      throw Codes.refusal(Reason.CANCELED, service()); // the caller is gone
    }
    sent++;
  }

  private void awaitCredit() throws InterruptedException {
    for (;;) {
      int seen = instance.domain().table().doorbell(); // before the looks below
      Reason why = why();
      if (why != null) {
        throw Codes.refusal(why, service());
      }
      if (sent < hand.credit()) {
        return;
      }
      if (Thread.interrupted()) {
        throw new InterruptedException("reply of " + service() + ": interrupted");
      }
      if (!hand.awaitCredit(sent)) {
        instance.domain().table().sleep(seen, REST);
      }
    }
  }

  /** Answers with an error. */
  void fail(int code, String text) {
    answered = true;
    if (!oneWay()) {
      send(Letter.error(text.getBytes(StandardCharsets.UTF_8), heading.correlation, code));
    }
  }

  /** Sends something to the caller; what refused it, or null. An inbox that is full or gone drops it. */
  private Reason send(Letter l) {
    try {
      instance.post().send(heading.source, true, l);
      return null;
    } catch (RingcastException e) {
      instance.dropped();
      return e.reason();
    }
  }

  Hand hand() {
    return hand;
  }

  Heading heading() {
    return heading;
  }
}
