package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that no correct process writes, and buffers that are kept for too long: nothing crashes. */
final class HostileTest {
  private static final long SEED = Long.getLong("seed", System.nanoTime());

  /** Repeat with: mvn test -Dtest=HostileTest -DargLine=-Dseed=N. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void scribblingStopsNobody(boolean exclusive) throws Exception {
    System.out.println("HostileTest seed " + SEED);
    Random random = new Random(SEED);
    try (Stage stage = new Stage()) {
      try (Domain d = stage.open()) {
        for (int round = 0; round < 60; round++) {
          scribbleRound(stage, d, random, exclusive, "t" + round);
        }
      }
    }
  }

  private static void scribbleRound(Stage stage, Domain d, Random random, boolean exclusive, String topic) throws Exception {
    PublisherConfig shape = new PublisherConfig().slots(64).slotSize(128);
    try (Publisher p = d.publisher(topic, exclusive ? shape.exclusive() : shape.shared()); Subscription s = d.subscribe(topic);
        Subscription l = d.subscribe(topic, new SubscriptionConfig().latest());
        Subscription g = random.nextBoolean() ? d.subscribe(topic, new SubscriptionConfig().group("g")) : d.subscribe(topic)) {
      byte[] b = new byte[300];
      for (int i = 0; i < 200; i++) {
        if (i % 10 == 5) {
          scribble(stage.topics(), topic, random);
        }
        try {
          p.tryPublish(b, 0, random.nextInt(b.length));
        } catch (RingcastException e) {
          assertTrue(allowed(e), e.toString());
          if (e.reason() == Reason.NOT_EXCLUSIVE) {
            return;
          }
        }
        drain(s);
        drain(l);
        drain(g);
      }
    } catch (RingcastException e) {
      assertTrue(allowed(e), e.toString());
    }
  }

  private static boolean allowed(RingcastException e) {
    return e.reason() == Reason.NOT_EXCLUSIVE || e.reason() == Reason.DAMAGED || e.reason() == Reason.IN_USE
        || e.reason() == Reason.OTHER_VERSION || e.reason() == Reason.NOT_OURS || e.reason() == Reason.NOT_FOUND || e.reason() == Reason.SHAPE
        || e.reason() == Reason.TOO_LARGE || e.reason() == Reason.READERS_FULL;
  }

  private static void drain(Subscription s) {
    try {
      for (int i = 0; i < 300; i++) {
        Message m = s.poll();
        if (m == null) {
          return;
        }
        if (m.isMessage()) {
          m.bytes();
        }
      }
    } catch (RingcastException e) {
      assertTrue(allowed(e), e.toString());
    }
  }

  /** Writes some bytes behind the header of one of the ring's files. */
  private static void scribble(Path topics, String topic, Random random) throws IOException {
    try (Stream<Path> files = Files.list(topics)) {
      Path[] all = files.filter(f -> f.getFileName().toString().startsWith(topic + ".")).sorted().toArray(Path[]::new);
      try (RandomAccessFile f = new RandomAccessFile(all[random.nextInt(all.length)].toFile(), "rw")) {
        byte[] bytes = new byte[8];
        random.nextBytes(bytes);
        if (random.nextBoolean()) {
          java.util.Arrays.fill(bytes, (byte) random.nextInt(4));
        }
        long span = random.nextBoolean() ? Math.min(f.length(), 1600) : f.length();
        f.seek(256 + (long) (random.nextDouble() * (span - 264)) / 8 * 8);
        f.write(bytes);
      }
    }
  }

  /** Each in a virtual machine of its own: a crash would end it by a signal. */
  @ParameterizedTest
  @CsvSource({".dat,0", ".dat,10", ".dat,50000", ".ctl,0", ".ctl,10", ".ctl,50000"})
  void aFileThatLosesItsBytesDoesNotCrashTheMachine(String suffix, int warm) throws Exception {
    try (Stage stage = new Stage()) {
      Process child = stage.child("truncate", suffix, Integer.toString(warm));
      String text = new String(child.getInputStream().readAllBytes());
      assertEquals(0, Stage.end(child), text);
      assertTrue(text.contains("threw") || text.contains("ended"), text);
      assertFalse(Files.exists(stage.dir.resolve("hs_err.log")), text);
    }
  }

  @Test
  void whatWasLentCannotBeUsedAfterwards() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t"); Subscription s = d.subscribe("t")) {
      p.publish(new byte[] {1});
      Message m = s.poll();
      ByteBuffer kept = m.payload();
      assertThrows(java.nio.ReadOnlyBufferException.class, () -> kept.put(0, (byte) 1));
      assertEquals(null, s.poll());
      assertThrows(IllegalStateException.class, m::payload);
      assertThrows(IllegalStateException.class, m::type);
      s.close();
      assertThrows(IndexOutOfBoundsException.class, () -> kept.get(0));
    }
  }

  /** The mapping stays as long as somebody could look at it. */
  @Test
  void aBufferThatOutlivesItsRingDoesNotCrash() throws InterruptedException {
    ByteBuffer kept;
    ByteBuffer claimed;
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t"); Subscription s = d.subscribe("t")) {
      p.publish(new byte[] {42});
      kept = s.poll().payload().slice();
      Claim c = p.claim(1);
      claimed = c.buffer();
      c.abort();
    }
    for (int i = 0; i < 5; i++) {
      System.gc();
      Thread.sleep(5);
    }
    assertEquals(42, kept.get(0));
    claimed.put(0, (byte) 1); // the file is gone; the page is ours alone
    assertEquals(1, claimed.get(0));
  }
}
