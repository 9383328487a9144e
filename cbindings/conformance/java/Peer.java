import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.Claim;
import io.github.ringcast.Domain;
import io.github.ringcast.DomainConfig;
import io.github.ringcast.Message;
import io.github.ringcast.MessageType;
import io.github.ringcast.PresenceEvent;
import io.github.ringcast.PresenceKind;
import io.github.ringcast.Publisher;
import io.github.ringcast.PublisherConfig;
import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.Subscription;
import io.github.ringcast.SubscriptionConfig;
import io.github.ringcast.Watch;
import io.github.ringcast.WatchConfig;
import io.github.ringcast.shm.Kernel;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;

/** The Java side of the conformance run: see doc.go for what its commands do. */
public final class Peer {
  private static final long PATIENCE = 30_000_000_000L;

  private Peer() {}

  public static void main(String[] args) throws InterruptedException {
    String wrong;
    String name = System.getenv("CONFORMANCE_DOMAIN");
    try (Domain domain = Domain.open(name == null ? new DomainConfig() : new DomainConfig().domain(name))) {
      wrong = run(domain, args);
    }
    if (wrong != null) {
      System.out.println(wrong);
      System.exit(1);
    }
  }

  private static String run(Domain domain, String[] args) throws InterruptedException {
    String command = args.length + " " + (args.length > 0 ? args[0] : "");
    switch (command) {
      case "6 write": return write(domain, args);
      case "4 claim": return claim(domain, args);
      case "5 read": return read(domain, args);
      case "3 member": return member(domain, args);
      case "3 hold": return hold(domain, args);
      case "2 images": return Images.print(args[1]);
      case "1 refuse": return refuse(domain);
      case "1 answer": return answer(domain);
      case "2 ask": return Asks.run(domain, args[1], false);
      case "2 ask-away": return Asks.run(domain, args[1], true);
      case "2 ask-again": return Asks.again(domain, args[1]);
      case "1 watch": return watch(domain);
      case "2 subscribers": return subscribers(domain, args[1]);
      case "1 drop": return Asks.drop(domain);
      case "2 calls": return calls(domain, Integer.parseInt(args[1]));
      default: return "unknown command: " + String.join(" ", args);
    }
  }

  private static String answer(Domain domain) throws InterruptedException {
    try {
      return Answers.run(domain);
    } catch (java.io.IOException e) {
      return e.toString();
    }
  }

  private static String watch(Domain domain) throws InterruptedException {
    WatchConfig what = new WatchConfig().kinds(PresenceKind.NODE, PresenceKind.PUBLISHER, PresenceKind.SUBSCRIBER, PresenceKind.INSTANCE);
    try (Watch w = domain.watch(what)) {
      System.out.println("ready");
      for (PresenceEvent e = w.next(PATIENCE); e != null; e = w.next(PATIENCE)) {
        System.out.println((e.up() ? "up " : "down ") + word(e.kind()) + " " + e.name() + " " + e.address() + (e.up() ? "" : " " + word(e.reason())));
      }
    }
    return "nothing is told";
  }

