package io.github.ringcast;

import io.github.ringcast.shm.Info;
import io.github.ringcast.shm.RemoteNode;
import io.github.ringcast.shm.Said;
import java.util.List;

/**
 * Another node as this node's forwarder knows it. A copy, which belongs to the caller.
 *
 * @param node id, unsigned
 * @param epoch unsigned
 * @param session of its forwarder
 * @param name of its forwarder
 * @param host that it runs on
 * @param version of its forwarder
 * @param wants names and patterns that it subscribes to
 * @param known whether it has told of its participants; what follows is empty until then
 * @param participants the processes on it
 * @param services what they serve
 */
public record NodeState(int node, int epoch, long session, String name, String host, String version, List<String> wants, boolean known,
    List<NodeState.Participant> participants, List<NodeState.Service> services) {
  /**
   * One process of a node.
   *
   * @param subscribes names and patterns
   * @param publishes names
   * @param serves names
   * @param partial it does more than its node tells
   */
  public record Participant(Address address, String name, String version, List<String> subscribes, List<String> publishes, List<String> serves,
      boolean partial) { }

  /**
   * What a node's instances of one name do together.
   *
   * @param limit how many requests they run at a time
   * @param room about how many more they would take, some time ago
   */
  public record Service(String name, int instances, int limit, int room) { }

  static NodeState of(RemoteNode n) {
    return new NodeState(n.node(), n.epoch(), n.session(), n.name(), n.host(), n.version(), n.wants(), n.known(),
        n.participants().stream().map(r -> participant(n, r)).toList(),
        n.services().stream().map(s -> new Service(s.name(), s.instances(), s.limit(), s.room())).toList());
  }

  private static Participant participant(RemoteNode n, RemoteNode.Row r) {
    Said s = r.said();
    return new Participant(new Address(n.node(), n.epoch(), s.generation(), s.index(), 0), s.name(), s.version(), names(s, false), names(s, true),
        s.services().stream().map(Said.Serves::name).toList(), r.partial());
  }

  private static List<String> names(Said s, boolean publishers) {
    return s.interests().stream().filter(w -> w.publisher() == publishers).map(Info.Want::name).distinct().toList();
  }
}
