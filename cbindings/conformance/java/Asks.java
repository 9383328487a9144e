import io.github.ringcast.Address;
import io.github.ringcast.Client;
import io.github.ringcast.Domain;
import io.github.ringcast.PresenceEvent;
import io.github.ringcast.PresenceKind;
import io.github.ringcast.Reason;
import io.github.ringcast.Replies;
import io.github.ringcast.Reply;
import io.github.ringcast.ReplyException;
import io.github.ringcast.RingcastException;
import io.github.ringcast.Watch;
import io.github.ringcast.WatchConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Asks who answers: see ask and drop in doc.go. */
final class Asks {
  private static final long PATIENCE = 30_000_000_000L;
  private static final long BRIEF = 50_000_000L;
  private static final int MANY = 300;

  /** One question; what it throws is how it ended, and a text what was wrong. */
  private interface Question {
    String ask() throws InterruptedException, ExecutionException;
  }

  private final Domain domain;
  private final Address server;
  private final Client asked;

  private Asks(Domain domain, Address server) {
    this.domain = domain;
    this.server = server;
    asked = domain.client("asked").within(PATIENCE);
  }

  /** Of a server on this node, or away, on another. */
  static String run(Domain domain, String address, boolean away) throws InterruptedException {
    Asks a = new Asks(domain, Address.parse(address));
    if (away) {
      say("known", a::known);
    }
    a.simple();
    a.times();
    a.addresses(away);
    a.death(away);
    return null;
  }

  /** Waits until the server is known to serve, and to take questions. */
  private String known() throws InterruptedException {
    Set<String> missing = new HashSet<>(Set.of("asked", "questions"));
    try (Watch watch = domain.watch(new WatchConfig().kinds(PresenceKind.INSTANCE, PresenceKind.SUBSCRIBER))) {
      while (!missing.isEmpty()) {
        PresenceEvent e = watch.next(PATIENCE);
        if (e == null) {
          return "nothing is told of " + missing;
        }
        if (e.up() && e.address().equals(server)) {
          missing.remove(e.name());
        }
      }
    }
    return domain.awaitSubscribers("questions", 1, PATIENCE) ? null : "no subscriber";
  }

  /** Asks what may run twice. */
  static String again(Domain domain, String address) throws InterruptedException {
    Asks a = new Asks(domain, Address.parse(address));
    String unknown = a.known();
    say("again", () -> unknown != null ? unknown : a.asked.idempotent().request("w").text());
    return null;
  }

  /** Asks, and stays with the request in flight. */
  static String drop(Domain domain) throws InterruptedException {
    domain.client("asked").within(PATIENCE).requestAsync("w".getBytes());
    Thread.sleep(PATIENCE / 1_000_000);
    return null;
  }

  private static void say(String what, Question q) throws InterruptedException {
    String how;
    try {
      String wrong = q.ask();
      how = wrong == null ? "ok" : wrong;
    } catch (RingcastException e) {
      how = word(e);
    } catch (ExecutionException e) {
      how = e.getCause() instanceof RingcastException r ? word(r) : e.getCause().toString();
    }
    System.out.println(what + " " + how);
  }

  private static String word(RingcastException e) {
    if (e instanceof ReplyException r) {
      return "reply " + Integer.toUnsignedString(r.code()) + " " + r.getMessage();
    }
    return e.reason() == Reason.DEADLINE ? "timed_out" : e.reason().name().toLowerCase(Locale.ROOT);
  }

  private String echo(int size) throws InterruptedException {
    byte[] p = Messages.bytes(1, size);
    if (size > 0) {
      p[0] = 'e';
    }
    return Arrays.equals(asked.request(p).payload(), p) ? null : "another answer";
  }

  private String plain(Client client, String text) throws InterruptedException {
    client.request(text);
    return null;
  }

