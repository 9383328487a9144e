package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages that are kept beyond the next call: several at once, given back in any order, by any thread. */
final class KeepTest {
  private static final long SEED = Long.getLong("seed", System.nanoTime());
  private static final int SIZE = 100;

  private static PublisherConfig shape(boolean exclusive) {
    PublisherConfig c = new PublisherConfig().slots(64).slotSize(128);
    return exclusive ? c.exclusive() : c.shared();
  }

  /** What message n has. */
  private static byte[] bytes(long n) {
    byte[] b = new byte[SIZE];
    Arrays.fill(b, (byte) n);
    return b;
  }

  private static void check(Kept k) {
    ByteBuffer payload = k.message().payload();
    assertEquals(ByteBuffer.wrap(bytes(k.message().sequence())), payload);
  }

  /** Of four slots two: the next is read while one is kept. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void halfOfFour(boolean exclusive) throws InterruptedException {
    PublisherConfig four = new PublisherConfig().slots(4).slotSize(128);
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", exclusive ? four.exclusive() : four.shared());
        Subscription s = d.subscribe("t")) {
      for (long n = 1; n <= 160; n += 4) {
        for (int i = 0; i < 4; i++) {
          assertTrue(p.tryPublish(bytes(n + i)));
        }
        Message m = s.poll();
        try (Kept k = s.keep(m)) {
          assertEquals(n + 1, s.poll().sequence());
          assertEquals(Reason.BUSY, assertThrows(RingcastException.class, s::poll).reason());
          assertFalse(p.tryPublish(bytes(0)));
          check(k);
        }
        assertEquals(n + 2, s.poll().sequence());
        assertEquals(n + 3, s.poll().sequence());
        assertNull(s.poll());
      }
    }
  }

  /** Repeat with: mvn test -Dtest=KeepTest -DargLine=-Dseed=N. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void manyAtOnceInAnyOrder(boolean exclusive) throws InterruptedException {
    System.out.println("KeepTest seed " + SEED);
    Random random = new Random(SEED);
    List<Kept> kept = new ArrayList<>();
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive)); Subscription s = d.subscribe("t")) {
      long next = 1;
      for (long n = 1; n <= 5000;) {
        if (p.tryPublish(bytes(n))) {
          n++;
        }
        next = take(s, next, kept, random);
        while (!kept.isEmpty() && random.nextInt(4) == 0) {
          drop(kept, random.nextInt(kept.size()));
        }
      }
      assertTrue(next > 4000, "only " + next + " of 5000 came by");
      while (!kept.isEmpty()) {
        drop(kept, 0);
      }
    }
  }

  /** Takes a message, and keeps every third; where too many are kept, gives one back. */
  private static long take(Subscription s, long next, List<Kept> kept, Random random) {
    Message m;
    try {
      m = s.poll();
    } catch (RingcastException e) {
      assertEquals(Reason.BUSY, e.reason());
      drop(kept, 0);
      return next;
    }
    if (m == null) {
      return next;
    }
    assertEquals(next, m.sequence());
    if (random.nextInt(3) == 0) {
      Kept k = s.keep(m);
      assertTrue(k.inPlace());
      kept.add(k);
    }
    return next + 1;
  }

  private static void drop(List<Kept> kept, int i) {
    Kept k = kept.remove(i);
    check(k);
    k.close();
    k.close();
    assertThrows(IllegalStateException.class, () -> k.message().payload());
  }

