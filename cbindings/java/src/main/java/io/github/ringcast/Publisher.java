package io.github.ringcast;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.ring.Header;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.ring.Outlet;
import io.github.ringcast.ring.Producer;
import io.github.ringcast.ring.Shape;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Info;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * One publisher of one topic.
 *
 * <p>A call that returns normally has sent: the message is in the ring, and every reliable
 * subscription that was attached before gets it. A call that throws, or returns false, has sent
 * nothing. Publishing does not allocate, and makes no system call unless somebody sleeps or waits.
 *
 * <p>For one thread at a time, its close included.
 */
public final class Publisher implements AutoCloseable {
  /** Waits without end. */
  public static final long FOREVER = Long.MAX_VALUE;

  private final Domain domain;
  private final String topic;
  private final Info.Want interest;
  private final Outlet outlet;
  private final Handles.Handle handle;
  private final Header header = new Header();
  private final boolean timestamps;
  private final int schema;
  private Producer producer;
  private int slotSize;
  private int limit;
  private final Claim claim = new Claim(this);
  private final SpinTime spin = new SpinTime();
  private boolean closed;

  Publisher(Domain domain, String topic, Shape asked, PublisherConfig config) {
    this.domain = domain;
    this.topic = topic;
    timestamps = config.timestamps;
    schema = config.schema;
    interest = new Info.Want(topic, false, true, false, false, 0);
    outlet = new Outlet(domain.table(), domain.topicPath(topic), asked, config.rights(topic));
    handle = domain.handles().take(topic);
    boolean told = false;
    try {
      Post.checkKind(domain, topic, false);
      domain.membership().info().add(interest);
      told = true;
      Attendance.await(domain.membership(), outlet, topic);
    } catch (RuntimeException e) {
      if (told) {
        domain.membership().info().remove(interest);
      }
      outlet.close();
      domain.handles().give(topic, handle);
      throw e;
    }
    Address source = domain.address(handle.number);
    header.source0 = source.word0();
    header.source1 = source.word1();
    header.sequence = handle.sequence + 1;
    header.schema = schema;
    shaped();
  }

  private void shaped() {
    producer = outlet.producer();
    claim.of(outlet.ring());
    slotSize = outlet.ring().shape().payload();
    limit = outlet.ring().shape().messageLimit();
  }

  /** Returns the topic's name. */
  public String topic() {
    return topic;
  }

  /** Returns the source that this publisher's messages bear. */
  public Address source() {
    return domain.address(handle.number);
  }

  /** Returns the sequence of the last message that was sent; 0 before the first. */
  public long sequence() {
    return header.sequence - 1;
  }

  /** Returns how many bytes of payload fit one slot. */
  public int slotSize() {
    return slotSize;
  }

  /** Returns how many bytes the largest message may have. */
  public int messageLimit() {
    return limit;
  }

  /**
   * Returns how many subscriptions are attached now; each member of a queue group counts. For other nodes
   * it counts what these have asked for, once the forwarder reads the topic for them; a node that does not
   * say how many counts as one. Allocates if a forwarder reads the topic.
   */
  public int subscribers() {
    check();
    Address forwarder = domain.post().away.forwarder();
    if (forwarder == null || !outlet.names(forwarder.index())) {
      return outlet.readers();
    }
    return outlet.readers() - 1 + domain.membership().subscriptionsElsewhere(topic);
  }

  /** Waits up to nanos nanoseconds until n subscriptions are attached, on any nodes; false if they did not come. */
  public boolean awaitSubscribers(int n, long nanos) throws InterruptedException {
    long began = Clock.now();
    while (subscribers() < n) {
      if (Clock.now() - began >= nanos) {
        return false;
      }
      Thread.sleep(1);
      if (outlet.ring().givenUp()) {
        again(Producer.RETIRED);
      }
    }
    return true;
  }

