package io.github.ringcast;

/** How a subscription reads. Each method returns the object itself. */
public final class SubscriptionConfig {
  boolean latest;
  boolean localOnly;
  long history;
  String group;

  /** Holds publishers up, within its stall budget of 500 ms, and reads in place. The default. */
  public SubscriptionConfig reliable() {
    latest = false;
    return this;
  }

  /** Holds nobody up, gets copies, and misses what it is too slow for. */
  public SubscriptionConfig latest() {
    latest = true;
    return this;
  }

  /** How many messages back to start, as far as the ring has them. */
  public SubscriptionConfig history(long messages) {
    history = messages;
    return this;
  }

  /** Does not ask other nodes for the topic. */
  public SubscriptionConfig localOnly() {
    localOnly = true;
    return this;
  }

  /** Makes the subscription a member of this queue group, which shares the topic's messages. */
  public SubscriptionConfig group(String name) {
    group = name;
    return this;
  }
}
