package io.github.ringcast;

import io.github.ringcast.fb.Layout;
import io.github.ringcast.ring.Shape;
import io.github.ringcast.shm.Rights;

/** How to serve a name. Each method returns the object itself. */
public final class ServeConfig {
  private static final int MOST = 1024;

  int concurrency = 1;
  private int queue;
  private int slotSize;
  private int fileMode;
  private String owner;
  private String group;

  /** How many requests this instance runs at a time, each in a thread of its own: 1 to 1024 over all instances of the node. Default 1. */
  public ServeConfig concurrency(int handlers) {
    concurrency = handlers;
    return this;
  }

  /** How many requests may wait on this node, for all instances together: a power of two from 4 to 2^20. Default 256. */
  public ServeConfig queue(int requests) {
    queue = requests;
    return this;
  }

  /** The most bytes of a request. Default 2048. */
  public ServeConfig slotSize(int bytes) {
    slotSize = bytes;
    return this;
  }

  /** Who may call and see the service; see {@link PublisherConfig#fileMode}. */
  public ServeConfig fileMode(int bits) {
    fileMode = bits;
    return this;
  }

  /** The owner of the service; see {@link PublisherConfig#owner}. */
  public ServeConfig owner(String user) {
    owner = user;
    return this;
  }

  /** The group of the service; see {@link PublisherConfig#group}. */
  public ServeConfig group(String name) {
    group = name;
    return this;
  }

  void check(String name) {
    if (concurrency < 1 || concurrency > MOST) {
      throw new RingcastException(Reason.INVALID, "serve " + name + ": concurrency " + concurrency + ": want 1 to " + MOST);
    }
    if (slotSize < 0 || slotSize > Layout.MAX_MESSAGE - Layout.ADDRESS_BLOCK_SIZE) {
      throw new RingcastException(Reason.INVALID, "serve " + name + ": slot size " + slotSize + ": want up to "
          + (Layout.MAX_MESSAGE - Layout.ADDRESS_BLOCK_SIZE));
    }
  }

  Shape shape() {
    return new Shape(queue, slotSize == 0 ? 0 : slotSize + Layout.ADDRESS_BLOCK_SIZE, 0, 0, 0, 0, 0).asked();
  }

  Rights rights(String name) {
    return Rights.asked("serve " + name, fileMode, owner, group);
  }
}
