package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.fb.Layout;
import io.github.ringcast.shm.Kernel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is published is received: sizes, kinds, histories, places to wait. */
final class StreamTest {
  private static byte[] bytes(long n, int size) {
    byte[] b = new byte[size];
    Arrays.fill(b, (byte) n);
    return b;
  }

  private static PublisherConfig shape(boolean exclusive) {
    PublisherConfig c = new PublisherConfig().slots(64).slotSize(128);
    return exclusive ? c.exclusive() : c.shared();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyMessageOnceInOrderOverManyLaps(boolean exclusive) throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive)); Subscription s = d.subscribe("t")) {
      int[] sizes = {0, 1, 63, 128, 129, 400, 4096};
      for (int n = 1; n <= 3000; n++) {
        byte[] b = bytes(n, sizes[n % sizes.length]);
        p.publish(b);
        Message m = s.next(Stage.PATIENCE);
        assertEquals(n, m.sequence());
        assertArrayEquals(b, m.bytes());
        assertEquals(p.source(), m.source());
        assertEquals(ByteBuffer.wrap(b), m.payload());
      }
      assertNull(s.poll());
    }
  }

  /** Messages that are committed in several runs: spec/ring.md, 11. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void messagesLargerThanARun(boolean exclusive) throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive).slots(8192));
        Subscription s = d.subscribe("t")) {
      for (int size : new int[] {(64 << 10) - 1, 64 << 10, (64 << 10) + 1, (64 << 10) + 129, 300_001, 1 << 19}) {
        byte[] b = new byte[size];
        for (int i = 0; i < size; i++) {
          b[i] = (byte) (size * 31 + i * 7);
        }
        p.publish(b);
        assertArrayEquals(b, s.next(Stage.PATIENCE).bytes());
      }
    }
  }

  /** The smallest ring: half of it is the largest message, and a history goes round it. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void fourSlots(boolean exclusive) throws InterruptedException {
    PublisherConfig c = new PublisherConfig().slots(4).slotSize(64).history(2);
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", exclusive ? c.exclusive() : c.shared());
        Subscription s = d.subscribe("t")) {
      for (int n = 0; n < 50; n++) {
        byte[] half = new byte[128 - n % 3];
        Arrays.fill(half, (byte) n);
        assertTrue(p.tryPublish(half) && p.tryPublish(half));
        assertFalse(p.tryPublish(new byte[1]));
        for (int i = 0; i < 2; i++) {
          assertArrayEquals(half, s.poll().bytes());
        }
        assertNull(s.poll());
      }
      assertEquals(Reason.TOO_LARGE, assertThrows(RingcastException.class, () -> p.tryPublish(new byte[129])).reason());
      try (Subscription late = d.subscribe("t", new SubscriptionConfig().history(2))) {
        assertEquals(100, late.poll().sequence());
      }
    }
  }

  /** One who lives, and is fenced, holds the first slot of a lap, dead ones the two behind it: a publisher's first look takes those back. */
  @Test
  void theDeadBehindTheLiving() throws IOException {
    int[] owners = {1, 200, 200}; // of the second domain here, and of nobody
    try (Stage stage = new Stage(); Domain d = stage.open(); Domain other = stage.open();
        Publisher p = d.publisher("t", new PublisherConfig().slots(4).slotSize(64)); Subscription s = d.subscribe("t");
        FileChannel file = FileChannel.open(stage.topics().resolve("t.ctl"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      assertEquals(1, other.address().index());
      for (int n = 0; n < 4; n++) {
        assertTrue(p.tryPublish(new byte[1]));
        assertNotNull(s.poll());
      }
      assertNull(s.poll());
      LongBuffer control = file.map(FileChannel.MapMode.READ_WRITE, 0, file.size()).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
      int claims = 1024 / 8;
      for (int i = 0; i < owners.length; i++) {
        control.put(claims + i, 1L << 20 | owners[i] << 4 | ClaimState.Quarantined);
      }
      assertTrue(p.tryPublish(new byte[1]));
      assertEquals(2L << 20 | 1 << 4 | ClaimState.Quarantined, control.get(claims));
      assertEquals(ClaimState.Ready, control.get(claims + 1) & 15);
      assertEquals(1L << 20 | ClaimState.Hole, control.get(claims + 2));
      assertEquals(2, control.get((256 + Layout.RING_CONTROL_RECOVERED_OFFSET) / 8));
    }
  }

  /** A message of two slots finds them, also where a slot that a slow writer holds lies behind each. */
  @Test
  void largeBetweenTheHeld() throws Exception {
    byte[] large = new byte[100];
    Arrays.fill(large, (byte) 7);
    try (Stage stage = new Stage(); Domain d = stage.open(); Domain other = stage.open();
        Publisher p = d.publisher("t", new PublisherConfig().slots(4).slotSize(64)); Subscription s = d.subscribe("t");
        FileChannel file = FileChannel.open(stage.topics().resolve("t.ctl"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      for (int n = 0; n < 4; n++) {
        assertTrue(p.tryPublish(new byte[1]));
        assertNotNull(s.poll());
      }
      assertNull(s.poll());
      LongBuffer control = file.map(FileChannel.MapMode.READ_WRITE, 0, file.size()).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
      for (int slot = 1; slot < 4; slot += 2) {
        control.put(1024 / 8 + slot, 1L << 20 | other.address().index() << 4 | ClaimState.Quarantined);
      }
      for (int n = 0; n < 5; n++) {
        assertTrue(p.tryPublish(large));
        assertArrayEquals(large, s.next(Stage.PATIENCE).bytes());
        assertNull(s.poll()); // and lets go
      }
    }
  }

  /** The same with more slots than one look goes over: lap by lap all of the dead's are taken back. */
  @Test
  void manyOfTheDeadBehindTheLiving() throws Exception {
    int slots = 256;
    int large = 100;
    try (Stage stage = new Stage(); Domain d = stage.open(); Domain other = stage.open();
        Publisher p = d.publisher("t", new PublisherConfig().slots(slots).slotSize(64)); Subscription s = d.subscribe("t");
        FileChannel file = FileChannel.open(stage.topics().resolve("t.ctl"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      LongBuffer control = file.map(FileChannel.MapMode.READ_WRITE, 0, file.size()).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
      int claims = 1024 / 8;
      for (int n = 0; n < 7 * slots; n++) {
        for (int i = 0; n == slots && i < 2 * large; i++) {
          control.put(claims + i, 1L << 20 | (i < large ? other.address().index() : 200) << 4 | ClaimState.Quarantined);
        }
        if (n % 16 == 0) {
          Thread.sleep(5);
        }
        assertTrue(p.tryPublish(new byte[1]));
        assertNotNull(s.poll());
      }
      assertEquals(large, control.get((256 + Layout.RING_CONTROL_RECOVERED_OFFSET) / 8));
      for (int i = 0; i < large; i++) {
        assertEquals(1 << 4 | ClaimState.Quarantined, control.get(claims + i) & 0xfffff);
      }
    }
  }

  /** Who asks for large slots and for no number gets few, whoever made the topic before: spec/messaging.md, 1. The limit is half of the ring. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void largeSlotsAreFew(boolean there) {
    int[][] cases = {{0, 16384, 0, 1024}, {0, 16385, 0, 512}, {0, 65536, 0, 256}, {0, 262144, 0, 64}, {0, 262080, 33, 128}, {128, 65536, 0, 128}};
    for (int[] c : cases) {
      try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe(there ? "t" : "other");
          Publisher p = d.publisher("t", new PublisherConfig().slots(c[0]).slotSize(c[1]).history(c[2]))) {
        assertEquals(c[3], 2 * p.messageLimit() / p.slotSize(), Arrays.toString(c) + s);
      }
    }
  }

  @Test
  void nothingIsLeftBehind() throws InterruptedException {
    try (Stage stage = new Stage()) {
      try (Domain d = stage.open(); Publisher p = d.publisher("t"); Subscription s = d.subscribe("t")) {
        p.publish(bytes(1, 10));
        assertNotNull(s.poll());
        assertEquals(2, stage.files("topics").length);
      }
      assertEquals(0, stage.files("topics").length);
      assertEquals(0, stage.files("live").length);
    }
  }

  @Test
  void sequencesGoOnUnderTheHandleOfAClosedPublisher() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t")) {
      Address first;
      try (Publisher p = d.publisher("t")) {
        first = p.source();
        p.publish(bytes(1, 1));
        p.publish(bytes(2, 1));
      }
      try (Publisher p = d.publisher("t"); Publisher q = d.publisher("t")) {
        assertEquals(first, p.source());
        assertEquals(2, q.source().handle());
        p.publish(bytes(3, 1));
        assertEquals(3, p.sequence());
      }
      for (int n = 1; n <= 3; n++) {
        assertEquals(n, s.poll().sequence());
      }
    }
  }

  @Test
  void claimsAreWrittenInPlaceOrAborted() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false)); Subscription s = d.subscribe("t")) {
      for (int n = 1; n <= 200; n++) {
        try (Claim aborted = p.claim(8)) {
          aborted.buffer().putLong(0, -1);
        }
        Claim c = p.claim(8);
        assertEquals(128, c.buffer().capacity());
        c.buffer().putLong(n);
        assertEquals(Reason.BUSY, assertThrows(RingcastException.class, () -> p.tryPublish(new byte[1])).reason());
        c.commit(8);
        assertEquals(Reason.INVALID, assertThrows(RingcastException.class, c::buffer).reason());
        Message m = s.poll();
        assertEquals(n, m.sequence());
        assertEquals(n, m.payload().getLong());
      }
    }
  }

  @Test
  void aHistoryBeginsBack() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false))) {
      for (int n = 1; n <= 100; n++) {
        p.publish(bytes(n, 8));
      }
      try (Subscription s = d.subscribe("t", new SubscriptionConfig().history(20)); Subscription l = d.subscribe("t", new SubscriptionConfig().latest().history(5))) {
        p.publish(bytes(101, 8));
        for (int n = 81; n <= 101; n++) {
          assertEquals(n, s.poll().sequence());
        }
        assertNull(s.poll());
        assertEquals(96, l.poll().sequence());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aLatestReaderIsToldWhatItMissed(boolean exclusive) {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive).latest()); Subscription s = d.subscribe("t")) {
      long got = 0;
      long missed = 0;
      for (int n = 1; n <= 1000; n++) {
        assertTrue(p.tryPublish(bytes(n, 100)));
        if (n % 200 == 0) {
          for (Message m = s.poll(); m != null; m = s.poll()) {
            if (m.type() == MessageType.LAGGED) {
              missed += m.count();
            } else {
              got++;
              assertArrayEquals(bytes(m.sequence(), 100), m.bytes());
              assertEquals(m.sequence(), got + missed);
            }
          }
        }
      }
      assertEquals(1000, got + missed);
      assertTrue(missed > 0 && got > 0);
    }
  }

  @Test
  void aFullTopicRefusesUntilTheReaderGoesOn() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false)); Subscription s = d.subscribe("t")) {
      for (int n = 0; n < 64; n++) {
        assertTrue(p.tryPublish(new byte[1]));
      }
      assertFalse(p.tryPublish(new byte[1]));
      assertFalse(p.publish(new byte[1], 0, 1, 1_000_000));
      for (int n = 0; n < 64; n++) {
        assertNotNull(s.poll());
      }
      assertNull(s.poll());
      assertTrue(p.tryPublish(new byte[1]));
    }
  }

  @Test
  void whoSleepsIsWoken() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Domain e = stage.open(); Publisher p = d.publisher("t", shape(false)); Subscription s = e.subscribe("t")) {
      Thread writer = new Thread(() -> {
        try {
          for (int n = 1; n <= 20; n++) {
            Thread.sleep(5);
            p.publish(new byte[1]);
          }
          for (int n = 1; n <= 5000; n++) { // far more than there is room for
            p.publish(new byte[1]);
          }
        } catch (InterruptedException x) {
          Thread.currentThread().interrupt();
        }
      });
      writer.start();
      for (int n = 1; n <= 5020; n++) {
        assertEquals(n, s.next(Stage.PATIENCE).sequence());
      }
      writer.join();
      assertNull(s.next(1_000_000));
    }
  }

  @Test
  void oneWaitForSeveralSubscriptions() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("b"); Subscription a = d.subscribe("a"); Subscription b = d.subscribe("b")) {
      assertNull(Subscription.any(2_000_000, a, b));
      Thread writer = new Thread(() -> {
        try {
          Thread.sleep(20);
          p.publish(new byte[3]);
        } catch (InterruptedException x) {
          Thread.currentThread().interrupt();
        }
      });
      writer.start();
      assertEquals(b, Subscription.any(Stage.PATIENCE, a, b));
      assertEquals(3, b.poll().size());
      writer.join();
    }
  }

  @Test
  void aPatternReadsFromTheFirstMessage() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Domain e = stage.open(); Publisher old = d.publisher("p.old"); Subscription s = e.subscribe("p.*")) {
      old.publish(bytes(1, 1));
      assertEquals("p.old", s.next(Stage.PATIENCE).topic());
      try (Publisher q = d.publisher("q.other"); Publisher late = d.publisher("p.late", shape(true))) {
        q.publish(bytes(1, 1));
        late.publish(bytes(1, 1));
        late.publish(bytes(2, 1));
        for (int n = 1; n <= 2; n++) {
          Message m = s.next(Stage.PATIENCE);
          assertEquals("p.late", m.topic());
          assertEquals(n, m.sequence());
        }
      }
    }
  }

  @Test
  void anInterruptEndsAWaitAndAnIteration() {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t"); Publisher p = d.publisher("t")) {
      p.tryPublish(new byte[1]);
      int seen = 0;
      for (Message m : s) {
        seen += m.size();
        Thread.currentThread().interrupt();
      }
      assertEquals(1, seen);
      assertTrue(Thread.interrupted());
      Thread.currentThread().interrupt();
      assertThrows(InterruptedException.class, s::next);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theDataPathMakesNoNativeCall(boolean exclusive) {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive)); Subscription s = d.subscribe("t");
        Subscription l = d.subscribe("t", new SubscriptionConfig().latest())) {
      byte[] b = new byte[100];
      long before = Kernel.calls();
      assertTrue(before > 0, "the calls are not counted");
      for (int n = 1; n <= 20_000; n++) {
        assertTrue(p.tryPublish(b));
        assertEquals(n, s.poll().sequence());
        assertEquals(n, l.poll().sequence());
        assertNull(s.poll());
      }
      assertEquals(before, Kernel.calls());
    }
  }
}
