import io.github.ringcast.Claim;
import io.github.ringcast.Domain;
import io.github.ringcast.Message;
import io.github.ringcast.MessageType;
import io.github.ringcast.Publisher;
import io.github.ringcast.PublisherConfig;
import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.Subscription;
import java.nio.ByteBuffer;

/** The Java side of the conformance run. See doc.go for what its commands do. */
public final class Peer {
  private static final int[] SIZES = {0, 1, 63, 128, 129, 400, 0, 17};
  private static final long PATIENCE = 30_000_000_000L;

  private Peer() {}

  public static void main(String[] args) throws InterruptedException {
    String wrong;
    try (Domain domain = Domain.open()) {
      wrong = run(domain, args);
    }
    if (wrong != null) {
      System.out.println(wrong);
      System.exit(1);
    }
  }

  private static String run(Domain domain, String[] args) throws InterruptedException {
    if (args.length == 5 && args[0].equals("write")) {
      return write(domain, args);
    }
    if (args.length == 4 && args[0].equals("claim")) {
      return claim(domain, args);
    }
    if (args.length == 3 && args[0].equals("read")) {
      return read(domain, args);
    }
    return "unknown command " + String.join(" ", args);
  }

  private static byte[] payload(long number) {
    byte[] b = new byte[SIZES[(int) (number % SIZES.length)]];
    for (int i = 0; i < b.length; i++) {
      b[i] = (byte) (number * 31 + i * 7L);
    }
    return b;
  }

  private static PublisherConfig config(String[] args) {
    PublisherConfig c = new PublisherConfig().slots(64).slotSize(128);
    c = args[2].equals("exclusive") ? c.exclusive() : c.shared();
    return args[3].equals("latest") ? c.latest() : c.reliable();
  }

  private static String write(Domain domain, String[] args) throws InterruptedException {
    long count = Long.parseLong(args[4]);
    try (Publisher p = domain.publisher(args[1], config(args))) {
      for (long n = 1; n <= count; n++) {
        if (!publish(p, n)) {
          return "message " + n + ": no room";
        }
        if (args[3].equals("latest") && n % 8 == 0) {
          java.util.concurrent.locks.LockSupport.parkNanos(200_000);
        }
      }
    }
    return null;
  }

  /** Sends message n, every third in place, at the end of its slot. */
  private static boolean publish(Publisher p, long n) throws InterruptedException {
    byte[] b = payload(n);
    if (n % 3 != 0 || b.length > 128) {
      return p.publish(b, 0, b.length, PATIENCE);
    }
    try (Claim c = p.claim(b.length, PATIENCE)) {
      if (c == null) {
        return false;
      }
      int at = c.buffer().capacity() - b.length;
      c.buffer().put(at, b);
      c.commit(at, b.length);
      return true;
    } catch (RingcastException e) {
      if (e.reason() != Reason.FENCED) {
        throw e;
      }
      return p.publish(b, 0, b.length, PATIENCE); // this process was stopped for long: nothing was sent
    }
  }

  private static String claim(Domain domain, String[] args) throws InterruptedException {
    Publisher p = domain.publisher(args[1], config(args));
    Claim c = p.claim(1, PATIENCE);
    System.out.println("claimed");
    Thread.sleep(PATIENCE / 1_000_000);
    return "was not killed with a claim at " + c.position();
  }

  private static String read(Domain domain, String[] args) throws InterruptedException {
    long count = Long.parseLong(args[2]);
    long last = 0;
    long got = 0;
    long missed = 0;
    boolean lagged = false;
    try (Subscription s = domain.subscribe(args[1])) {
      System.out.println("ready");
      while (last < count) {
        Message m = s.next(PATIENCE);
        if (m == null) {
          return "after " + last + ": nothing comes";
        }
        if (m.type() == MessageType.LAGGED) {
          lagged = true;
          continue;
        }
        if (!m.isMessage()) {
          return "after " + last + ": " + m;
        }
        long n = m.sequence();
        if (n <= last || n != last + 1 && !lagged || !m.payload().equals(ByteBuffer.wrap(payload(n)))) {
          return "after " + last + ": " + m;
        }
        missed += n - last - 1;
        last = n;
        lagged = false;
        got++;
      }
    }
    System.out.println("got " + got + " missed " + missed);
    return null;
  }
}