  private static String word(Enum<?> of) {
    return of.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static String subscribers(Domain domain, String topic) {
    System.out.println(domain.subscribers(topic));
    return null;
  }

  private static String refuse(Domain domain) {
    try {
      Refusals.print(domain);
      return null;
    } catch (Exception e) {
      return e.toString();
    }
  }

  private static PublisherConfig config(String[] args) {
    PublisherConfig c = new PublisherConfig().slots(args[3].equals("few") ? 4 : 64).slotSize(Messages.SLOT).schema(Messages.SCHEMA);
    c = args[2].equals("exclusive") ? c.exclusive() : c.shared();
    return args[3].equals("latest") ? c.latest() : c.reliable();
  }

  private static String write(Domain domain, String[] args) throws InterruptedException {
    long count = Long.parseLong(args[5]);
    try (Publisher p = domain.publisher(args[1], config(args))) {
      for (long n = 1; n <= count; n++) {
        if (!publish(p, n, Messages.size(n, args[4]))) {
          return "message " + n + ": no room";
        }
        if (args[3].equals("latest") && n % 8 == 0) {
          LockSupport.parkNanos(200_000);
        }
      }
    }
    return null;
  }

  /** Sends message n, orders and every third in place; the latter at the end of the slot. */
  private static boolean publish(Publisher p, long n, int size) throws InterruptedException {
    boolean order = Messages.isOrder(n);
    byte[] b = Messages.bytes(n, size);
    while (order || n % 3 == 0 && size <= Messages.SLOT) {
      try (Claim c = p.claim(order ? Messages.SLOT : size, PATIENCE)) {
        if (c == null) {
          return false;
        }
        if (order) {
          FlatBufferBuilder builder = c.builder();
          Messages.build(builder, n);
          c.commit(builder);
        } else {
          int at = c.buffer().capacity() - size;
          c.buffer().put(at, b);
          c.commit(at, size);
        }
        return true;
      } catch (RingcastException e) {
        if (e.reason() != Reason.FENCED) {
          throw e;
        } // this process was stopped for long: nothing was sent
      }
    }
    return p.publish(b, 0, size, PATIENCE);
  }

  private static String claim(Domain domain, String[] args) throws InterruptedException {
    Publisher p = domain.publisher(args[1], config(args));
    Claim c = p.claim(1, PATIENCE);
    System.out.println("claimed");
    Thread.sleep(PATIENCE / 1_000_000);
    return "was not killed with a claim at " + c.position();
  }

  private static String read(Domain domain, String[] args) throws InterruptedException {
    SubscriptionConfig config = new SubscriptionConfig().history(Long.parseLong(args[3]));
    config = args[2].equals("latest") ? config.latest() : config.reliable();
    try (Subscription s = domain.subscribe(args[1], config)) {
      System.out.println("ready");
      return readUpTo(s, Long.parseLong(args[4]));
    }
  }

  private static volatile boolean ended;

  /** Takes its share until the standard input ends. */
  private static String member(Domain domain, String[] args) throws InterruptedException {
    Thread input = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {
          continue;
        }
      } catch (java.io.IOException e) {
        System.err.println(e);
      }
      ended = true;
    });
    input.setDaemon(true);
    input.start();
    try (Subscription s = domain.subscribe(args[1], new SubscriptionConfig().group(args[2]))) {
      System.out.println("ready");
      while (!ended) {
        Message m = s.next(PATIENCE / 1000);
        String wrong = m == null ? null : took(s, m);
        if (wrong != null) {
          return wrong;
        }
      }
    }
    return null;
  }

  private static String took(Subscription s, Message m) {
    switch (m.type()) {
      case LAGGED:
        System.out.println("missed " + m.count());
        return null;
      case ABANDONED:
        System.out.println("abandoned " + m.first());
        return null;
      case MESSAGE:
        String wrong = Messages.wrong(m);
        long n = m.sequence();
        s.done();
        System.out.println("took " + n);
        return wrong;
      default:
        return m.toString();
    }
  }

  private static String hold(Domain domain, String[] args) throws InterruptedException {
    Subscription s = domain.subscribe(args[1], new SubscriptionConfig().group(args[2]));
    System.out.println("ready");
    Message m = s.next(PATIENCE);
    if (m == null || Messages.wrong(m) != null) {
      return m == null ? "nothing comes" : Messages.wrong(m);
    }
    System.out.println("holding " + m.sequence());
    Thread.sleep(PATIENCE / 1_000_000);
    return "was not killed with " + m;
  }

  /** Publishes and reads so many messages, then prints how many native calls that took. */
  private static String calls(Domain domain, int count) {
    try (Publisher p = domain.publisher("calls"); Subscription s = domain.subscribe("calls")) {
      byte[] bytes = new byte[100];
      long before = Kernel.calls();
      for (int n = 1; n <= count; n++) {
        if (!p.tryPublish(bytes) || s.poll().sequence() != n) {
          return "message " + n + " does not come";
        }
      }
      System.out.println("calls " + (Kernel.calls() - before) + " before " + Math.min(before, 1));
    }
    return null;
  }

  private static String readUpTo(Subscription s, long count) throws InterruptedException {
    long last = 0;
    long got = 0;
    long missed = 0;
    boolean lagged = false;
    while (last < count) {
      Message m = s.next(PATIENCE);
      if (m == null) {
        return "after " + last + ": nothing comes";
      }
      if (m.type() == MessageType.LAGGED) {
        lagged = true;
        continue;
      }
      long n = m.isMessage() ? m.sequence() : 0;
      if (n <= last || n != last + 1 && !lagged) {
        return "after " + last + ": " + m;
      }
      String wrong = Messages.wrong(m);
      if (wrong != null) {
        return wrong;
      }
      missed += n - last - 1;
      last = n;
      lagged = false;
      got++;
    }
    System.out.println("got " + got + " missed " + missed);
    return null;
  }
}
