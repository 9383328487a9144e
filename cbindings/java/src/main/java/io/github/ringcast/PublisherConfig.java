package io.github.ringcast;

import io.github.ringcast.fb.RingKind;
import io.github.ringcast.fb.RingMode;
import io.github.ringcast.ring.Shape;
import io.github.ringcast.shm.Rights;

/**
 * What ring a publisher asks for, and how it marks its messages. What is not asked for is taken as it is,
 * or made with the default. Each method returns the object itself.
 */
public final class PublisherConfig {
  private int slots;
  private int slotSize;
  private int mode;
  private int kind;
  private int history;
  private int fileMode;
  private String owner;
  private String group;
  int schema;
  boolean timestamps;

  /**
   * Messages in the ring: a power of two, 4 (latest: 64) to 2^20. Default 1024, or with slots above 16 KiB
   * as many as carry 16 MiB together, at least 64.
   */
  public PublisherConfig slots(int count) {
    slots = count;
    return this;
  }

  /** Bytes of payload in a slot, up to 16 MiB, rounded up to a multiple of 64. Default 2048. */
  public PublisherConfig slotSize(int bytes) {
    slotSize = bytes;
    return this;
  }

  /** Publishers wait for the slowest reliable subscription, within its budget. The default of a new ring. */
  public PublisherConfig reliable() {
    mode = RingMode.Reliable;
    return this;
  }

  /** Nobody waits; every subscription reads as a latest one. */
  public PublisherConfig latest() {
    mode = RingMode.Latest;
    return this;
  }

  /** One publisher at a time on this node. */
  public PublisherConfig exclusive() {
    kind = RingKind.Exclusive;
    return this;
  }

  /** Any number of publishers. The default of a new ring. */
  public PublisherConfig shared() {
    kind = RingKind.Shared;
    return this;
  }

  /** How many messages back a subscription may start, at most half of the slots. */
  public PublisherConfig history(int messages) {
    history = messages;
    return this;
  }

  /** Low half of the hash of the payloads' schema; every message bears it. */
  public PublisherConfig schema(int hash) {
    schema = hash;
    return this;
  }

  /** Puts the wall clock into every message. */
  public PublisherConfig timestamps() {
    timestamps = true;
    return this;
  }

  /**
   * Who may write (publish) and read (subscribe), as 0640: the owner publishes, the group subscribes. A
   * topic that was written with other rights than those asked for is refused: PERMISSION.
   */
  public PublisherConfig fileMode(int bits) {
    fileMode = bits;
    return this;
  }

  /** The owner of the topic: a user of /etc/passwd, or a number. Only root may name another. */
  public PublisherConfig owner(String user) {
    owner = user;
    return this;
  }

  /** The group of the topic: one of /etc/group, or a number; this process must be a member. */
  public PublisherConfig group(String name) {
    group = name;
    return this;
  }

  /** The rights asked for; null: none. */
  Rights rights(String topic) {
    return Rights.asked("publish " + topic, fileMode, owner, group);
  }

  Shape shape() {
    return new Shape(slots, slotSize, mode, kind, history, 0, 0).asked();
  }
}
