package io.github.ringcast.shm;

import io.github.ringcast.fb.Departure;
import io.github.ringcast.fb.Directory;
import io.github.ringcast.fb.Ending;
import io.github.ringcast.fb.LostNode;
import io.github.ringcast.fb.NodeInfo;
import io.github.ringcast.fb.NodeService;
import io.github.ringcast.fb.RemoteParticipant;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** What is known of other nodes, as of one moment: spec/messaging.md, 14. Immutable. */
public final class RemoteDirectory {
  /** What is known of an address of another node. */
  public enum Standing {
    /** Its node is up and has not told of it: it may be too new. Its node can say. */
    UNKNOWN,
    /** It was up when its node told of it last. */
    UP,
    /** It has gone and never comes back. */
    GONE,
    /** Its node is not there. */
    NODE_DOWN
  }

  /** A node that is gone; left: it said so. */
  public record Lost(int node, int epoch, boolean left) { }

  static final RemoteDirectory EMPTY = new RemoteDirectory(List.of(), List.of());

  private final List<RemoteNode> nodes;
  private final List<Lost> lost;

  private RemoteDirectory(List<RemoteNode> nodes, List<Lost> lost) {
    this.nodes = nodes;
    this.lost = lost;
  }

  /** Those that are up. */
  public List<RemoteNode> nodes() {
    return nodes;
  }

  /** The node of an id; null: it is not up. */
  public RemoteNode node(int id) {
    for (RemoteNode n : nodes) {
      if (n.node() == id) {
        return n;
      }
    }
    return null;
  }

  /** Whether a node of this epoch that is gone said so itself. */
  public boolean saidGoodbye(int node, int epoch) {
    for (int i = lost.size() - 1; i >= 0; i--) {
      if (lost.get(i).node == node && lost.get(i).epoch == epoch) {
        return lost.get(i).left;
      }
    }
    return false;
  }

  /** Whether some node serves a name. */
  public boolean serves(String service) {
    return nodes.stream().anyMatch(n -> n.services().stream().anyMatch(s -> s.name().equals(service)));
  }

  /** How many subscriptions of other nodes take a topic. */
  public int subscriptions(String topic) {
    return nodes.stream().mapToInt(n -> n.subscriptions(topic)).sum();
  }

  /** What is known of a participant's address. */
  public Standing standing(int node, int epoch, int index, int generation) {
    RemoteNode n = node(node);
    if (n == null) {
      return Standing.NODE_DOWN;
    }
    if (n.epoch() != epoch) {
      return Standing.GONE;
    }
    for (RemoteNode.Row r : n.participants()) {
      int later = r.said().generation() - generation;
      if (r.said().index() == index && later >= 0) {
        return later == 0 ? Standing.UP : Standing.GONE;
      }
    }
    boolean gone = n.departed().stream().anyMatch(d -> d.index() == index && d.generation() - generation >= 0);
    return gone ? Standing.GONE : Standing.UNKNOWN;
  }

  /** Reads a table; what is not one is refused by a RuntimeException, whole. */
  static RemoteDirectory parse(byte[] bytes) {
    return new Parser(bytes).directory();
  }

  /** Reads one table: as many rows as its bytes could hold, and every name checked. */
  private static final class Parser {
    private final Directory from;
    private int rows;

    Parser(byte[] bytes) {
      from = Directory.getRootAsDirectory(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
      rows = bytes.length / 4;
    }

    private int count(int length) {
      rows -= length;
      if (length < 0 || rows < 0) {
        throw new IllegalArgumentException("more rows than bytes");
      }
      return length;
    }

    RemoteDirectory directory() {
      List<RemoteNode> nodes = new ArrayList<>();
      for (int i = 0, n = count(from.nodesLength()); i < n; i++) {
        nodes.add(node(from.nodesVector().get(i)));
      }
      List<Lost> lost = new ArrayList<>();
      for (int i = 0, n = count(from.lostLength()); i < n; i++) {
        LostNode l = from.lostVector().get(i);
        lost.add(new Lost((int) l.node(), (int) l.epoch(), l.ending() == Ending.Left));
      }
      return new RemoteDirectory(List.copyOf(nodes), List.copyOf(lost));
    }

    private RemoteNode node(NodeInfo n) {
      return new RemoteNode((int) n.node(), (int) n.epoch(), n.session(), InfoReader.text(n.name()), InfoReader.text(n.host()), InfoReader.text(n.version()),
          wants(n), n.known(), participants(n), services(n), departed(n));
    }

    private List<String> wants(NodeInfo n) {
      List<String> all = new ArrayList<>();
      for (int i = 0, length = count(n.wantsLength()); i < length; i++) {
        Names.checkPattern(n.wants(i));
        all.add(n.wants(i));
      }
      return List.copyOf(all);
    }

    private List<RemoteNode.Row> participants(NodeInfo n) {
      List<RemoteNode.Row> all = new ArrayList<>();
      for (int i = 0, length = count(n.participantsLength()); i < length; i++) {
        RemoteParticipant p = n.participants(i);
        int generation = (int) p.generation();
        Said said = p.info() == null ? Said.unreadable(p.index(), generation, p.language())
            : InfoReader.parse(p.info(), rows, p.index(), generation, p.language());
        count(said.interests().size() + said.services().size());
        said.interests().forEach(w -> Names.checkPattern(w.name()));
        said.services().forEach(s -> Names.checkTopic(s.name()));
        all.add(new RemoteNode.Row(said, p.partial()));
      }
      return List.copyOf(all);
    }

    private List<RemoteNode.Offer> services(NodeInfo n) {
      List<RemoteNode.Offer> all = new ArrayList<>();
      for (int i = 0, length = count(n.servicesLength()); i < length; i++) {
        NodeService s = n.services(i);
        Names.checkTopic(s.name());
        all.add(new RemoteNode.Offer(s.name(), (int) s.instances(), (int) s.limit(), (int) s.room()));
      }
      return List.copyOf(all);
    }

    private List<RemoteNode.Gone> departed(NodeInfo n) {
      List<RemoteNode.Gone> all = new ArrayList<>();
      for (int i = 0, length = count(n.departedLength()); i < length; i++) {
        Departure d = n.departed(i);
        all.add(new RemoteNode.Gone(d.index(), (int) d.generation(), d.ending() == Ending.Died));
      }
      return List.copyOf(all);
    }
  }
}
