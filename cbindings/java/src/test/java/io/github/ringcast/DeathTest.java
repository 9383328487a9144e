package io.github.ringcast;

import static io.github.ringcast.fb.Layout.PARTICIPANT_ENDINGS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.ringcast.fb.Ending;
import io.github.ringcast.shm.Participants;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What becomes of those who are killed, stopped or slow: with real processes. */
final class DeathTest {
  private static void kill(Process p) throws InterruptedException {
    p.destroyForcibly();
    Stage.end(p);
  }

  @Test
  void twoProcesses() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t")) {
      Process child = stage.child("count", "5000");
      for (int n = 1; n <= 5000; n++) {
        Message m = s.next(Stage.PATIENCE);
        assertNotNull(m);
        assertEquals(Integer.toString(n), new String(m.bytes()));
      }
      assertEquals(0, Stage.end(child));
    }
  }

  @Test
  void aWriterKilledInItsClaimIsSteppedOver() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t"); Publisher p = d.publisher("t")) {
      Process child = stage.child("claim");
      assertEquals("ready", Stage.line(child));
      p.publish(new byte[] {1});
      kill(child);
      Message m = s.next(Stage.PATIENCE);
      assertEquals(1, m.sequence());
      assertEquals(p.source(), m.source());
    }
  }

  @Test
  void anExclusiveTopicOfTheDeadIsTakenOver() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t")) {
      Process child = stage.child("own");
      assertEquals("ready", Stage.line(child));
      kill(child);
      try (Publisher p = d.publisher("t", new PublisherConfig().exclusive().slots(64))) {
        for (int n = 1; n <= 200; n++) {
          p.publish(new byte[] {(byte) n});
          assertEquals(n, s.next(Stage.PATIENCE).sequence());
        }
      }
    }
  }

  @Test
  void aKilledReaderHoldsNobodyUp() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", new PublisherConfig().slots(64))) {
      Process child = stage.child("subscribe");
      assertEquals("ready", Stage.line(child));
      kill(child);
      for (int n = 1; n <= 500; n++) {
        assertTrue(p.publish(new byte[1], 0, 1, Stage.PATIENCE));
      }
    }
  }

  @Test
  void theDeadAreRecoveredByWhoComesNext() throws Exception {
    try (Stage stage = new Stage()) {
      Process child = stage.child("claim");
      assertEquals("ready", Stage.line(child));
      kill(child);
      assertEquals(1, stage.files("live").length);
      try (Domain d = stage.open()) {
        assertEquals(0, d.address().index());
        assertEquals(2, d.address().generation());
        assertEquals(0, stage.files("topics").length, "the ring of the dead");
      }
      assertEquals(0, stage.files("live").length);
    }
  }

  /** Who was killed has died, also for a watch that looks when somebody else has recovered it and has its index. */
  @Test
  void theKilledHaveDiedWhoeverRecoveredThem() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      Process child = stage.child("subscribe");
      assertEquals("ready", Stage.line(child));
      try (Watch watch = d.watch(new WatchConfig().kinds(PresenceKind.SUBSCRIBER))) {
        Address dead = watch.next(Stage.PATIENCE).address();
        kill(child);
        try (Domain third = stage.open()) {
          assertEquals(dead.index(), third.address().index());
          assertEquals(Ending.Died, third.table().ending(dead.index(), dead.generation()));
          PresenceEvent e = watch.next(Stage.PATIENCE);
          assertEquals(dead, e.address());
          assertEquals(PresenceReason.DIED, e.reason());
        }
      }
    }
  }

  /** A record tells how its last lives ended, and nothing of one that it does not know any more. */
  @Test
  void aRecordTellsHowItsLivesEnded() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      Participants table = d.table();
      Process child = stage.child("subscribe");
      assertEquals("ready", Stage.line(child));
      kill(child);
      for (int lives = 0; lives < PARTICIPANT_ENDINGS; lives++) {
        Domain next = stage.open();
        Address a = next.address();
        assertEquals(1, a.index());
        assertEquals(2 + lives, a.generation());
        assertEquals(Ending.None, table.ending(1, a.generation()), "it is there");
        assertEquals(Ending.Died, table.ending(1, 1));
        next.close();
        assertEquals(Ending.Left, table.ending(1, a.generation()));
      }
      assertEquals(Ending.None, table.ending(1, 1), "the mark of a later life is in its place");
      assertEquals(Ending.None, table.ending(70_000, 1));
    }
  }

  @Test
  void aSlowReaderIsPutOutAndTold() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", new PublisherConfig().slots(64)); Subscription s = d.subscribe("t")) {
      p.publish(new byte[] {1});
      Message lent = s.poll();
      for (int n = 2; n <= 300; n++) {
        assertTrue(p.publish(new byte[] {(byte) n}, 0, 1, Stage.PATIENCE));
        assertEquals(1, lent.payload().get(lent.payload().position()), "lent bytes change");
      }
      long got = 1;
      long missed = 0;
      p.publish(new byte[1]);
      for (Message m = s.poll(); m != null; m = s.poll()) {
        if (m.type() == MessageType.LAGGED) {
          missed += m.count();
        } else {
          got++;
        }
      }
      assertTrue(missed > 0, "nothing was missed");
      p.publish(new byte[1]);
      assertEquals(302, s.next(Stage.PATIENCE).sequence());
      assertTrue(got + missed >= 301, got + " came, " + missed + " did not");
    }
  }

  @Test
  void aClaimHeldTooLongIsTaken() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher slow = d.publisher("t"); Publisher p = d.publisher("t"); Subscription s = d.subscribe("t")) {
      Claim held = slow.claim(1);
      p.publish(new byte[] {1});
      assertEquals(p.source(), s.next(Stage.PATIENCE).source());
      RingcastException e = org.junit.jupiter.api.Assertions.assertThrows(RingcastException.class, () -> held.commit(1));
      assertEquals(Reason.FENCED, e.reason());
      slow.publish(new byte[] {2});
      Message m = s.next(Stage.PATIENCE);
      assertEquals(slow.source(), m.source());
      assertEquals(1, m.sequence());
    }
  }

  @Test
  void aTopicReplacedForItsShapeLosesNothing() throws InterruptedException, IOException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t"); Subscription l = d.subscribe("t", new SubscriptionConfig().latest())) {
      try (Publisher p = d.publisher("t", new PublisherConfig().slots(128).slotSize(64).exclusive())) {
        for (int n = 1; n <= 50; n++) {
          p.publish(new byte[] {(byte) n});
        }
        for (int n = 1; n <= 50; n++) {
          assertEquals(n, s.next(Stage.PATIENCE).sequence());
          assertEquals(n, l.next(Stage.PATIENCE).sequence());
        }
        assertEquals(2, stage.files("topics").length);
      }
    }
  }
}
