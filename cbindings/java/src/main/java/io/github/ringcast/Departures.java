package io.github.ringcast;

import io.github.ringcast.shm.Bells;
import io.github.ringcast.shm.Membership;
import java.util.function.IntConsumer;

/** Sees participants of this node go, in a thread of its own: who waits for one, or works for one, is told. */
final class Departures implements AutoCloseable {
  private final Thread thread;
  private final Bells bells;
  private volatile boolean closed;

  /** died recovers the participant of an index; changed looks at everybody. */
  Departures(Membership m, IntConsumer died, Runnable changed) {
    bells = new Bells(m.table(), m.directory(), m::othersVersion);
    thread = new Thread(() -> run(died, changed), "ringcast-departures");
    thread.setDaemon(true);
    bells.look(died);
    thread.start();
  }

  private void run(IntConsumer died, Runnable changed) {
    while (!closed) {
      try {
        if (bells.await(Long.MAX_VALUE, died)) {
          changed.run();
        }
      } catch (RuntimeException e) {
        if (!closed) {
          io.github.ringcast.shm.Clock.pause(10_000_000); // rights on a file of the dead: others take back
        }
      }
    }
    bells.close();
  }

  /** Returns when the thread looks at nothing any more. */
  @Override
  public void close() {
    closed = true;
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
