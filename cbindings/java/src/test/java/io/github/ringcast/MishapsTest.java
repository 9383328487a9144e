package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** What goes wrong in odd moments leaves everything usable. */
final class MishapsTest {
  /** An Error in a handler is told to the program and to the caller, and the only thread of the instance goes on. */
  @Test
  void anErrorEndsNoInstance() throws Exception {
    AtomicReference<Throwable> told = new AtomicReference<>();
    AssertionError broken = new AssertionError("broken");
    Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((t, e) -> told.set(e));
    Handler handler = r -> {
      if (r.text().equals("break")) {
        throw broken;
      }
      r.reply("whole");
    };
    try (Stage stage = new Stage(); Domain d = stage.open(); Instance i = d.serve("s", handler)) {
      Client client = d.client("s").within(Stage.PATIENCE);
      for (int k = 0; k < 3; k++) {
        assertEquals(Reason.NO_REPLY, assertThrows(RingcastException.class, () -> client.request("break")).reason());
        assertEquals("whole", client.request("x").text());
        assertSame(broken, told.getAndSet(null));
      }
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before);
    }
  }

  @Test
  void anExceptionWithoutAMessageIsAnAnswer() throws Exception {
    Handler handler = r -> {
      if (r.text().equals("reply")) {
        throw new ReplyException(7, null);
      }
      throw new IllegalStateException();
    };
    try (Stage stage = new Stage(); Domain d = stage.open(); Instance i = d.serve("s", handler)) {
      Client client = d.client("s").within(Stage.PATIENCE);
      ReplyException own = assertThrows(ReplyException.class, () -> client.request("reply"));
      assertEquals(7, own.code());
      assertEquals("", own.getMessage());
      ReplyException other = assertThrows(ReplyException.class, () -> client.request("other"));
      assertEquals("java.lang.IllegalStateException", other.getMessage());
    }
  }

  /** A range that is not in the array is refused before a slot is claimed: readers do not wait for it. */
  @Test
  void aRangeOutsideTheArray() throws Exception {
    PublisherConfig one = new PublisherConfig().slots(64).exclusive();
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription s = d.subscribe("t"); Publisher p = d.publisher("t", one)) {
      byte[] data = {1, 2, 3, 4};
      assertThrows(IndexOutOfBoundsException.class, () -> p.tryPublish(data, 2, 8));
      assertThrows(IndexOutOfBoundsException.class, () -> p.tryPublish(data, 0, -1));
      assertThrows(IndexOutOfBoundsException.class, () -> p.publish(data, -1, 2, Publisher.FOREVER));
      assertTrue(p.tryPublish(data, 1, 3));
      Message m = s.next(Stage.PATIENCE);
      assertEquals(0, m.position());
      assertEquals(3, m.size());
    }
  }

  /** What could not be told of is taken back, and who ends ends also where that can't be told. */
  @Test
  void nothingCanBeTold() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      Path live = stage.dir.resolve(stage.domain).resolve("live");
      Path elsewhere = live.resolveSibling("elsewhere");
      List<Subscription> many = new ArrayList<>();
      for (int i = 0; i < 30; i++) { // so many long names do not fit a record: they go into a file
        many.add(d.subscribe("x".repeat(150) + i));
      }
      Instance s = d.serve("s", r -> r.reply("here"));
      Files.move(live, elsewhere);
      assertEquals(Reason.NOT_FOUND, assertThrows(RingcastException.class, () -> d.subscribe("refused")).reason());
      assertEquals(Reason.NOT_FOUND, assertThrows(RingcastException.class, () -> d.publisher("refused")).reason());
      assertEquals(Reason.NOT_FOUND, assertThrows(RingcastException.class, () -> d.serve("refused", r -> { })).reason());
      many.remove(0).close();
      s.close();
      Files.move(elsewhere, live);
      assertEquals(0, d.subscribers("refused"));
      assertEquals(Reason.NO_SERVICE, assertThrows(RingcastException.class, () -> d.client("s").request("x")).reason());
      for (Subscription other : many) {
        other.close();
      }
    }
  }

  /** A request that nobody has started when its caller's domain is closed is taken back. */
  @Test
  void aCloseTakesBackWhatWaits() throws Exception {
    CountDownLatch began = new CountDownLatch(1);
    Semaphore go = new Semaphore(0);
    AtomicInteger ran = new AtomicInteger();
    Handler slow = r -> {
      ran.incrementAndGet();
      began.countDown();
      go.acquire();
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain other = stage.open(); Instance i = server.serve("s", slow)) {
      Domain caller = stage.open();
      CompletableFuture<Reply> taken = other.client("s").within(Stage.PATIENCE).requestAsync(new byte[1]);
      assertTrue(began.await(60, TimeUnit.SECONDS));
      CompletableFuture<Reply> waits = caller.client("s").within(Stage.PATIENCE).requestAsync(new byte[1]);
      caller.close();
      assertTrue(waits.isCompletedExceptionally());
      go.release(2);
      assertTrue(i.stop(Stage.PATIENCE), "what is in hand is finished");
      assertEquals(1, ran.get());
      assertThrows(java.util.concurrent.ExecutionException.class, () -> taken.get(60, TimeUnit.SECONDS));
    }
  }
}
