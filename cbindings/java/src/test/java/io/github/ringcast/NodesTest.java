package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Participants and services of other nodes, by real forwarders. */
final class NodesTest {
  private static final long PATIENCE = Stage.PATIENCE;
  private static final int MANY = 100;
  private static final int LONG = 250_000;

  private static Reason refusal(org.junit.jupiter.api.function.Executable ask) {
    return assertThrows(RingcastException.class, ask).reason();
  }

  /** What the tests' services do. */
  private static void answer(Request r) throws InterruptedException {
    switch (r.text()) {
      case "fail":
        throw new ReplyException(7, "as asked");
      case "many":
        for (int i = 0; i < MANY; i++) {
          r.more(Integer.toString(i).getBytes());
        }
        r.reply("end");
        return;
      default:
        r.reply("answer to " + r.text());
    }
  }

  @Test
  void aServiceOfAnotherNode() throws Exception {
    try (Nodes nodes = new Nodes(2); Domain here = nodes.open(0); Domain there = nodes.open(1); Instance instance = there.serve("svc", NodesTest::answer)) {
      Client client = here.client("svc").within(PATIENCE);
      Reply reply = Nodes.await(() -> client.request("one"));
      assertEquals("answer to one", new String(reply.payload()));
      assertEquals(there.address(), reply.source());
      ReplyException own = assertThrows(ReplyException.class, () -> client.request("fail"));
      assertEquals("7 as asked", own.code() + " " + own.getMessage());
      assertEquals(Reason.NO_SERVICE, refusal(() -> here.client("nobody").request("x")));
      assertEquals(Reason.TOO_LARGE, refusal(() -> client.request(new byte[4000])));
      assertEquals(Reason.TOO_LARGE, refusal(() -> client.request(new byte[10_000_000])));
      client.send("one way".getBytes());
      for (int round = 0; round < 2; round++) {
        int answers = 0;
        String last = "";
        try (Replies replies = client.stream("many".getBytes())) {
          for (Reply r : replies) {
            answers++;
            last = new String(r.payload());
          }
        }
        assertEquals((MANY + 1) + " end", answers + " " + last);
      }
      CompletableFuture<?>[] all = new CompletableFuture<?>[50];
      for (int i = 0; i < all.length; i++) {
        String text = "f" + i;
        all[i] = client.requestAsync(text.getBytes()).thenAccept(r -> assertEquals("answer to " + text, new String(r.payload())));
      }
      CompletableFuture.allOf(all).get(PATIENCE, TimeUnit.NANOSECONDS);
      try (Domain near = nodes.open(0); Instance nearer = near.serve("svc", NodesTest::answer)) {
        assertEquals(near.address(), client.request("near").source(), "its own node's first");
      }
    }
  }

  @Test
  void anInboxOfAnotherNode() throws Exception {
    try (Nodes nodes = new Nodes(2); Domain here = nodes.open(0); Domain there = Domain.open(nodes.stage(1).config().inboxSlotSize(LONG));
        Subscription inbox = there.inbox()) {
      Address far = there.address();
      Thread reader = new Thread(() -> {
        try {
          inbox.run(m -> {
            if (m.isRequest()) {
              m.reply(("got " + m.bytes().length + " from " + m.from()).getBytes());
            }
          });
        } catch (InterruptedException e) {
          // the end
        }
      });
      reader.start();
      Client client = here.client(far).within(PATIENCE);
      for (int size : new int[] {0, 100, 2048, 2049, LONG}) {
        Reply reply = Nodes.await(() -> client.request(new byte[size]));
        assertEquals("got " + size + " from " + here.address(), new String(reply.payload()));
      }
      client.send("no answer".getBytes());
      Address stale = new Address(far.node(), far.epoch(), far.generation() - 1, far.index(), 0);
      Nodes.await(() -> {
        Reason r = refusal(() -> here.client(stale).request("x"));
        if (r == Reason.NODE_DOWN) {
          throw new RingcastException(r, "not known yet");
        }
        assertEquals(Reason.GONE, r);
        return r;
      });
      assertEquals(Reason.GONE, refusal(() -> here.client(new Address(far.node(), far.epoch() + 1, 1, 1, 0)).send(new byte[1])));
      assertEquals(Reason.NODE_DOWN, refusal(() -> here.client(new Address(far.node() + 1, 1, 1, 1, 0)).send(new byte[1])));
      reader.interrupt();
      reader.join();
    }
  }