  private void simple() throws InterruptedException {
    say("empty", () -> echo(0));
    say("small", () -> echo(10));
    say("slot", () -> echo(2048));
    say("too-large", () -> echo(2049));
    say("error", () -> plain(asked, "f"));
    say("no-reply", () -> plain(asked, "n"));
    say("reply-too-large", () -> plain(asked, "l"));
    say("no-service", () -> plain(domain.client("nobody").within(PATIENCE), "e"));
  }

  private void times() throws InterruptedException {
    say("deadline", () -> plain(domain.client("asked").within(BRIEF), "w"));
    say("cancel", () -> {
      CompletableFuture<Reply> f = asked.requestAsync("w".getBytes());
      Thread.sleep(20);
      return f.cancel(true) && f.isCancelled() ? "canceled" : "was not open";
    });
    say("stream", () -> stream(100, 101));
    say("stream-left", () -> stream(1000, 5));
    say("many", this::many);
  }

  private String stream(int count, int take) throws InterruptedException {
    try (Replies replies = asked.stream(("s" + count).getBytes())) {
      for (int i = 0; i < take; i++) {
        Reply r = replies.next();
        if (r == null || !r.text().equals(i == count ? "end" : Integer.toString(i))) {
          return "answer " + i + " is another";
        }
      }
      return take <= count || replies.next() == null ? null : "more answers";
    }
  }

  private String many() throws InterruptedException, ExecutionException {
    List<CompletableFuture<Reply>> open = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      open.add(asked.requestAsync(("e" + i).getBytes()));
    }
    for (int i = 0; i < MANY; i++) {
      if (!open.get(i).get().text().equals("e" + i)) {
        return "another answer";
      }
    }
    return null;
  }

  private void addresses(boolean away) throws InterruptedException {
    Client mail = domain.client(server).within(PATIENCE);
    Address gone = new Address(server.node(), server.epoch(), server.generation() + 1, server.index(), 0);
    Address far = new Address(server.node() + 1, server.epoch(), server.generation(), server.index(), 0);
    say("send", () -> send(mail, "mail"));
    say("request-to", () -> mail.request("question").text().equals("question") ? null : "another answer");
    say("error-from", () -> plain(mail, "error"));
    say("gone", () -> away ? plain(domain.client(gone).within(PATIENCE), "") : send(domain.client(gone), ""));
    say("no-inbox", () -> send(domain.client(domain.address()), ""));
    say("node-down", () -> send(domain.client(far), ""));
    say("survey", this::survey);
  }

  /** Sends until that is refused. */
  private String fill() {
    while (true) {
      asked.send("e".getBytes());
    }
  }

  private static String send(Client to, String text) {
    to.send(text.getBytes());
    return null;
  }

  private String survey() throws InterruptedException {
    try (Replies answers = domain.survey("questions", "who?".getBytes(), PATIENCE, 0)) {
      Reply r = answers.next();
      boolean right = r != null && r.text().equals("here") && r.source().equals(server);
      return right && answers.next() == null ? null : "another answer";
    }
  }

  private void death(boolean away) throws InterruptedException {
    try (Watch watch = domain.watch(new WatchConfig().kinds(PresenceKind.INSTANCE).name("asked"));
        Replies held = asked.stream("h".getBytes())) {
      say("presence", () -> {
        PresenceEvent e = watch.next(PATIENCE);
        return e != null && e.up() && e.address().equals(server) ? null : "another event: " + e;
      });
      if (!held.next().text().equals("holding")) {
        throw new IllegalStateException("another answer");
      }
      if (away) {
        say("holding", () -> null); // behind it the server is killed
      } else {
        say("overloaded", this::fill);
      }
      say("instance-died", () -> "an answer: " + held.next());
      say("presence-died", () -> {
        PresenceEvent e = watch.next(PATIENCE);
        return e != null && !e.up() && e.address().equals(server) ? null : "another event: " + e;
      });
      say("after-death", () -> plain(asked, "e"));
    }
  }
}
