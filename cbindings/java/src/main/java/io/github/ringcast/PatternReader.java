package io.github.ringcast;

import io.github.ringcast.ring.Keeping;
import io.github.ringcast.ring.Received;
import io.github.ringcast.ring.Source;
import io.github.ringcast.ring.TopicReader;
import io.github.ringcast.shm.Names;
import java.io.File;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;

/**
 * Reads all topics that match a pattern, in turn, at most 64 messages from one while others wait.
 * Topics that come later are found within 50 ms, while somebody polls or waits. For one thread.
 */
final class PatternReader implements Source {
  private static final long SEARCH = 50_000_000;
  private static final int TURN = 64;

  private final Domain domain;
  private final String pattern;
  private final SubscriptionConfig config;
  private final Set<String> known = new HashSet<>();
  private final Set<String> told = new HashSet<>();
  private final Queue<RingcastException> refused = new ArrayDeque<>();
  private final List<TopicReader> readers = new ArrayList<>();
  private final List<String> topics = new ArrayList<>();
  private long searched;
  private int current;
  private int inTurn;

  PatternReader(Domain domain, String pattern, SubscriptionConfig config) {
    this.domain = domain;
    this.pattern = pattern;
    this.config = config;
    search(config.history);
  }

  private void search(long history) {
    searched = Domain.now();
    String[] names = new File(domain.topicPath("")).list((d, n) -> n.endsWith(".ctl"));
    for (String file : names == null ? new String[0] : names) {
      String topic = file.substring(0, file.length() - 4);
      if (!known.contains(topic) && Names.matches(pattern, topic)) {
        join(topic, history);
      }
    }
  }

  /** Joins a topic. One that can't be read is told of once, and tried again at each search. */
  private void join(String topic, long history) {
    TopicReader reader;
    try {
      reader = TopicReader.ifThere(domain.table(), domain.topicPath(topic), config.latest, history);
    } catch (RingcastException e) {
      if (told.add(topic)) {
        refused.add(new RingcastException(e.reason(), "topic " + topic + ": " + e.getMessage(), e));
      }
      return;
    }
    if (reader != null) {
      known.add(topic);
      readers.add(reader);
      topics.add(topic);
    }
  }

  void searchSoon() {
    searched = Domain.now() - SEARCH - 1;
  }

  @Override
  public int poll(Received out, boolean waits) {
    if (Domain.now() - searched > SEARCH) {
      search(Long.MAX_VALUE); // from their first position
    }
    if (!refused.isEmpty()) {
      throw refused.remove();
    }
    int n = readers.size();
    for (int i = 0; i < n; i++) {
      if (inTurn < TURN && current < n) {
        int found = readers.get(current).poll(out, false);
        if (found != Received.NOTHING) {
          inTurn++;
          return found;
        }
      }
      if (i < n) {
        current = (current + 1) % n;
        inTurn = 0;
      }
    }
    return out.type = Received.NOTHING;
  }

  /** Of what poll found last. */
  String topic() {
    return topics.get(current);
  }

  @Override
  public Keeping keep(Received lent) {
    return readers.get(current).keep(lent);
  }

  @Override
  public boolean copiesInto(ByteBuffer bytes) {
    return readers.get(current).copiesInto(bytes);
  }

  @Override
  public void prepareSleep() {
    for (TopicReader r : readers) {
      r.prepareSleep();
    }
  }

  @Override
  public boolean ready() {
    for (TopicReader r : readers) {
      if (r.ready()) {
        return true;
      }
    }
    return false;
  }

  @Override
  public boolean backlog(int messages) {
    for (TopicReader r : readers) {
      if (r.backlog(messages)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public long nap() {
    long nap = SEARCH;
    for (TopicReader r : readers) {
      nap = Math.min(nap, r.nap());
    }
    return nap;
  }

  @Override
  public long behind() {
    long sum = 0;
    for (TopicReader r : readers) {
      sum += r.behind();
    }
    return sum;
  }

  @Override
  public void close() {
    for (TopicReader r : readers) {
      r.close();
    }
  }
}
