import io.github.ringcast.Domain;
import io.github.ringcast.Instance;
import io.github.ringcast.Message;
import io.github.ringcast.ReplyException;
import io.github.ringcast.Request;
import io.github.ringcast.Subscription;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.Consumer;

/** Answers what the others ask: see answer in doc.go. */
final class Answers {
  private static final long STAY = 30_000;
  private static final byte[] HERE = "here".getBytes();

  private Answers() {}

  /** Serves until the standard input ends. */
  static String run(Domain domain) throws InterruptedException, IOException {
    Instance instance = domain.serve("asked", Answers::one);
    try (Subscription inbox = domain.inbox(); Subscription questions = domain.subscribe("questions")) {
      Thread mail = start(inbox, Answers::mail);
      Thread survey = start(questions, m -> m.reply(HERE));
      System.out.println("ready " + domain.address());
      while (System.in.read() >= 0) { }
      mail.interrupt();
      survey.interrupt();
      mail.join();
      survey.join();
    } finally {
      instance.close();
    }
    return null;
  }

  private static Thread start(Subscription from, Consumer<Message> each) {
    Thread t = new Thread(() -> {
      try {
        from.run(m -> {
          if (m.isRequest()) {
            each.accept(m);
          }
        });
      } catch (InterruptedException e) {
        // the end
      }
    });
    t.start();
    return t;
  }

  private static void mail(Message m) {
    byte[] bytes = m.bytes();
    if (new String(bytes).equals("error")) {
      m.fail(3, "away");
    } else {
      m.reply(bytes);
    }
  }

  /** Does what a request's first byte says. */
  private static void one(Request r) throws InterruptedException {
    byte[] p = r.payload();
    switch (p.length == 0 ? 'e' : p[0]) {
      case 'f':
        throw new ReplyException(7, "no");
      case 'n':
        return;
      case 'l':
        r.reply(new byte[4096]);
        return;
      case 's':
        many(r, Integer.parseInt(new String(Arrays.copyOfRange(p, 1, p.length))));
        return;
      case 'w':
        untilGivenUp(r);
        return;
      case 'h':
        r.more("holding".getBytes());
        Thread.sleep(STAY);
        return;
      default:
        r.reply(p);
    }
  }

  private static void many(Request r, int count) throws InterruptedException {
    for (int i = 0; i < count; i++) {
      r.more(Integer.toString(i).getBytes());
    }
    r.reply("end");
  }

  private static void untilGivenUp(Request r) throws InterruptedException {
    System.out.println("waiting");
    try {
      Thread.sleep(STAY);
    } finally {
      System.out.println("given up");
    }
  }
}
