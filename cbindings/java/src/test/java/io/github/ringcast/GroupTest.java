package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Members of a queue group share a topic. */
final class GroupTest {
  private static final SubscriptionConfig MEMBER = new SubscriptionConfig().group("g");

  private static PublisherConfig shape(boolean exclusive) {
    PublisherConfig c = new PublisherConfig().slots(64).slotSize(128);
    return exclusive ? c.exclusive() : c.shared();
  }

  private static byte[] number(int n) {
    return Integer.toString(n).getBytes();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void eachMessageGoesToOneMember(boolean exclusive) throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive)); Subscription a = d.subscribe("t", MEMBER);
        Subscription b = d.subscribe("t", MEMBER); Subscription other = d.subscribe("t", new SubscriptionConfig().group("h"))) {
      BitSet seen = new BitSet();
      int ofOther = 0;
      for (int n = 1; n <= 1000; n++) {
        p.publish(number(n));
        Subscription s = n % 3 == 0 ? a : b;
        Message m = s.poll();
        assertNotNull(m, "message " + n);
        int got = Integer.parseInt(new String(m.bytes()));
        assertFalse(seen.get(got));
        seen.set(got);
        assertNotNull(other.poll());
        ofOther++;
      }
      assertEquals(1000, seen.cardinality());
      assertEquals(1000, ofOther);
      assertNull(a.poll());
      assertNull(b.poll());
    }
  }

  @Test
  void threadsShare() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Domain e = stage.open(); Publisher p = d.publisher("t", shape(false))) {
      int[] counts = new int[3];
      Thread[] threads = new Thread[3];
      Subscription[] members = new Subscription[3];
      for (int i = 0; i < 3; i++) {
        members[i] = e.subscribe("t", MEMBER);
        int me = i;
        threads[i] = new Thread(() -> {
          try {
            while (members[me].next(2_000_000_000L) != null) {
              counts[me]++;
            }
          } catch (InterruptedException x) {
            Thread.currentThread().interrupt();
          }
        });
        threads[i].start();
      }
      for (int n = 1; n <= 20_000; n++) {
        assertTrue(p.publish(number(n), 0, 1, Stage.PATIENCE));
      }
      for (int i = 0; i < 3; i++) {
        threads[i].join();
        members[i].close();
      }
      assertEquals(20_000, counts[0] + counts[1] + counts[2]);
    }
  }

  @Test
  void aFullGroupHoldsThePublisherAndIsPutOut() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false)); Subscription s = d.subscribe("t", MEMBER)) {
      for (int n = 1; n <= 64; n++) {
        assertTrue(p.tryPublish(number(n)));
      }
      assertFalse(p.tryPublish(number(65)));
      for (int n = 65; n <= 200; n++) {
        assertTrue(p.publish(number(n), 0, 1, Stage.PATIENCE)); // put out within its budget
      }
      long got = 0;
      long missed = 0;
      for (Message m = s.poll(); m != null; m = s.poll()) {
        if (m.type() == MessageType.LAGGED) {
          missed += m.count();
        } else {
          got++;
        }
      }
      assertEquals(200, got + missed);
      assertTrue(got > 0 && missed > 0);
    }
  }

  @Test
  void whatTheDeadHadInHandIsTold() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t")) {
      Process child = stage.child("hold");
      assertEquals("ready", Stage.line(child));
      p.publish(number(1));
      assertEquals("holding 1", Stage.line(child));
      p.publish(number(2));
      child.destroyForcibly();
      Stage.end(child);
      try (Subscription s = d.subscribe("t", MEMBER)) {
        boolean told = false;
        for (int got = 0; got < 1 || !told; ) {
          Message m = s.next(Stage.PATIENCE);
          if (m.type() == MessageType.ABANDONED) {
            assertFalse(told);
            told = true;
            assertEquals(1, m.first());
            assertEquals(p.source(), m.source());
            assertEquals(1, m.taker().index());
          } else {
            assertEquals(2, m.sequence());
            got++;
          }
        }
        s.done();
        assertNull(s.next(5_000_000));
      }
    }
  }

  @Test
  void aGroupGoesOnWhereItStood() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t")) {
      try (Subscription s = d.subscribe("t", MEMBER)) {
        p.publish(number(1));
        assertEquals(1, s.poll().sequence());
      }
      for (int n = 2; n <= 10; n++) {
        p.publish(number(n));
      }
      try (Subscription s = d.subscribe("t", MEMBER)) {
        for (int n = 2; n <= 10; n++) {
          assertEquals(n, s.next(Stage.PATIENCE).sequence());
        }
        assertNull(s.poll());
      }
    }
  }

  @Test
  void aReplacedTopicLosesNothing() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription a = d.subscribe("t", MEMBER); Subscription b = d.subscribe("t", MEMBER);
        Publisher p = d.publisher("t", shape(true))) {
      for (int n = 1; n <= 50; n++) {
        p.publish(number(n));
      }
      for (int n = 1; n <= 50; n++) {
        assertEquals(n, (n % 2 == 0 ? a : b).next(Stage.PATIENCE).sequence());
      }
    }
  }

  @Test
  void largeMessagesAndLatestTopicsAreRefused() {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false)); Subscription s = d.subscribe("t", MEMBER);
        Publisher latest = d.publisher("l", shape(false).latest())) {
      assertEquals(Reason.TOO_LARGE, assertThrows(RingcastException.class, () -> p.tryPublish(new byte[129])).reason());
      assertEquals(Reason.MODE, assertThrows(RingcastException.class, () -> d.subscribe("l", MEMBER)).reason());
      assertEquals(Reason.INVALID, assertThrows(RingcastException.class, () -> d.subscribe("t", new SubscriptionConfig().group("a b"))).reason());
      assertEquals(Reason.INVALID, assertThrows(RingcastException.class, () -> d.subscribe("t.*", MEMBER)).reason());
    }
  }
}