  /** A request that runs on another node is given up: its handler there is told. */
  @Test
  void givenUp() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    Handler handler = r -> {
      if (r.text().equals("hold")) {
        held.countDown();
        try {
          new SynchronousQueue<>().take();
        } finally {
          told.countDown();
        }
      }
      r.reply("there");
    };
    try (Nodes nodes = new Nodes(2); Domain here = nodes.open(0); Domain there = nodes.open(1);
        Instance instance = there.serve("svc", handler, new ServeConfig().concurrency(2))) {
      Client client = here.client("svc").within(PATIENCE);
      Nodes.await(() -> client.request("x"));
      CompletableFuture<Reply> f = client.requestAsync("hold".getBytes());
      assertTrue(held.await(PATIENCE, TimeUnit.NANOSECONDS));
      f.cancel(true);
      assertTrue(told.await(PATIENCE, TimeUnit.NANOSECONDS), "the handler is not told");
      assertEquals("there", new String(client.request("x").payload()));
      assertEquals(Reason.DEADLINE, refusal(() -> client.within(100_000_000).request("hold")));
    }
  }

  private static Reason outcome(CompletableFuture<Reply> f) throws Exception {
    ExecutionException e = assertThrows(ExecutionException.class, () -> f.get(PATIENCE, TimeUnit.NANOSECONDS));
    return ((RingcastException) e.getCause()).reason();
  }

  /** The instance dies, then its node's forwarder, then the own one, each with a request in hand. */
  @Test
  void whoeverIsAskedDies() throws Exception {
    try (Nodes nodes = new Nodes(2); Domain here = nodes.open(0)) {
      Client client = here.client("s").within(10 * PATIENCE);
      for (int i = 0; i < 3; i++) {
        Process child = nodes.stage(1).child("serve");
        assertEquals("ready", Stage.line(child));
        Nodes.await(() -> client.request("x"));
        CompletableFuture<Reply> held = client.requestAsync("hang".getBytes());
        assertEquals("hangs", Stage.line(child));
        switch (i) {
          case 0: child.destroyForcibly(); break;
          case 1: nodes.killForwarder(1); break;
          default: nodes.killForwarder(0);
        }
        assertEquals(i == 0 ? Reason.INSTANCE_DIED : Reason.NODE_DOWN, outcome(held), "round " + i);
        child.destroyForcibly().waitFor();
        if (i == 1) {
          nodes.forward(1);
        }
      }
      assertEquals(Reason.NO_SERVICE, refusal(() -> client.request("x")));
    }
  }

  @Test
  void aSurveyOfTwoNodes() throws Exception {
    try (Nodes nodes = new Nodes(2); Domain here = nodes.open(0); Domain there = nodes.open(1); Subscription near = here.subscribe("who");
        Subscription far = there.subscribe("who"); Publisher own = here.publisher("who")) {
      assertTrue(here.awaitSubscribers("who", 2, PATIENCE));
      assertTrue(own.awaitSubscribers(2, PATIENCE));
      assertEquals(2, own.subscribers());
      assertFalse(own.awaitSubscribers(3, 1_000_000));
      Thread[] readers = {answering(near), answering(far)};
      Set<Address> from = new HashSet<>();
      for (long began = System.nanoTime(); from.size() < 2 && System.nanoTime() - began < PATIENCE;) { // what is wanted is known before who wants it
        from.clear();
        try (Replies replies = here.survey("who", new byte[0], PATIENCE, 0)) {
          replies.forEach(r -> from.add(r.source()));
        }
      }
      assertEquals(Set.of(here.address(), there.address()), from);
      for (Thread t : readers) {
        t.interrupt();
        t.join();
      }
    }
  }

  private static Thread answering(Subscription s) {
    Thread t = new Thread(() -> {
      try {
        s.run(m -> {
          if (m.isRequest()) {
            m.reply("here".getBytes());
          }
        });
      } catch (InterruptedException e) {
        // the end
      }
    });
    t.start();
    return t;
  }

  /** The next event of a kind, up or down. */
  private static PresenceEvent event(Watch watch, PresenceKind kind, boolean up, Domain of) throws InterruptedException {
    for (long began = System.nanoTime(); System.nanoTime() - began < PATIENCE;) {
      PresenceEvent e = watch.next(PATIENCE);
      if (e != null && e.kind() == kind && e.up() == up && e.address().node() == of.address().node()) {
        return e;
      }
    }
    throw new AssertionError("no " + kind + (up ? " up" : " down"));
  }

  /** Who comes and goes on another node, and that node itself. */
  @Test
  void presenceOfAnotherNode() throws Exception {
    try (Nodes nodes = new Nodes(2); Domain here = nodes.open(0); Watch watch = here.watch(); Domain there = nodes.open(1)) {
      event(watch, PresenceKind.NODE, true, there);
      assertEquals("test", event(watch, PresenceKind.PARTICIPANT, true, there).name());
      Instance instance = there.serve("svc", NodesTest::answer, new ServeConfig().concurrency(3));
      PresenceEvent serves = event(watch, PresenceKind.INSTANCE, true, there);
      assertEquals("svc 3 " + there.address(), serves.name() + " " + serves.limit() + " " + serves.address());
      NodeState state = here.nodes().get(0);
      assertEquals(there.address().node(), state.node());
      assertTrue(state.known());
      assertEquals("svc", state.services().get(0).name());
      assertEquals(there.address(), state.participants().get(0).address());
      instance.close();
      assertEquals(PresenceReason.LEFT, event(watch, PresenceKind.INSTANCE, false, there).reason());
      Process child = nodes.stage(1).child("subscribe");
      assertEquals("ready", Stage.line(child));
      event(watch, PresenceKind.SUBSCRIBER, true, there);
      child.destroyForcibly();
      assertEquals(PresenceReason.DIED, event(watch, PresenceKind.SUBSCRIBER, false, there).reason());
      nodes.killForwarder(1);
      assertEquals(PresenceReason.NODE_DOWN, event(watch, PresenceKind.NODE, false, there).reason());
      nodes.forward(1);
      event(watch, PresenceKind.NODE, true, there);
      nodes.killForwarder(0);
      assertEquals(PresenceReason.NO_FORWARDER, event(watch, PresenceKind.NODE, false, there).reason());
      assertEquals(0, here.nodes().size());
    }
  }
}