  /** Copies the array into the ring. Waits for room without end. */
  public void publish(byte[] data) throws InterruptedException {
    publish(data, 0, data.length, FOREVER);
  }

  /** Copies what remains in the buffer, whose position stays. Waits for room without end. */
  public void publish(ByteBuffer data) throws InterruptedException {
    publish(data, FOREVER);
  }

  /** Copies the array if there is room now; false if there is none. Never waits. */
  public boolean tryPublish(byte[] data) {
    return tryPublish(data, 0, data.length);
  }

  /** Copies part of an array if there is room now; false if there is none. Never waits. Throws IndexOutOfBoundsException. */
  public boolean tryPublish(byte[] data, int from, int length) {
    Objects.checkFromIndexSize(from, length, data.length); // before a slot is claimed, in which others would wait for it
    if (length > slotSize) {
      return tryPublish(ByteBuffer.wrap(data, from, length));
    }
    prepare(length);
    for (;;) {
      int result = outlet.publish(header, data, from, length);
      if (result == Producer.OK) {
        header.sequence++;
        return true;
      }
      if (!again(result)) {
        return false;
      }
    }
  }

  /** Copies what remains in the buffer if there is room now; false if there is none. Never waits. */
  public boolean tryPublish(ByteBuffer data) {
    int length = data.remaining();
    prepare(length);
    for (;;) {
      int result = length <= slotSize ? outlet.publish(header, data, data.position(), length)
          : outlet.publishFragments(header, data, data.position(), length);
      if (result == Producer.OK) {
        header.sequence++;
        return true;
      }
      if (!again(result)) {
        return false;
      }
    }
  }

  /**
   * Copies part of an array, and waits for room up to nanos nanoseconds; false if there was none. A
   * reliable subscription can withhold room for 500 ms. An interrupt is noticed within 100 ms.
   */
  public boolean publish(byte[] data, int from, int length, long nanos) throws InterruptedException {
    if (tryPublish(data, from, length)) {
      return true;
    }
    RoomWait wait = new RoomWait(domain, spin, nanos);
    while (wait.pause(producer)) {
      if (tryPublish(data, from, length)) {
        return true;
      }
    }
    return tryPublish(data, from, length);
  }

  /** Copies what remains in the buffer, and waits for room up to nanos nanoseconds; false if there was none. */
  public boolean publish(ByteBuffer data, long nanos) throws InterruptedException {
    if (tryPublish(data)) {
      return true;
    }
    RoomWait wait = new RoomWait(domain, spin, nanos);
    while (wait.pause(producer)) {
      if (tryPublish(data)) {
        return true;
      }
    }
    return tryPublish(data);
  }

  private void prepare(int length) {
    check();
    if (claim.open()) {
      throw new RingcastException(Reason.BUSY, "publish " + topic + ": a claim is open: commit or abort it first");
    }
    if (length > limit) {
      throw tooLarge(length);
    }
    if (timestamps) {
      header.timestamp = Clock.wall();
    }
  }

  private RingcastException tooLarge(int length) {
    if (length > MAX_MESSAGE) {
      return new RingcastException(Reason.TOO_LARGE, "publish " + topic + ": " + length + " bytes: a message has at most " + MAX_MESSAGE);
    }
    int half = outlet.ring().shape().slots() / 2;
    int slot = ((length + half - 1) / half + 63) & ~63;
    return new RingcastException(Reason.TOO_LARGE, "publish " + topic + ": " + length + " bytes do not fit half of a ring of "
        + outlet.ring().shape() + ": ask for a slot size of " + slot);
  }

  private void check() {
    if (closed) {
      throw new RingcastException(Reason.CLOSED, "publish " + topic + ": the publisher was closed");
    }
    if (producer == null) {
      throw new RingcastException(Reason.NOT_FOUND, "publish " + topic + ": its ring is gone and could not be opened again: close this publisher and open another");
    }
  }

