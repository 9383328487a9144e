package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.flatbuffers.FlatBufferBuilder;
import com.sun.management.ThreadMXBean;
import io.github.ringcast.fb.Interest;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

/** Publishing and reading allocate nothing: counted by the virtual machine, for this thread. */
final class AllocationTest {
  private static final int MESSAGES = 50_000;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private interface Turn {
    void run(int n) throws InterruptedException;
  }

  private static void allocatesNothing(Turn turn) throws InterruptedException {
    for (int n = 0; n < MESSAGES; n++) {
      turn.run(n);
    }
    long before = THREADS.getCurrentThreadAllocatedBytes();
    for (int n = 0; n < MESSAGES; n++) {
      turn.run(n);
    }
    long spent = THREADS.getCurrentThreadAllocatedBytes() - before;
    assertTrue(spent < MESSAGES / 4, spent + " bytes for " + MESSAGES + " messages"); // one object a message would be 16 each
  }

  @Test
  void publishingAndReading() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", new PublisherConfig().slots(64)); Subscription s = d.subscribe("t");
        Subscription l = d.subscribe("t", new SubscriptionConfig().latest()); Subscription g = d.subscribe("t", new SubscriptionConfig().group("g"))) {
      byte[] bytes = new byte[100];
      ByteBuffer buffer = ByteBuffer.allocateDirect(100);
      allocatesNothing(n -> {
        if (n % 2 == 0) {
          p.publish(bytes);
        } else {
          p.publish(buffer);
        }
        Message m = s.next();
        assertTrue(m.isMessage() && m.payload().get(m.payload().position()) == 0);
        assertTrue(l.poll().sequence() == m.sequence() && g.poll().sequence() == m.sequence());
      });
    }
  }

  @Test
  void claimsAndFlatBuffersInPlace() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", new PublisherConfig().exclusive().slots(64)); Subscription s = d.subscribe("t")) {
      Interest table = new Interest();
      allocatesNothing(n -> {
        Claim c = p.claim(100);
        FlatBufferBuilder b = c.builder();
        b.startVector(1, 1, 1);
        b.addByte((byte) 'x');
        b.finish(Interest.createInterest(b, b.endVector(), n % 2 == 0, false, false, true, 0L));
        c.commit(b);
        Message m = s.poll();
        ByteBuffer payload = m.payload();
        Interest.getRootAsInterest(payload, table);
        assertEquals(n % 2 == 0, table.pattern());
        assertTrue(table.live() && m.flatBuffer());
      });
    }
  }
}
