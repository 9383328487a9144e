package io.github.ringcast;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * The numbers of this participant's publishers, by topic. The number of a closed publisher goes to the
 * next one, with its sequences: a source never begins anew. Safe for use by several threads.
 */
final class Handles {
  private static final int MOST = 65535;

  /** One number and the sequence of the last message under it. */
  static final class Handle {
    final int number;
    long sequence;

    Handle(int number) {
      this.number = number;
    }
  }

  private static final class Topic {
    int given;
    final Deque<Handle> free = new ArrayDeque<>();
  }

  private final Map<String, Topic> topics = new HashMap<>();

  synchronized Handle take(String name) {
    Topic t = topics.computeIfAbsent(name, k -> new Topic());
    if (!t.free.isEmpty()) {
      return t.free.pop();
    }
    if (t.given == MOST) {
      throw new RingcastException(Reason.BUSY, "publish " + name + ": this participant has " + MOST + " publishers of it open: close some");
    }
    return new Handle(++t.given);
  }

  synchronized void give(String name, Handle handle) {
    topics.get(name).free.push(handle);
  }
}
