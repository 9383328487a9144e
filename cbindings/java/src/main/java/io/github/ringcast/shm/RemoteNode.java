package io.github.ringcast.shm;

import java.util.List;

/**
 * What this node's forwarder knows of another node: spec/messaging.md, 14. Immutable.
 *
 * @param node id, unsigned
 * @param epoch unsigned
 * @param session of its forwarder
 * @param name of its forwarder
 * @param host that it runs on
 * @param version of its forwarder
 * @param wants names and patterns that it subscribes to
 * @param known whether it has told of its participants; what follows is empty until then
 */
public record RemoteNode(int node, int epoch, long session, String name, String host, String version, List<String> wants, boolean known,
    List<Row> participants, List<Offer> services, List<Gone> departed) {
  /** A participant; partial: it says more than its node tells. */
  public record Row(Said said, boolean partial) { }

  /** The node's instances of one service, together. */
  public record Offer(String name, int instances, int limit, int room) { }

  /** A participant that went. */
  public record Gone(int index, int generation, boolean died) { }

  /** How many subscriptions take a topic: one by one as far as they are listed, and one of a node that wants it and lists nobody. */
  int subscriptions(String topic) {
    List<String> asked = wants.stream().filter(w -> Names.matches(w, topic)).toList();
    if (asked.isEmpty()) {
      return 0; // what it wants decides where messages go
    }
    long listed = participants.stream().flatMap(r -> r.said().interests().stream())
        .filter(i -> !i.localOnly() && i.takes(topic) && asked.contains(i.name())).count();
    return (int) Math.max(1, listed);
  }
}
