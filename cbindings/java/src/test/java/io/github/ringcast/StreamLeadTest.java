package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.ringcast.ring.StreamLead;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who waits for one topic lets its publishers be ahead, as far as the ring allows, and rests where that was in vain. */
final class StreamLeadTest {
  private static final int LEASE = 64;
  private static final int STREAM = 16;
  private static final int RESTS = 64;

  private static PublisherConfig shape(boolean exclusive, int slots, int slotSize) {
    PublisherConfig c = new PublisherConfig().slots(slots).slotSize(slotSize);
    return exclusive ? c.exclusive() : c.shared();
  }

  private static void publish(Publisher p, int n) {
    for (int i = 0; i < n; i++) {
      assertTrue(p.tryPublish(new byte[1]));
    }
  }

  private static void read(Subscription s, int n, boolean waits) throws InterruptedException {
    for (int i = 0; i < n; i++) {
      assertTrue((waits ? s.next(Stage.PATIENCE) : s.poll()).isMessage());
    }
  }

  /** A lead that publishers can't have, because the ring is full before, would cost its whole wait at every lease of a stream. */
  @ParameterizedTest
  @CsvSource({"4, 64, 1, 1", "64, 64, 16, 16", "1024, 64, 256, 256", "16384, 64, 1024, 4096", "4096, 1024, 128, 512", "1024, 2048, 128, 256",
      "64, 65536, 1, 8", "4, 1048576, 0, 0"})
  void withinTheRing(int slots, int slotSize, int least, int most) {
    for (boolean exclusive : new boolean[] {false, true}) {
      try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive, slots, slotSize));
          Subscription s = d.subscribe("t")) {
        assertNotNull(p);
        int lead = s.topic().lead().positions();
        assertTrue(lead >= least && lead <= Math.min(most, slots / 4), lead + " positions");
      }
    }
  }

  /** Waited for by who waits, in a stream: not behind single messages and short bursts, nor by who polls. */
  @ParameterizedTest
  @CsvSource({"1, true, false", STREAM - 1 + ", true, false", 2 * LEASE + 1 + ", true, true", 2 * LEASE + 1 + ", false, false"})
  void inAStreamOnly(int burst, boolean waits, boolean wanted) throws InterruptedException {
    for (boolean exclusive : new boolean[] {false, true}) {
      try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive, 1024, 64));
          Subscription s = d.subscribe("t")) {
        boolean waited = false;
        for (int n = 0; n <= 5 * LEASE; n += burst) {
          publish(p, burst);
          read(s, burst, waits);
          waited |= s.topic().lead().vain() > 0;
          assertNull(s.poll());
        }
        assertEquals(wanted, waited);
      }
    }
  }

  /** Who waits for several topics and then polls them reads each by turns: nobody's lead is waited for. */
  @Test
  void notInSeveral() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(false, 1024, 64));
        Subscription s = d.subscribe("t"); Subscription other = d.subscribe("u")) {
      publish(p, 3 * LEASE);
      for (int n = 0; n < 3 * LEASE; n++) {
        assertEquals(s, Subscription.any(Stage.PATIENCE, other, s));
        assertNotNull(s.poll());
      }
      assertEquals(0, s.topic().lead().vain());
    }
  }

  /** Nobody waits while the message that ends the lead is there, and who waits in vain again and again rests. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void restsGrow(boolean exclusive) throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive, 1024, 64));
        Subscription s = d.subscribe("t")) {
      StreamLead lead = s.topic().lead();
      publish(p, LEASE + lead.positions());
      read(s, LEASE + 1, true); // its second lease
      assertEquals(0, lead.vain());
      read(s, LEASE, true); // the third: the end of its lead is missing
      assertEquals(1, lead.vain());
      for (int rests = 1; rests <= RESTS; rests *= 2) {
        for (int i = 0; i <= rests; i++) {
          assertEquals(rests, lead.vain());
          publish(p, LEASE);
          read(s, LEASE, true);
        }
      }
      assertEquals(RESTS, lead.vain());
    }
  }

  /** A stream that ends before the lead is there is read to its end. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStreamThatEnds(boolean exclusive) throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", shape(exclusive, 1024, 64).history(8))) {
      publish(p, 8);
      try (Subscription s = d.subscribe("t", new SubscriptionConfig().history(8))) {
        int n = s.topic().lead().positions() + 2 * LEASE + 7;
        publish(p, n);
        read(s, 8 + n, true);
        assertNull(s.next(1_000_000));
      }
    }
  }
}
