package io.github.ringcast;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The services that a domain calls: kept open are those that were called last, and besides them those that somebody uses, for a
 * program may have a name for each order. Safe for use by several threads.
 */
final class Services {
  private static final int MOST = 256;

  private final Post post;
  /** Guarded by this; who was called last is last. */
  private final Map<String, ServiceQueue> all = new LinkedHashMap<>(16, 0.75f, true);
  private boolean closed;

  Services(Post post) {
    this.post = post;
  }

  /** The service of that name, held until its {@link ServiceQueue#drop}: before that it is not forgotten. */
  ServiceQueue hold(String name) {
    List<ServiceQueue> idle = List.of();
    ServiceQueue q;
    synchronized (this) {
      if (closed) {
        throw new RingcastException(Reason.CLOSED, "the domain was closed");
      }
      q = all.get(name);
      if (q == null) {
        q = new ServiceQueue(post, name);
        all.put(name, q);
        idle = takeIdle();
      }
      q.hold();
    }
    idle.forEach(ServiceQueue::close); // nobody else knows them; to close a ring takes system calls
    return q;
  }

  /** Takes out who may be forgotten; the lock is held. */
  private List<ServiceQueue> takeIdle() {
    List<ServiceQueue> idle = new ArrayList<>();
    Iterator<ServiceQueue> eldest = all.values().iterator();
    for (int more = all.size() - MOST; more > 0; more--) {
      ServiceQueue q = eldest.next();
      if (!q.held()) {
        eldest.remove();
        idle.add(q);
      }
    }
    return idle;
  }

  synchronized void close() {
    closed = true;
    all.values().forEach(ServiceQueue::close);
  }
}