  /** What a result other than OK means; true to try again at once, false for no room. */
  private boolean again(int result) {
    switch (result) {
      case Producer.FULL:
      case Producer.STALLED: // every slot is held by who does not move: waited out like a full ring
        return false;
      case Producer.FENCED:
        return true; // a copying call that was stopped: nothing was sent
      case Producer.RETIRED:
        producer = null;
        outlet.reopen();
        shaped();
        return true;
      case Producer.NOT_OWNER:
        throw new RingcastException(Reason.NOT_EXCLUSIVE, "publish " + topic + ": the exclusive topic was taken by another publisher");
      default:
        throw new RingcastException(Reason.TOO_LARGE, "publish " + topic + ": while a queue group reads it, a message has at most the "
            + slotSize + " bytes of a slot");
    }
  }

  /** Claims a slot, and waits for room without end. */
  public Claim claim(int size) throws InterruptedException {
    return claim(size, FOREVER);
  }

  /**
   * Claims a slot of at least size bytes to be written in place, and waits for room up to nanos
   * nanoseconds; null if there was none. End it with one commit or abort; a publisher has one claim at a
   * time. A claim held for more than 50 ms while others wait for it is taken. The object is used again for
   * the next claim.
   */
  public Claim claim(int size, long nanos) throws InterruptedException {
    if (producer == null || claim.open() || size < 0 || size > slotSize) {
      refuseClaim(size);
    }
    long t = producer.claim();
    if (t < 0) {
      t = claimLater(t, nanos);
      if (t < 0) {
        return null;
      }
    }
    return claim.begin(t);
  }

  private void refuseClaim(int size) {
    prepare(0);
    throw new RingcastException(Reason.TOO_LARGE, "claim in " + topic + ": " + size + " bytes: a slot has " + slotSize + ": ask for a slot size of "
        + ((size + 63L) & ~63L));
  }

  /** A claim that did not succeed at once, for this reason. */
  private long claimLater(long reason, long nanos) throws InterruptedException {
    RoomWait wait = null;
    long t = reason;
    while (t < 0) {
      if (!again((int) t)) {
        if (wait == null) {
          wait = new RoomWait(domain, spin, nanos);
        }
        if (!wait.pause(producer)) {
          return t;
        }
      }
      t = producer.claim();
    }
    return t;
  }

  /** Ends the open claim: the payload lies at offset of the slot. False: it was taken. */
  boolean commit(long position, int offset, int length, int content, int schemaHash) {
    check();
    if (timestamps) {
      header.timestamp = Clock.wall();
    }
    if (producer.send(position, header, SLOT_HEADER_SIZE + offset, length, content, schemaHash != 0 ? schemaHash : schema) != Producer.OK) {
      return false;
    }
    header.sequence++;
    return true;
  }

  void abort(long position) {
    if (producer != null) {
      producer.abort(position); // fenced or not: nothing is sent
    }
  }

  /** Publishes the question of a survey, and waits for room so long; false if there was none. */
  boolean ask(Letter question, long nanos) throws InterruptedException {
    prepare(0);
    if (question.size() + ADDRESS_BLOCK_SIZE > slotSize) {
      throw Post.tooLarge("question on " + topic, question.size(), slotSize - ADDRESS_BLOCK_SIZE);
    }
    RoomWait wait = null;
    for (;;) {
      int result = outlet.publish(header, question);
      if (result == Producer.OK) {
        header.sequence++;
        return true;
      }
      if (again(result)) {
        continue;
      }
      wait = wait == null ? new RoomWait(domain, spin, nanos) : wait;
      if (!wait.pause(producer)) {
        return false;
      }
    }
  }

  /** Ends the publisher and aborts its open claim. Makes system calls. Closing twice is fine. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (claim.open()) {
      claim.abort();
    }
    closed = true;
    try {
      outlet.close();
    } finally {
      producer = null;
      handle.sequence = header.sequence - 1;
      domain.handles().give(topic, handle);
      domain.membership().info().remove(interest);
      domain.release();
    }
  }
}
