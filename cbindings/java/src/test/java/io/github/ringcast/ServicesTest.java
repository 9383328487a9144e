package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Programs that call many names: what is kept open of them is bounded, and what is in use stays. */
final class ServicesTest {
  private static final int NAMES = 600;
  private static final int KEPT = 256;
  /** Files of one ring: control, slots and group. */
  private static final int FILES = 3;
  /** The slots' header and the slots are mapped apart. */
  private static final int MAPPINGS = FILES + 1;
  private static final ServeConfig SMALL = new ServeConfig().queue(64).slotSize(64);

  /** Descriptors of files of the stage whose path has the text. */
  private static int open(Stage stage, String text) throws IOException {
    int n = 0;
    for (File f : new File("/proc/self/fd").listFiles()) {
      try {
        String to = Files.readSymbolicLink(f.toPath()).toString();
        n += to.startsWith(stage.dir.toString()) && to.contains(text) ? 1 : 0;
      } catch (java.nio.file.NoSuchFileException e) {
        // of the listing itself
      }
    }
    return n;
  }

  private static long mapped(Stage stage) throws IOException {
    List<String> all = Files.readAllLines(Path.of("/proc/self/maps"));
    return all.stream().filter(l -> l.contains(stage.dir + "/") && l.contains("/services/")).count();
  }

  /** Serves names for one request each. */
  private static void callNames(Domain caller, Domain server, int first, int end) throws InterruptedException {
    for (int i = first; i < end; i++) {
      String name = "order." + i;
      try (Instance s = server.serve(name, r -> r.reply(r.payload()), SMALL)) {
        assertEquals(name, caller.client(name).within(Stage.PATIENCE).request(name).text());
      }
    }
  }

  @Test
  void namesWithoutEnd() throws Exception {
    try (Stage stage = new Stage()) {
      try (Domain server = stage.open(); Domain caller = stage.open()) {
        callNames(caller, server, 0, NAMES);
        assertEquals(0, open(stage, "/services/order.0."));
        assertEquals(FILES, open(stage, "/services/order." + (NAMES - 1) + "."), "the last that were called stay");
        assertEquals(FILES, open(stage, "/services/order." + (NAMES - KEPT) + "."));
        assertEquals(FILES * KEPT, open(stage, "/services/"));
        long began = System.nanoTime();
        while (mapped(stage) > MAPPINGS * KEPT && System.nanoTime() - began < Stage.PATIENCE) {
          System.gc(); // a mapping stays until nobody can look at it
          Thread.sleep(100);
        }
        assertTrue(mapped(stage) <= MAPPINGS * KEPT, mapped(stage) + " mappings");
      }
      assertEquals(0, open(stage, "/services/"));
      assertEquals(0, stage.files("services").length);
    }
  }

  @Test
  void aNameInUseStays() throws Exception {
    Semaphore go = new Semaphore(0);
    AtomicInteger ran = new AtomicInteger();
    CountDownLatch began = new CountDownLatch(1);
    Handler slow = r -> {
      ran.incrementAndGet();
      began.countDown();
      go.acquire();
      r.reply("late");
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open(); Instance s = server.serve("slow", slow, SMALL)) {
      Client client = caller.client("slow").within(Stage.PATIENCE);
      int own = open(stage, "/services/slow.");
      CompletableFuture<Reply> taken = client.requestAsync(new byte[1]);
      assertTrue(began.await(60, TimeUnit.SECONDS));
      CompletableFuture<Reply> waits = client.requestAsync(new byte[1]);
      callNames(caller, server, 0, KEPT + 50);
      assertEquals(own + FILES, open(stage, "/services/slow."));
      waits.cancel(true); // is taken back from where it lies
      go.release();
      assertEquals("late", taken.get(60, TimeUnit.SECONDS).text());
      callNames(caller, server, KEPT + 50, KEPT + 51);
      assertEquals(own, open(stage, "/services/slow."), "it is not in use any more");
      go.release();
      assertEquals("late", client.request("again").text());
      assertEquals(2, ran.get());
    }
  }

  @Test
  void theLastCalledStay() {
    try (Stage stage = new Stage(); Domain caller = stage.open()) {
      Services all = caller.post().services;
      ServiceQueue often = hold(all, "often");
      ServiceQueue first = hold(all, "first");
      ServiceQueue used = all.hold("used");
      for (int i = 0; i < 2 * KEPT; i++) {
        assertSame(often, hold(all, "often"));
        hold(all, "name." + i);
      }
      assertSame(often, hold(all, "often"));
      assertSame(used, hold(all, "used"));
      assertNotSame(first, hold(all, "first"));
    }
  }

  private static ServiceQueue hold(Services all, String name) {
    ServiceQueue q = all.hold(name);
    q.drop();
    return q;
  }

  /** However a call ends, it holds its service no longer. */
  @Test
  void whatHasEndedHoldsNothing() throws Exception {
    Handler handler = r -> {
      switch (r.text()) {
        case "stream" -> r.more(new byte[1]);
        case "fail" -> throw new ReplyException(7, "seven");
        case "wait" -> {
          while (!r.canceled()) {
            Thread.sleep(1);
          }
        }
        default -> r.reply("done");
      }
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open()) {
      Client client = caller.client("s").within(Stage.PATIENCE);
      Services all = caller.post().services;
      refused(Reason.NO_SERVICE, () -> client.request("x"));
      refused(Reason.NO_SERVICE, () -> client.send(new byte[1]));
      assertThrows(java.util.concurrent.CompletionException.class, client.requestAsync(new byte[1])::join);
      assertFalse(hold(all, "s").held());
      try (Instance s = server.serve("s", handler)) {
        ServiceQueue q = hold(all, "s");
        client.send("x".getBytes());
        assertEquals("done", client.request("x").text());
        assertEquals("done", client.requestAsync("x".getBytes()).get(60, TimeUnit.SECONDS).text());
        assertThrows(ReplyException.class, () -> client.request("fail"));
        assertThrows(NullPointerException.class, () -> client.request((byte[]) null));
        refused(Reason.TOO_LARGE, () -> client.request(new byte[1 << 20]));
        refused(Reason.DEADLINE, () -> client.within(0).request("x"));
        refused(Reason.DEADLINE, () -> client.within(20_000_000).request("wait"));
        try (Replies left = client.stream("stream".getBytes())) {
          assertEquals(1, left.next().payload().length);
        }
        try (Replies read = client.stream("x".getBytes())) {
          assertEquals("done", read.next().text());
          assertNull(read.next());
        }
        CompletableFuture<Reply> given = client.requestAsync("wait".getBytes());
        assertTrue(q.held());
        given.cancel(true);
        awaitDropped(q);
        assertSame(q, hold(all, "s"));
      }
    }
  }

  /** A future is done some moments before its call has given its service back. */
  private static void awaitDropped(ServiceQueue q) throws InterruptedException {
    long began = System.nanoTime();
    while (q.held() && System.nanoTime() - began < Stage.PATIENCE) {
      Thread.sleep(1);
    }
    assertFalse(q.held());
  }

  private static void refused(Reason want, org.junit.jupiter.api.function.Executable call) {
    assertEquals(want, assertThrows(RingcastException.class, call).reason());
  }
}
