package io.github.ringcast.shm;

import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Consumer;

/**
 * This process as a participant of one domain: directory, node, table, and what it says of itself.
 * Safe for use by several threads, but for {@link #close}.
 */
public final class Membership implements AutoCloseable {
  private final String directory;
  private final Node node;
  private final Participants table;
  private final Info info;
  private final Remote remote;

  /**
   * Joins.
   *
   * @param made is run when the table of participants was missing: what lies there is of another boot
   * @param takeBack takes from all rings what a dead participant holds; false if some could not be opened
   */
  public Membership(Place place, String name, String version, int nodeId, Consumer<Participants> made,
      BiPredicate<Participants, Integer> takeBack) {
    directory = place.path;
    node = new Node(directory, nodeId);
    Participants t = null;
    Remote r = null;
    boolean joined = false;
    try {
      t = new Participants(directory);
      if (t.made()) {
        made.accept(t);
      }
      r = new Remote(directory);
      Participants opened = t;
      t.onChange(() -> node.ringForwarder(opened));
      t.recover(i -> takeBack.test(opened, i));
      info = new Info(directory, name, version);
      t.join(info);
      joined = true;
    } finally {
      if (!joined) {
        if (t != null) {
          t.close();
        }
        if (r != null) {
          r.close();
        }
        node.close();
      }
    }
    table = t;
    remote = r;
  }

  public String directory() {
    return directory;
  }

  public Node node() {
    return node;
  }

  public Participants table() {
    return table;
  }

  public Info info() {
    return info;
  }

  /** What is known of other nodes; null where it can't be read now. Waits up to 5 ms; allocates when it has changed. */
  public RemoteDirectory others() {
    return remote.read();
  }

  /** Changes with what is known of other nodes. One load. */
  public long othersVersion() {
    return remote.version();
  }

  /** How many subscriptions take a topic, on this node and on others. System calls, one a participant of this node. */
  public int subscriptions(String topic) {
    long listed = said().stream().filter(s -> s.index() != table.index()).flatMap(s -> s.interests().stream()).filter(w -> w.takes(topic)).count();
    return info.subscriptions(topic) + (int) listed + subscriptionsElsewhere(topic);
  }

  /** The same of other nodes alone. A directory that can't be read has none. */
  public int subscriptionsElsewhere(String topic) {
    RemoteDirectory d = remote.read();
    return d == null ? 0 : d.subscriptions(topic);
  }

  /** The patterns that participant i subscribes to. */
  public List<String> patterns(int i) {
    return InfoReader.patterns(table, directory, i);
  }

  /** What each living participant says, this one included. A system call for each. */
  public List<Said> said() {
    return said(i -> { });
  }

  /** The same; dead is told of those who ended without leaving and were not recovered yet. */
  public List<Said> said(java.util.function.IntConsumer dead) {
    List<Said> all = new java.util.ArrayList<>();
    for (int i = 0; i < table.count(); i++) {
      long state = table.state(i);
      if (!Participants.live(state)) {
        continue;
      }
      if (i == table.index() || table.alive(i)) {
        all.add(InfoReader.said(table, directory, i, state));
      } else if (table.state(i) == state) { // or it has just left
        dead.accept(i);
      }
    }
    return all;
  }

  @Override
  public void close() {
    table.leave(info);
    remote.close();
    node.close();
  }
}
