package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Messages and requests to addresses, surveys, and presence. */
final class InboxTest {
  private static void refused(Reason want, Executable call) {
    assertEquals(want, assertThrows(RingcastException.class, call).reason());
  }

  @Test
  void mailReachesItsAddress() throws Exception {
    try (Stage stage = new Stage(); Domain a = stage.open(); Domain b = stage.open()) {
      refused(Reason.NO_INBOX, () -> b.client(a.address()).send(new byte[1]));
      try (Subscription inbox = a.inbox()) {
        Client client = b.client(a.address());
        client.send("hello".getBytes());
        Message m = inbox.next(Stage.PATIENCE);
        assertEquals("hello", new String(m.bytes()));
        assertEquals(b.address(), m.from());
        assertTrue(!m.isRequest());
        refused(Reason.NOT_ADDRESSED, () -> inbox.poll().reply(new byte[1]), client);
        CompletableFuture<Reply> f = client.requestAsync("question".getBytes());
        Message question = inbox.next(Stage.PATIENCE);
        assertTrue(question.isRequest());
        question.reply("answer".getBytes());
        assertEquals("answer", f.get(60, TimeUnit.SECONDS).text());
        CompletableFuture<Reply> failed = client.requestAsync("question".getBytes());
        inbox.next(Stage.PATIENCE).fail(3, "no");
        ReplyException e = (ReplyException) assertThrows(java.util.concurrent.CompletionException.class, failed::join).getCause();
        assertEquals(3, e.code());
        refused(Reason.OVERLOADED, () -> {
          for (int n = 0; n <= 128; n++) {
            client.send(new byte[1]);
          }
        });
      }
    }
  }

  private static void refused(Reason want, Executable call, Client sender) {
    sender.send("no request".getBytes());
    refused(want, call);
  }

  @Test
  void anAddressOfAnEarlierTimeIsGone() throws Exception {
    try (Stage stage = new Stage(); Domain b = stage.open()) {
      Domain a = stage.open();
      Address old = a.address();
      a.inbox().close();
      a.close();
      refused(Reason.GONE, () -> b.client(old).send(new byte[1]));
      try (Domain next = stage.open(); Subscription inbox = next.inbox()) {
        assertEquals(old.index(), next.address().index(), "the next owner of the index");
        refused(Reason.GONE, () -> b.client(old).send(new byte[1]));
        refused(Reason.GONE, () -> b.client(old).request("x"));
        assertNull(inbox.poll());
      }
      Address elsewhere = new Address(b.address().node() + 1, 1, 1, 0, 0);
      refused(Reason.NODE_DOWN, () -> b.client(elsewhere).send(new byte[1]));
      for (String file : stage.files("inbox")) {
        assertTrue(file.contains(".replies"), "an inbox of nobody: " + file);
      }
    }
  }

  @Test
  void whoeverIsAskedAndGoneIsToldOf() throws Exception {
    try (Stage stage = new Stage(); Domain b = stage.open()) {
      Domain a = stage.open();
      Subscription inbox = a.inbox();
      CompletableFuture<Reply> f = b.client(a.address()).within(Stage.PATIENCE).requestAsync(new byte[1]);
      assertNotNull(inbox.next(Stage.PATIENCE));
      inbox.close();
      a.close();
      RingcastException e = (RingcastException) assertThrows(java.util.concurrent.CompletionException.class, f::join).getCause();
      assertEquals(Reason.INSTANCE_DIED, e.reason());
    }
  }

  @Test
  void aSurveyEndsWhenAllHaveAnswered() throws Exception {
    try (Stage stage = new Stage(); Domain asking = stage.open(); Domain a = stage.open(); Domain b = stage.open();
        Replies nobody = asking.survey("t", new byte[1])) {
      assertNull(nobody.next(), "nobody is asked");
      try (Subscription one = a.subscribe("t"); Subscription two = b.subscribe("*")) {
        try (Replies answers = asking.survey("t", "who?".getBytes(), Stage.PATIENCE, 0)) {
          for (Subscription s : new Subscription[] {one, two}) {
            Message m = s.next(Stage.PATIENCE);
            assertTrue(m.isRequest());
            assertEquals(asking.address(), m.from());
            m.reply(m.bytes());
          }
          Set<Address> from = new HashSet<>();
          answers.forEach(r -> from.add(r.source()));
          assertEquals(Set.of(a.address(), b.address()), from);
        }
        try (Replies answers = asking.survey("t", "who?".getBytes(), Stage.PATIENCE, 1)) {
          one.next(Stage.PATIENCE).reply(new byte[1]);
          assertEquals(a.address(), answers.next().source());
          assertNull(answers.next(), "a quorum of one");
        }
        refused(Reason.DEADLINE, () -> asking.survey("t", new byte[1], 50_000_000, 0).next());
      }
    }
  }

  @Test
  void whoComesAndGoesIsTold() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Watch watch = d.watch(new WatchConfig().name("s.*"))) {
      PresenceEvent self = watch.next(0);
      assertEquals(PresenceKind.PARTICIPANT, self.kind());
      assertTrue(self.up() && self.first());
      assertEquals(d.address(), self.address());
      assertNull(watch.next(0));
      Domain other = stage.open();
      PresenceEvent came = watch.next(Stage.PATIENCE);
      assertEquals(other.address(), came.address());
      assertTrue(came.up() && !came.first());
      other.subscribe("elsewhere").close();
      Instance i = other.serve("s.a", r -> { }, new ServeConfig().concurrency(3));
      PresenceEvent up = watch.next(Stage.PATIENCE);
      assertEquals("up instance s.a of test, " + other.address(), up.toString());
      assertEquals(3, up.limit());
      i.close();
      assertEquals("down instance s.a of test, " + other.address() + " (left)", watch.next(Stage.PATIENCE).toString());
      other.close();
      assertEquals("down participant test, " + other(came) + " (left)", watch.next(Stage.PATIENCE).toString());
    }
  }

  private static Address other(PresenceEvent e) {
    return e.address();
  }
}
