package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.ringcast.shm.Participants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How the default wait learns from its sleeps. */
final class SpinTimeTest {
  /** A sleep that was over soon, or soon enough with a backlog behind it, makes the next spin longer; any other makes it shorter. */
  @ParameterizedTest
  @CsvSource({"50000, true, false, 50000", "50000, false, false, 12500", "150000, true, false, 12500", "150000, true, true, 50000",
      "400000, true, true, 12500"})
  void oneSleep(long took, boolean ready, boolean many, long then) {
    SpinTime spin = new SpinTime();
    for (int i = 0; i < 3; i++) { // of 200 us
      spin.learn(1_000_000, true, false);
    }
    spin.learn(took, ready, many);
    assertEquals(then, spin.nanosAnywhere());
  }

  /** It stays within 2 and 200 us. */
  @Test
  void bounds() {
    SpinTime spin = new SpinTime();
    spin.learn(10_000, true, false);
    assertEquals(200_000, spin.nanosAnywhere());
    for (int i = 0; i < 20; i++) {
      spin.learn(1_000_000, true, false);
    }
    assertEquals(2_000, spin.nanosAnywhere());
  }

  /** Who reads what comes from another node spins for 20 us at most; what it has learnt beyond that is forgotten. */
  @Test
  void far() {
    SpinTime spin = new SpinTime();
    spin.far();
    assertEquals(20_000, spin.nanosAnywhere());
    spin.learn(1_000_000, true, false);
    spin.far();
    assertEquals(10_000, spin.nanosAnywhere());
  }

  /** A subscription learns from what it sleeps through: that nothing comes teaches it to spin for less. */
  @Test
  void aSubscriptionLearns() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t")) {
      long before = s.spin().nanosAnywhere();
      long began = System.nanoTime();
      while (s.spin().nanosAnywhere() >= before && System.nanoTime() - began < Stage.PATIENCE) {
        assertEquals(null, s.next(10_000_000));
      }
      long after = s.spin().nanosAnywhere();
      assertTrue(after < before, after + " ns of spinning behind sleeps for nothing, " + before + " before");
    }
  }

  /** Once behind a sleep, and for a while not again where others keep the core. */
  @Test
  void wayIsGivenOnceBehindAWaking() {
    SpinTime spin = new SpinTime();
    Participants.hasWoken(); // of tests before
    assertFalse(spin.givesWay());
    spin.learn(1, false, false);
    assertTrue(spin.givesWay());
    assertFalse(spin.givesWay());
    spin.gaveWay(1_000_000);
    for (int i = 0; i < 64; i++) {
      spin.learn(1, false, false);
      assertFalse(spin.givesWay(), "others keep the core");
    }
    spin.learn(1, false, false);
    assertTrue(spin.givesWay());
  }
}
