import io.github.ringcast.Claim;
import io.github.ringcast.Domain;
import io.github.ringcast.DomainConfig;
import io.github.ringcast.Message;
import io.github.ringcast.Publisher;
import io.github.ringcast.PublisherConfig;
import io.github.ringcast.Subscription;
import io.github.ringcast.Waiting;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * Streams and round trips between two Java processes: one publisher, one reader in place, which reads
 * the first 8 bytes of each message and the last, as cbindings/bench/throughput.c does. One JSON
 * object a row on the standard output.
 *
 * <p>java -cp ... Bench [SECONDS a run, default 1]
 */
public final class Bench {
  private static final int ROUNDS = 3;
  private static final double WARM_UP = 2;

  private Bench() {}

  public static void main(String[] args) throws Exception {
    if (args.length == 4 && args[0].equals("child")) {
      child(args[1], args[2], Integer.parseInt(args[3]));
      return;
    }
    double seconds = args.length > 0 ? Double.parseDouble(args[0]) : 1;
    for (String kind : List.of("shared", "exclusive")) {
      for (int size : new int[] {64, 256, 2048}) {
        stream(kind, size, false, seconds);
        stream(kind, size, true, seconds);
      }
    }
    for (Waiting waiting : List.of(Waiting.SPIN, Waiting.BLOCK)) {
      pingPong("exclusive", 64, waiting, seconds);
    }
  }

  private static PublisherConfig config(String kind) {
    PublisherConfig c = new PublisherConfig().slots(1024).slotSize(2048);
    return kind.equals("exclusive") ? c.exclusive() : c.shared();
  }

  /** A child that reads, or that answers. */
  private static void child(String what, String kind, int size) throws InterruptedException {
    Waiting waiting = what.equals("answer-spin") ? Waiting.SPIN : Waiting.BLOCK;
    try (Domain d = Domain.open(new DomainConfig().name("reader").waiting(waiting)); Subscription s = d.subscribe("there")) {
      if (what.equals("read")) {
        System.out.println("ready");
        System.exit(readAll(s) == 0 ? 1 : 0);
      }
      try (Publisher p = d.publisher("back", config(kind))) {
        System.out.println("ready");
        answerAll(s, p, size);
      }
    }
  }

  private static long readAll(Subscription s) throws InterruptedException {
    for (long sum = 0;;) {
      Message m = s.next();
      if (!m.isMessage()) {
        continue; // put out, where the machine was busy elsewhere: the rate shows it
      }
      ByteBuffer b = m.payload();
      long first = b.getLong(b.position());
      sum += first + b.get(b.limit() - 1);
      if (first == -1) {
        return sum;
      }
    }
  }

  private static void answerAll(Subscription s, Publisher p, int size) throws InterruptedException {
    byte[] bytes = new byte[size];
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (long first = 0; first != -1;) {
      Message m = s.next();
      ByteBuffer b = m.payload();
      first = b.getLong(b.position());
      words.putLong(0, first);
      p.publish(bytes);
    }
  }

  private static Process start(Path dir, String what, String kind, int size) throws IOException {
    ProcessBuilder b = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", System.getProperty("java.class.path"),
        "Bench", "child", what, kind, Integer.toString(size)).redirectError(ProcessBuilder.Redirect.INHERIT);
    b.environment().put("RINGCAST_SHM_DIR", dir.toString());
    Process p = b.start();
    if (!"ready".equals(p.inputReader().readLine())) {
      throw new IOException("the other process does not begin");
    }
    return p;
  }

  private static void stream(String kind, int size, boolean inPlace, double seconds) throws Exception {
    Path dir = Files.createTempDirectory(Path.of("/dev/shm"), "ringcast-bench-");
    Process reader = start(dir, "read", kind, size);
    double best = 0;
    double warm = 0;
    try (Domain d = Domain.open(new DomainConfig().dir(dir.toString())); Publisher p = d.publisher("there", config(kind))) {
      warm = rate(p, size, inPlace, WARM_UP, false);
      for (int i = 0; i < ROUNDS; i++) {
        best = Math.max(best, rate(p, size, inPlace, seconds, i == ROUNDS - 1));
      }
    }
    reader.waitFor();
    remove(dir);
    System.out.printf("{\"language\":\"java\",\"what\":\"stream\",\"ring\":\"%s\",\"how\":\"%s\",\"bytes\":%d,\"millions_per_second\":%.2f,\"warm_up\":%.2f}%n",
        kind, inPlace ? "claim" : "publish", size, best / 1e6, warm / 1e6);
  }

  /** Messages a second that the ring took; it is full all the time, so the reader took as many. */
  private static double rate(Publisher p, int size, boolean inPlace, double seconds, boolean last) throws InterruptedException {
    byte[] bytes = new byte[size];
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long began = System.nanoTime();
    long end = began + (long) (seconds * 1e9);
    long count = 0;
    for (long now = began; now < end; now = System.nanoTime()) {
      for (int i = 0; i < 1024; i++, count++) {
        send(p, bytes, words, count, inPlace);
      }
    }
    double took = (System.nanoTime() - began) / 1e9;
    if (last) {
      send(p, bytes, words, -1, inPlace);
    }
    return count / took;
  }

  private static void send(Publisher p, byte[] bytes, ByteBuffer words, long value, boolean inPlace) throws InterruptedException {
    words.putLong(0, value);
    if (!inPlace) {
      p.publish(bytes);
      return;
    }
    Claim c = p.claim(bytes.length);
    c.buffer().put(0, bytes);
    c.commit(bytes.length);
  }

  private static void pingPong(String kind, int size, Waiting waiting, double seconds) throws Exception {
    Path dir = Files.createTempDirectory(Path.of("/dev/shm"), "ringcast-bench-");
    Process other = start(dir, waiting == Waiting.SPIN ? "answer-spin" : "answer", kind, size);
    Histogram all = new Histogram(10_000_000_000L, 3);
    try (Domain d = Domain.open(new DomainConfig().dir(dir.toString()).waiting(waiting)); Publisher p = d.publisher("there", config(kind));
        Subscription s = d.subscribe("back")) {
      roundTrips(p, s, size, WARM_UP, new Histogram(10_000_000_000L, 3));
      roundTrips(p, s, size, ROUNDS * seconds, all);
      p.publish(ByteBuffer.allocate(size).putLong(0, -1));
    }
    other.waitFor();
    remove(dir);
    System.out.printf("{\"language\":\"java\",\"what\":\"pingpong\",\"ring\":\"%s\",\"waiting\":\"%s\",\"bytes\":%d,\"trips\":%d,\"p50_ns\":%d,\"p99_ns\":%d,\"p999_ns\":%d}%n",
        kind, waiting.name().toLowerCase(java.util.Locale.ROOT), size, all.getTotalCount(), all.getValueAtPercentile(50), all.getValueAtPercentile(99),
        all.getValueAtPercentile(99.9));
  }

  private static void roundTrips(Publisher p, Subscription s, int size, double seconds, Histogram times) throws InterruptedException {
    byte[] bytes = new byte[size];
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long end = System.nanoTime() + (long) (seconds * 1e9);
    long before = System.nanoTime();
    for (long n = 1; before < end; n++) {
      words.putLong(0, n);
      p.publish(bytes);
      Message m = s.next();
      long now = System.nanoTime();
      if (m.payload().getLong(m.payload().position()) != n) {
        throw new IllegalStateException("round trip " + n + ": " + m);
      }
      times.recordValue(Math.max(1, now - before));
      before = now;
    }
  }

  private static void remove(Path dir) throws IOException {
    try (Stream<Path> all = Files.walk(dir)) {
      all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    }
  }
}
