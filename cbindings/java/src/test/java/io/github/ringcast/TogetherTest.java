package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A reader that looks at several messages together meets what may lie between them, each at its place. */
final class TogetherTest {
  private static final long SEED = Long.getLong("seed", System.nanoTime());
  private static final int SLOT = 64;

  private final Random random = new Random(SEED);
  /** How large what was sent is, and not read yet. */
  private final Queue<Integer> sizes = new ArrayDeque<>();
  private int sent;
  private int read;

  /** Repeat with: mvn test -Dtest=TogetherTest -DargLine=-Dseed=N. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void holesPiecesAndOpenClaims(boolean exclusive) throws InterruptedException {
    System.out.println("TogetherTest seed " + SEED);
    PublisherConfig shape = new PublisherConfig().slots(64).slotSize(SLOT);
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", exclusive ? shape.exclusive() : shape.shared());
        Subscription s = d.subscribe("t")) {
      for (int round = 0; round < 2_000; round++) {
        for (int n = random.nextInt(14); n > 0; n--) {
          send(p);
        }
        if (random.nextInt(4) == 0) {
          readBeforeAnOpenClaim(p, s);
        } else {
          take(s, random.nextInt(20));
        }
      }
      take(s, Integer.MAX_VALUE);
      assertTrue(sent > 2_000 && read == sent, read + " of " + sent);
    }
  }

  private void send(Publisher p) throws InterruptedException {
    int kind = random.nextInt(8);
    if (kind == 0) {
      Claim hole = p.claim(1, 0);
      if (hole != null) {
        hole.abort();
      }
      return;
    }
    int size = kind == 1 ? SLOT + 1 + random.nextInt(5 * SLOT) : random.nextInt(SLOT + 1);
    if (p.tryPublish(content(size))) {
      sent(size);
    }
  }

  private void sent(int size) {
    sizes.add(size);
    sent++;
  }

  private byte[] content(int size) {
    byte[] b = new byte[size];
    for (int i = 0; i < size; i++) {
      b[i] = at(sent, i);
    }
    return b;
  }

  private static byte at(int message, int i) {
    return (byte) (message * 31 + i);
  }

  private void readBeforeAnOpenClaim(Publisher p, Subscription s) throws InterruptedException {
    Claim open = p.claim(SLOT, 0);
    take(s, Integer.MAX_VALUE);
    if (open != null) {
      open.buffer().put(0, content(SLOT));
      open.commit(SLOT);
      sent(SLOT);
    }
  }

  /** Reads so many, or all that are there: then none is missing. */
  private void take(Subscription s, int most) throws InterruptedException {
    for (int n = 0; n < most; n++) {
      Message m = read < sent && random.nextBoolean() ? s.next(Stage.PATIENCE) : s.poll();
      if (m == null) {
        assertEquals(sent, read, "nothing was found");
        return;
      }
      check(m);
    }
  }

  private void check(Message m) {
    assertTrue(m.isMessage(), m.toString());
    Integer size = sizes.poll();
    assertNotNull(size, "more was read than sent");
    assertEquals(read + 1, m.sequence());
    assertEquals(size, m.size());
    byte[] b = m.bytes();
    for (int i = 0; i < b.length; i++) {
      assertEquals(at(read, i), b[i], "message " + read + ", byte " + i);
    }
    read++;
  }
}