  /** The other one publishes until it is put out; its kept messages are stepped over meanwhile. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoIsPutOutKeepsThem(boolean exclusive) throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive)); Subscription s = d.subscribe("t")) {
      p.publish(bytes(1));
      p.publish(bytes(2));
      Kept first = s.keep(s.poll());
      Kept second = s.keep(s.poll());
      for (int n = 3; n <= 500; n++) {
        assertTrue(p.publish(bytes(n), 0, SIZE, Stage.PATIENCE), "message " + n);
      }
      Message passed = s.poll();
      for (int n = 3; passed.isMessage(); n++) { // the rest of the lease
        assertEquals(n, passed.sequence());
        passed = s.poll();
      }
      assertEquals(MessageType.LAGGED, passed.type());
      check(first);
      check(second);
      p.publish(bytes(501));
      Message m = s.poll();
      assertEquals(501, m.sequence());
      assertEquals(Reason.BUSY, assertThrows(RingcastException.class, () -> s.keep(m)).reason());
      first.close();
      for (int n = 502; n <= 800; n++) {
        assertTrue(p.publish(bytes(n), 0, SIZE, Stage.PATIENCE));
        assertEquals(n, s.poll().sequence());
        check(second);
      }
      second.close();
      p.publish(bytes(801));
      try (Kept k = s.keep(s.poll())) {
        check(k);
      }
    }
  }

  @Test
  void aQuarterOfTheRingAtMost() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false)); Subscription s = d.subscribe("t")) {
      Kept k = null;
      for (int n = 1; n <= 40; n++) {
        p.publish(bytes(n));
      }
      int read = 0;
      RingcastException refused = null;
      while (refused == null) {
        try {
          Message m = s.poll();
          assertEquals(++read, m.sequence());
          k = k == null ? s.keep(m) : k;
        } catch (RingcastException e) {
          refused = e;
        }
      }
      assertEquals(Reason.BUSY, refused.reason());
      assertEquals(16, read);
      k.close();
      for (int n = read + 1; n <= 40; n++) {
        assertEquals(n, s.poll().sequence());
      }
    }
  }

  @Test
  void itOutlivesItsSubscriptionAndNotItsDomain() throws InterruptedException {
    try (Stage stage = new Stage()) {
      Domain d = stage.open();
      Kept k;
      try (Publisher p = d.publisher("t", shape(false))) {
        try (Subscription s = d.subscribe("t")) {
          p.publish(bytes(1));
          k = s.keep(s.poll());
        }
        for (int n = 2; n <= 300; n++) {
          assertTrue(p.publish(bytes(n), 0, SIZE, Stage.PATIENCE));
        }
        check(k);
      }
      assertEquals(Reason.BUSY, assertThrows(RingcastException.class, d::close).reason());
      k.close();
      d.close();
      assertEquals(0, stage.files("topics").length);
    }
  }

  /** A reader that sleeps gives the slot back when another thread closes what it kept. */
  @Test
  void anotherThreadMayCloseIt() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(true)); Subscription s = d.subscribe("t")) {
      p.publish(bytes(1));
      Kept k = s.keep(s.poll());
      Thread closer = new Thread(() -> {
        check(k);
        k.close();
      });
      closer.start();
      assertNull(s.next(1));
      closer.join();
      for (int n = 2; n <= 200; n++) {
        assertTrue(p.publish(bytes(n), 0, SIZE, Stage.PATIENCE));
        assertEquals(n, s.next(Stage.PATIENCE).sequence());
      }
    }
  }

  @Test
  void whatDoesNotLieInTheRingIsACopy() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false));
        Subscription latest = d.subscribe("t", new SubscriptionConfig().latest());
        Subscription all = d.subscribe("*"); Subscription member = d.subscribe("u", new SubscriptionConfig().group("g"));
        Publisher q = d.publisher("u")) {
      byte[] large = new byte[1000];
      Arrays.fill(large, (byte) 7);
      p.publish(large);
      p.publish(bytes(2));
      q.publish(bytes(1));
      for (Subscription s : new Subscription[] {latest, all, member}) {
        Message m = s.next(Stage.PATIENCE);
        byte[] want = m.bytes();
        try (Kept k = s.keep(m)) {
          assertFalse(k.inPlace());
          while (s.poll() != null) {
            continue;
          }
          assertArrayEquals(want, k.message().bytes());
          assertNotNull(k.message().source());
        }
      }
    }
  }

  @Test
  void onlyWhatIsLentCanBeKept() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t"); Subscription s = d.subscribe("t"); Subscription t = d.subscribe("t")) {
      p.publish(bytes(1));
      Message m = s.poll();
      assertEquals(Reason.INVALID, assertThrows(RingcastException.class, () -> t.keep(m)).reason());
      assertNull(s.poll());
      assertThrows(IllegalStateException.class, () -> s.keep(m));
      p.publish(bytes(2));
      Message again = s.poll();
      assertNull(Subscription.any(0, s));
      assertThrows(IllegalStateException.class, again::payload);
    }
  }
}
