package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.flatbuffers.FlatBufferBuilder;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Requests to services: caller and instance are two participants, in one process but where one of them is killed. */
final class RequestTest {
  private static final long SHORT = 50_000_000;

  private static void refused(Reason want, Executable call) {
    assertEquals(want, assertThrows(RingcastException.class, call).reason());
  }

  private static RingcastException cause(CompletableFuture<Reply> f) {
    return (RingcastException) assertThrows(CompletionException.class, f::join).getCause();
  }

  @Test
  void anAnswerComesBack() throws Exception {
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open();
        Instance echo = server.serve("echo", r -> r.reply(r.payload()))) {
      assertEquals("echo", echo.name());
      Client client = caller.client("echo");
      for (int n = 0; n < 300; n++) { // more than the queue and the inbox have slots
        Reply reply = client.request(Integer.toString(n));
        assertEquals(Integer.toString(n), reply.text());
        assertEquals(server.address(), reply.source());
      }
      assertEquals(0, client.request("").payload().length);
      assertArrayEquals(new byte[2048], client.request(new byte[2048]).payload());
      refused(Reason.TOO_LARGE, () -> client.request(new byte[2049]));
    }
  }

  @Test
  void whatTheHandlerSaysIsTheOutcome() throws Exception {
    Handler handler = r -> {
      switch (r.text()) {
        case "own" -> throw new ReplyException(7, "seven");
        case "thrown" -> throw new IllegalArgumentException("not so");
        case "large" -> refused(Reason.TOO_LARGE, () -> r.reply(new byte[2049]));
        case "twice" -> {
          r.reply("one");
          refused(Reason.ANSWERED, () -> r.reply("two"));
        }
        case "many" -> refused(Reason.ONE_REPLY, () -> r.more(new byte[1]));
        default -> { }
      }
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open(); Instance i = server.serve("s", handler)) {
      Client client = caller.client("s");
      ReplyException own = assertThrows(ReplyException.class, () -> client.request("own"));
      assertEquals(7, own.code());
      assertEquals("seven", own.getMessage());
      ReplyException thrown = assertThrows(ReplyException.class, () -> client.request("thrown"));
      assertEquals(0, thrown.code());
      assertEquals("not so", thrown.getMessage());
      refused(Reason.REPLY_TOO_LARGE, () -> client.request("large"));
      refused(Reason.NO_REPLY, () -> client.request("nothing"));
      refused(Reason.NO_REPLY, () -> client.request("many"));
      assertEquals("one", client.request("twice").text());
    }
  }

  @Test
  void nobodyServes() throws Exception {
    try (Stage stage = new Stage(); Domain caller = stage.open()) {
      refused(Reason.NO_SERVICE, () -> caller.client("s").request("x"));
      refused(Reason.NO_SERVICE, () -> caller.client("s").send(new byte[1]));
      assertEquals(Reason.NO_SERVICE, cause(caller.client("s").requestAsync(new byte[1])).reason());
      refused(Reason.NAME, () -> caller.client("a..b"));
      try (Instance i = caller.serve("s", r -> r.reply("here"))) {
        assertEquals("here", caller.client("s").request("x").text());
      }
      refused(Reason.NO_SERVICE, () -> caller.client("s").request("x"));
      assertEquals(0, stage.files("services").length);
    }
  }

  @Test
  void aNameIsATopicOrAService() {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      try (Subscription s = d.subscribe("name")) {
        refused(Reason.NAME_KIND, () -> d.serve("name", r -> { }));
      }
      try (Instance i = d.serve("name", r -> { })) {
        refused(Reason.NAME_KIND, () -> d.subscribe("name"));
        refused(Reason.NAME_KIND, () -> d.publisher("name"));
      }
      d.publisher("name").close();
    }
  }

  @Test
  void thousandsAreInFlight() throws Exception {
    int n = 3000;
    ServeConfig four = new ServeConfig().concurrency(4).queue(4096);
    try (Stage stage = new Stage(); Domain server = stage.open();
        Domain caller = Domain.open(new DomainConfig().dir(stage.dir.toString()).inFlight(n)); Instance i = server.serve("s", r -> r.reply(r.payload()), four)) {
      List<CompletableFuture<Reply>> all = new ArrayList<>();
      for (int k = 0; k < n; k++) {
        all.add(caller.client("s").within(Stage.PATIENCE).requestAsync(Integer.toString(k).getBytes()));
      }
      for (int k = 0; k < n; k++) {
        assertEquals(Integer.toString(k), all.get(k).get(60, TimeUnit.SECONDS).text());
      }
    }
  }

  @Test
  void whoFindsNoShareWaitsForOne() throws Exception {
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open();
        Instance i = server.serve("s", r -> r.reply(r.payload()), new ServeConfig().concurrency(2).queue(1024))) {
      AtomicInteger came = new AtomicInteger();
      List<CompletableFuture<Void>> all = new ArrayList<>();
      for (int k = 0; k < 500; k++) { // 96 at a time
        all.add(caller.client("s").within(Stage.PATIENCE).requestAsync(new byte[1]).thenAccept(r -> came.incrementAndGet()));
      }
      for (CompletableFuture<Void> f : all) {
        f.get(60, TimeUnit.SECONDS);
      }
      assertEquals(500, came.get());
    }
  }

  @Test
  void aCallbackMayAskFurther() throws Exception {
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open();
        Instance i = server.serve("s", r -> r.reply(r.text() + "!"))) {
      Client client = caller.client("s");
      CompletableFuture<String> f = client.requestAsync("a".getBytes()).thenApply(r -> {
        try {
          return client.request(r.text()).text();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      });
      assertEquals("a!!", f.get(60, TimeUnit.SECONDS));
    }
  }

  @Test
  void threadsAskSideBySide() throws Exception {
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open();
        Instance i = server.serve("s", r -> r.reply(r.payload()), new ServeConfig().concurrency(3))) {
      List<Thread> threads = new ArrayList<>();
      AtomicInteger right = new AtomicInteger();
      for (int t = 0; t < 6; t++) {
        String mine = "thread " + t;
        Thread thread = new Thread(() -> {
          try {
            for (int n = 0; n < 200; n++) {
              right.addAndGet(caller.client("s").within(Stage.PATIENCE).request(mine + n).text().equals(mine + n) ? 1 : 0);
            }
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
        thread.start();
        threads.add(thread);
      }
      for (Thread t : threads) {
        t.join();
      }
      assertEquals(1200, right.get());
    }
  }

  @Test
  void aFullQueueIsToldAtOnce() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    try (Stage stage = new Stage(); Domain server = stage.open();
        Domain caller = Domain.open(new DomainConfig().dir(stage.dir.toString()).inFlight(200));
        Instance i = server.serve("s", r -> {
          go.await();
          r.reply("late");
        }, new ServeConfig().queue(64))) {
      List<CompletableFuture<Reply>> all = new ArrayList<>();
      int refused = 0;
      for (int k = 0; k < 150; k++) {
        CompletableFuture<Reply> f = caller.client("s").within(Stage.PATIENCE).requestAsync(new byte[1]);
        if (f.isCompletedExceptionally()) {
          assertEquals(Reason.OVERLOADED, cause(f).reason());
          refused++;
        } else {
          all.add(f);
        }
      }
      assertTrue(refused >= 80, refused + " of 150 refused, the queue has 64 slots");
      go.countDown();
      for (CompletableFuture<Reply> f : all) {
        assertEquals("late", f.get(60, TimeUnit.SECONDS).text());
      }
    }
  }

  @Test
  void aRequestEndsWithItsTimeAndItsHandlerIsTold() throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    Handler slow = r -> {
      try {
        Thread.sleep(60_000);
      } catch (InterruptedException e) {
        assertTrue(r.canceled());
        told.countDown();
        throw e;
      }
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open(); Instance i = server.serve("s", slow)) {
      boolean ran = false;
      for (int k = 0; k < 10 && !ran; k++) { // on a busy machine the time may be over before it ran
        long time = SHORT << k;
        refused(Reason.DEADLINE, () -> caller.client("s").within(time).request("x"));
        ran = told.await(2, TimeUnit.SECONDS);
      }
      assertTrue(ran, "no handler was told");
    }
  }

  @Test
  void aFutureThatIsCanceledIsGivenUp() throws Exception {
    CountDownLatch began = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    Handler slow = r -> {
      began.countDown();
      while (!r.canceled()) {
        Thread.sleep(1);
      }
      told.countDown();
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open(); Instance i = server.serve("s", slow)) {
      CompletableFuture<Reply> f = caller.client("s").requestAsync(new byte[1]);
      assertTrue(began.await(60, TimeUnit.SECONDS));
      f.cancel(true);
      assertTrue(told.await(60, TimeUnit.SECONDS));
    }
  }

  @Test
  void manyRepliesToOneRequest() throws Exception {
    AtomicInteger ahead = new AtomicInteger();
    CountDownLatch left = new CountDownLatch(1);
    Handler counting = r -> {
      int n = Integer.parseInt(r.text());
      try {
        for (int k = 1; k <= n; k++) {
          r.more(Integer.toString(k).getBytes());
          ahead.set(k);
        }
      } catch (RingcastException | InterruptedException e) {
        left.countDown();
        throw e;
      }
      r.reply("end");
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open(); Instance i = server.serve("s", counting)) {
      Client client = caller.client("s").within(Stage.PATIENCE);
      try (Replies replies = client.stream("100".getBytes())) {
        for (int k = 1; k <= 100; k++) {
          assertEquals(Integer.toString(k), replies.next().text());
          assertTrue(ahead.get() <= k + 16, ahead.get() + " were sent while " + k + " were taken");
        }
        assertEquals("end", replies.next().text());
        assertNull(replies.next());
      }
      try (Replies replies = client.stream("100000000".getBytes())) {
        assertEquals(10, replies.stream().limit(10).count());
      }
      assertTrue(left.await(60, TimeUnit.SECONDS));
    }
  }

  @Test
  void aStopLosesNothing() throws Exception {
    AtomicInteger served = new AtomicInteger();
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open()) {
      Instance i = server.serve("s", r -> {
        served.incrementAndGet();
        r.reply("done");
      }, new ServeConfig().concurrency(2));
      List<CompletableFuture<Reply>> all = new ArrayList<>();
      Thread stopper = new Thread(i::close);
      for (int k = 0; k < 400; k++) {
        if (k == 200) {
          stopper.start();
        }
        all.add(caller.client("s").within(Stage.PATIENCE).requestAsync(new byte[1]));
      }
      int done = 0;
      for (CompletableFuture<Reply> f : all) {
        try {
          done += f.get(60, TimeUnit.SECONDS).text().equals("done") ? 1 : 0;
        } catch (java.util.concurrent.ExecutionException e) {
          Reason why = ((RingcastException) e.getCause()).reason();
          assertTrue(why == Reason.NO_SERVICE || why == Reason.OVERLOADED, why.name());
        }
      }
      stopper.join();
      assertEquals(served.get(), done, "every request that ran was answered");
      assertTrue(done >= 150, done + " were answered");
    }
  }

  @Test
  void instancesShareTheLoadAndTakeOver() throws Exception {
    try (Stage stage = new Stage(); Domain one = stage.open(); Domain two = stage.open(); Domain caller = stage.open()) {
      Handler who = r -> r.reply(r.source().equals(caller.address()) ? "ok" : "other");
      Instance first = one.serve("s", who);
      assertEquals(one.address(), caller.client("s").request("x").source());
      try (Instance second = two.serve("s", who)) {
        assertTrue(first.stop(Stage.PATIENCE));
        for (int n = 0; n < 50; n++) {
          assertEquals(two.address(), caller.client("s").request("x").source());
        }
      }
    }
  }

  @Test
  void aHurriedStopRefusesWhatWaits() throws Exception {
    CountDownLatch began = new CountDownLatch(1);
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open()) {
      Instance i = server.serve("s", r -> {
        began.countDown();
        Thread.sleep(60_000);
      });
      CompletableFuture<Reply> inHand = caller.client("s").within(Stage.PATIENCE).requestAsync(new byte[1]);
      assertTrue(began.await(60, TimeUnit.SECONDS));
      CompletableFuture<Reply> waits = caller.client("s").within(Stage.PATIENCE).requestAsync(new byte[1]);
      assertFalse(i.stop(SHORT));
      assertEquals(Reason.CANCELED, cause(inHand).reason());
      assertEquals(Reason.NO_SERVICE, cause(waits).reason());
    }
  }

  @Test
  void closingTheDomainEndsWhatIsOpen() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    try (Stage stage = new Stage(); Domain server = stage.open(); Instance i = server.serve("s", r -> go.await())) {
      Domain caller = stage.open();
      CompletableFuture<Reply> f = caller.client("s").requestAsync(new byte[1]);
      caller.close();
      assertEquals(Reason.CANCELED, cause(f).reason());
      refused(Reason.CLOSED, () -> caller.client("s").request("x"));
      go.countDown();
      refused(Reason.BUSY, server::close);
    }
  }

  /** What is a FlatBuffer is told as one, with its schema, in questions and in answers of each kind. */
  @Test
  void flatBuffersAreToldAsSuch() throws Exception {
    Handler handler = r -> {
      assertTrue(r.flatBuffer());
      assertEquals(5, r.schema());
      assertEquals("question", root(r.buffer()));
      if (r.streams()) {
        r.more(table("first"), 6);
      }
      r.reply(table("last"), 7);
    };
    try (Stage stage = new Stage(); Domain server = stage.open(); Domain caller = stage.open(); Instance i = server.serve("s", handler);
        Subscription inbox = server.inbox()) {
      byte[] question = table("question").sizedByteArray();
      Client client = caller.client("s").flatBuffers(5).within(Stage.PATIENCE).idempotent();
      told(client.request(question), "last", 7);
      told(client.requestAsync(question).join(), "last", 7);
      try (Replies replies = client.stream(question)) {
        told(replies.next(), "first", 6);
        told(replies.next(), "last", 7);
        assertNull(replies.next());
      }
      CompletableFuture<Reply> direct = caller.client(server.address()).within(Stage.PATIENCE).flatBuffers(8).requestAsync(question);
      Message m = inbox.next(Stage.PATIENCE);
      assertTrue(m.isRequest() && m.flatBuffer() && m.schema() == 8, m::toString);
      m.reply(table("mail"), 9);
      told(direct.join(), "mail", 9);
      try (Instance plain = server.serve("plain", r -> r.reply(r.flatBuffer() ? "told" : "not told"))) {
        Reply r = caller.client("plain").within(Stage.PATIENCE).request(question);
        assertEquals("not told", r.text());
        assertFalse(r.flatBuffer());
        assertEquals(0, r.schema());
      }
    }
  }

  private static FlatBufferBuilder table(String text) {
    FlatBufferBuilder b = new FlatBufferBuilder();
    b.finish(b.createString(text));
    return b;
  }

  /** The text that a FlatBuffer made by {@link #table} consists of. */
  private static String root(ByteBuffer b) {
    int at = b.position() + b.getInt(b.position());
    byte[] text = new byte[b.getInt(at)];
    b.get(at + 4, text);
    return new String(text);
  }

  private static void told(Reply r, String text, int schema) {
    assertTrue(r.flatBuffer());
    assertEquals(schema, r.schema());
    assertEquals(text, root(r.buffer()));
  }
}
