package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.ringcast.ring.Letter;
import java.nio.file.Files;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What becomes of requests whose instance or caller is killed: with real processes. */
final class RequestDeathTest {
  private static void kill(Process p) throws InterruptedException {
    p.destroyForcibly();
    Stage.end(p);
  }

  @Test
  void theCallerOfAKilledInstanceIsToldOnceAndTheOthersAreServed() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Watch watch = d.watch(new WatchConfig().kinds(PresenceKind.INSTANCE))) {
      Process child = stage.child("serve");
      assertEquals("ready", Stage.line(child));
      assertTrue(watch.next(Stage.PATIENCE).up());
      Client client = d.client("s").within(Stage.PATIENCE);
      CompletableFuture<Reply> inHand = client.requestAsync("hang".getBytes());
      assertEquals("hangs", Stage.line(child));
      try (Instance here = d.serve("s", r -> r.reply("here"))) {
        assertEquals(d.address(), watch.next(Stage.PATIENCE).address());
        CompletableFuture<Reply> other = client.requestAsync("quick".getBytes());
        assertEquals("here", other.get(60, TimeUnit.SECONDS).text(), "the one hand of the other is full");
        kill(child);
        RingcastException e = (RingcastException) assertThrows(CompletionException.class, inHand::join).getCause();
        assertEquals(Reason.INSTANCE_DIED, e.reason());
        assertEquals("here", client.request("quick").text());
        PresenceEvent down = watch.next(Stage.PATIENCE);
        assertTrue(down.died() && !down.up(), down.toString());
      }
    }
  }

  /** Starts an instance, and puts two requests to it: one that it has in hand, and one that waits, whose place is returned. */
  private static ServiceQueue.Spot oneThatWaits(Process instance, ServiceQueue queue) throws Exception {
    assertEquals("ready", Stage.line(instance));
    queue.put(Letter.request("hang".getBytes(), 1, Stage.PATIENCE, false));
    assertEquals("hangs", Stage.line(instance));
    return queue.put(Letter.request("hang".getBytes(), 2, Stage.PATIENCE, false));
  }

  /** The same position of the ring that has the name now is somebody else's request. */
  @Test
  void aRequestIsNotTakenBackFromALaterRing() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      ServiceQueue queue = d.post().services.hold("s");
      Process child = stage.child("serve");
      ServiceQueue.Spot first = oneThatWaits(child, queue);
      kill(child);
      stage.open().close(); // recovers it
      RingcastException e = assertThrows(RingcastException.class, () -> queue.put(Letter.request("x".getBytes(), 3, Stage.PATIENCE, false)));
      assertEquals(Reason.NO_SERVICE, e.reason());
      for (String file : stage.files("services")) {
        Files.delete(stage.dir.resolve(stage.domain).resolve("services").resolve(file)); // the next instance makes another one
      }
      ServiceQueue.Spot second = oneThatWaits(stage.child("serve"), queue);
      assertEquals(first.position(), second.position());
      assertFalse(queue.withdraw(first));
      assertTrue(queue.withdraw(second));
    }
  }

  @Test
  void theLastInstanceIsKilled() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      Process child = stage.child("serve");
      assertEquals("ready", Stage.line(child));
      Client client = d.client("s").within(Stage.PATIENCE);
      CompletableFuture<Reply> inHand = client.requestAsync("hang".getBytes());
      assertEquals("hangs", Stage.line(child));
      CompletableFuture<Reply> waits = client.requestAsync("hang".getBytes());
      kill(child);
      assertEquals(Reason.INSTANCE_DIED, ((RingcastException) assertThrows(CompletionException.class, inHand::join).getCause()).reason());
      assertEquals(Reason.NO_SERVICE, ((RingcastException) assertThrows(CompletionException.class, waits::join).getCause()).reason());
      try (Instance here = d.serve("s", r -> r.reply("here"))) {
        assertEquals("here", client.request("x").text());
      }
    }
  }

  @Test
  void aHandlerIsToldThatItsCallerWasKilled() throws Exception {
    CountDownLatch began = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    try (Stage stage = new Stage(); Domain d = stage.open(); Instance here = d.serve("s", r -> {
      began.countDown();
      try {
        Thread.sleep(60_000);
      } catch (InterruptedException e) {
        told.countDown();
        throw e;
      }
    })) {
      Process child = stage.child("ask");
      assertTrue(began.await(60, TimeUnit.SECONDS));
      kill(child);
      assertTrue(told.await(60, TimeUnit.SECONDS));
    }
  }
}
