package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How producers wait for readers. */
final class GateTest {
  /**
   * A producer that looked for room for two, and went on with one, has waited no longer than until
   * then: what it does afterwards is not charged to the reader, who is put out after 500 ms.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void roomForLessEndsTheWait(boolean exclusive) throws InterruptedException {
    PublisherConfig config = new PublisherConfig().slots(64).slotSize(64);
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", exclusive ? config.exclusive() : config.shared());
        Subscription s = d.subscribe("t")) {
      byte[] one = new byte[1];
      for (int round = 0; round < 65; round++) {
        for (int i = 0; i < 63; i++) {
          assertTrue(p.tryPublish(one));
        }
        assertFalse(p.tryPublish(new byte[100]));
        assertTrue(p.tryPublish(one));
        Thread.sleep(11); // the producer has other things to do
        assertFalse(p.tryPublish(one));
        for (int i = 0; i < 64; i++) {
          Message m = s.poll();
          assertNotNull(m);
          assertEquals(MessageType.MESSAGE, m.type(), "round " + round);
        }
        assertEquals(null, s.poll());
      }
    }
  }
}
