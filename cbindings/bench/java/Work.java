import io.github.ringcast.Claim;
import io.github.ringcast.Domain;
import io.github.ringcast.DomainConfig;
import io.github.ringcast.Message;
import io.github.ringcast.MessageType;
import io.github.ringcast.Publisher;
import io.github.ringcast.PublisherConfig;
import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.Subscription;
import io.github.ringcast.Waiting;
import java.io.File;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * The Java library as a contender of package bench: streams and round trips between two processes, written in claimed
 * slots and read where they lie, every byte. Flags, payload and answer are those of bench/limits/work.h.
 *
 * <p>java -cp ... Work --scenario stream|pingpong --size N --exclusive 0|1 --wait spin|block|yield ...
 *
 * <p>--pin holds for the thread that works, by taskset: the JVM's compilers run where there is room. --rehearse-ns is for
 * its compilers, too: the same work is done for so long on topics of its own before it begins. Who reads is slower than who writes
 * for a while there, and may be put out for it (its stall budget is 500 ms); what is measured is measured as in all languages. It is
 * rehearsed several times in that time, from opening to closing: what the compilers have not seen of a beginning or an end yet
 * makes them throw away the code for all between.
 */
public final class Work {
  private static final long LAST = 1L << 63;
  private static final long PATIENCE = 30_000_000_000L;
  private static final int REHEARSALS = 4;
  private static final VarHandle WORDS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
  // Words of the page that both processes map, on lines of their own.
  private static final int READY = 0;
  private static final int STOP = 128;

  private final Flags flags;
  private final MappedByteBuffer page;
  private Publisher publisher;
  private Subscription subscription;
  private long plays; // rehearsal and what is measured: how many have begun
  private boolean rehearsing;

  private Work(Flags flags) throws IOException {
    this.flags = flags;
    try (FileChannel file = FileChannel.open(Path.of(flags.dir, "page"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      page = file.map(FileChannel.MapMode.READ_WRITE, 0, 4096);
    }
  }

  public static void main(String[] args) throws Exception {
    Flags flags = new Flags(args);
    if (!flags.dir.isEmpty()) {
      new Work(flags).run(false);
      return;
    }
    Path dir = Files.createTempDirectory(Path.of("/dev/shm"), "ringcast-bench-");
    Process other = null;
    try {
      Files.write(dir.resolve("page"), new byte[4096]);
      other = start(args, dir);
      flags.dir = dir.toString();
      new Work(flags).run(true);
      if (other.waitFor() != 0) {
        throw new IllegalStateException("the other process ended with status " + other.exitValue());
      }
    } finally {
      if (other != null) {
        other.destroy();
      }
      remove(dir);
    }
  }

  private static Process start(String[] args, Path dir) throws IOException {
    List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java", "-XX:+UseSerialGC", "-XX:-UsePerfData",
        "-cp", System.getProperty("java.class.path"), "Work"));
    command.addAll(List.of(args));
    command.addAll(List.of("--dir", dir.toString()));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static void remove(Path dir) throws IOException {
    try (Stream<Path> all = Files.walk(dir)) {
      all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    }
  }

  /** Pins this thread alone. Without it both processes may share a core, and each waits for the other's slice of time. */
  private static void pin(int cpu) throws IOException, InterruptedException {
    if (cpu < 0) {
      return;
    }
    String thread = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString();
    Process taskset = new ProcessBuilder("taskset", "-pc", Integer.toString(cpu), thread)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    if (taskset.waitFor() != 0) {
      throw new IllegalStateException("taskset could not pin thread " + thread + " to core " + cpu);
    }
  }

  /** One side: the first reads or asks, and prints; the other writes or answers. */
  private void run(boolean first) throws IOException, InterruptedException {
    pin(flags.pin[first ? 0 : 1]);
    try (Domain domain = Domain.open(new DomainConfig().dir(flags.dir).waiting(flags.wait))) {
      if (flags.rehearseNs > 0) {
        rehearsing = true;
        for (int i = 0; i < REHEARSALS; i++) {
          play(domain, first, "rehearsed-" + i + "-", new Window(flags.rehearseNs / REHEARSALS, 1));
        }
        rehearsing = false;
      }
      System.out.print(play(domain, first, "", new Window(flags.warmupNs, flags.durationNs)));
    }
  }

  /** The work once, on topics whose names begin so: what was measured, from the side that does. */
  private String play(Domain domain, boolean first, String prefix, Window window) throws IOException, InterruptedException {
    boolean trips = flags.scenario.equals("pingpong");
    String reads = !trips && !first ? null : prefix + (trips && first ? "back" : "there");
    String writes = !trips && first ? null : prefix + (trips && !first ? "back" : "there");
    try (Subscription in = reads == null ? null : domain.subscribe(reads);
        Publisher out = writes == null ? null : domain.publisher(writes, ring())) {
      subscription = in;
      publisher = out;
      plays++;
      WORDS.getAndAdd(page, READY, 1L);
      while ((long) WORDS.getVolatile(page, READY) < 2 * plays) {
        Thread.sleep(1);
      }
      window.begin();
      if (first) {
        return trips ? ping(window) : consume(window);
      }
      if (trips) {
        pong();
      } else {
        produce();
      }
      return "";
    }
  }

  private PublisherConfig ring() {
    PublisherConfig c = new PublisherConfig().slots(flags.slots).slotSize(flags.size + 63 & ~63).reliable();
    return flags.exclusive ? c.exclusive() : c.shared();
  }

  private void put(long tag, long stamp) throws InterruptedException {
    for (;;) {
      Claim claim = publisher.claim(flags.size, PATIENCE);
      if (claim == null) {
        throw new IllegalStateException("no room for a message in 30 seconds");
      }
      fill(claim.buffer(), tag, stamp);
      try {
        claim.commit(flags.size);
        return;
      } catch (RingcastException e) {
        if (e.reason() != Reason.FENCED) {
          throw e;
        }
      }
    }
  }

  /** Reads all of the next message: its tag. */
  private long take() throws InterruptedException {
    Message m = subscription.next(PATIENCE);
    while (m == null || !m.isMessage()) {
      if (m == null || !rehearsing || m.type() != MessageType.LAGGED) {
        throw new IllegalStateException("not a message: " + m);
      }
      m = subscription.next(PATIENCE);
    }
    ByteBuffer payload = m.payload();
    int from = payload.position();
    int size = payload.limit() - from;
    long tag = payload.getLong(from);
    int words = size >> 3;
    if (size != flags.size || sum(payload, words) != words * tag + (long) words * (words - 1) / 2 - (tag + 1) + payload.getLong(from + 8)) {
      throw new IllegalStateException("message " + Long.toHexString(tag) + " is not what was written");
    }
    return tag;
  }

  /** Writes every byte, a word in a step: OpenJDK 17 asks more of eight (doc/decisions/332). */
  private void fill(ByteBuffer slot, long tag, long stamp) {
    int size = flags.size;
    long k = tag;
    for (int at = 0; at < size; at += 8) {
      slot.putLong(at, k++);
    }
    slot.putLong(8, stamp);
  }

  /**
   * The sum of all words, so many. The view is no object once it is compiled, and the compiler counts this loop. Four sums, since it makes no
   * vectors of it, and additions to one wait for each other.
   */
  private static long sum(ByteBuffer payload, int n) {
    LongBuffer words = payload.asLongBuffer();
    long s0 = 0;
    long s1 = 0;
    long s2 = 0;
    long s3 = 0;
    int k = 0;
    for (; k < n - 3; k += 4) {
      s0 += words.get(k);
      s1 += words.get(k + 1);
      s2 += words.get(k + 2);
      s3 += words.get(k + 3);
    }
    for (; k < n; k++) {
      s0 += words.get(k);
    }
    return s0 + s1 + s2 + s3;
  }

  // The loops below run in methods of their own, a few messages a call: what the compiler makes of a loop that has not ended yet
  // it throws away when it ends, as each does with the rehearsal.

  private void produce() throws InterruptedException {
    long n = 0;
    while ((long) WORDS.getAcquire(page, STOP) < plays) {
      n = putSome(n);
    }
    put(n + 1 | LAST, 0);
  }

  private long putSome(long n) throws InterruptedException {
    for (int i = 0; i < 16; i++) {
      put(++n, 0);
    }
    return n;
  }

  /** What it has measured, as a line. */
  private String consume(Window window) throws InterruptedException {
    for (long n = takeSome(0); n >= 0; n = takeSome(n)) {
      if (window.closed == 0 && !window.turn(n, System.nanoTime())) {
        WORDS.setRelease(page, STOP, plays);
        if (rehearsing) {
          return ""; // the last message may be one that was missed
        }
      }
    }
    return String.format(Locale.ROOT, "{\"rate\":%.1f}%n", window.rate());
  }

  /** How many there were; below 0 behind the last one. */
  private long takeSome(long n) throws InterruptedException {
    for (int i = 0; i < 1024; i++) {
      long tag = take();
      if ((tag & LAST) != 0) {
        return -1;
      }
      if (tag != ++n && !rehearsing) {
        throw new IllegalStateException("message " + tag + " in place of " + n);
      }
    }
    return n;
  }

  /** What it has measured, as a line. */
  private String ping(Window window) throws InterruptedException {
    Histogram times = new Histogram(60_000_000_000L, 3);
    long n = 0;
    while (window.turn(n, System.nanoTime())) {
      n = ask(n, window.open ? times : null);
    }
    put(n | LAST, 0);
    return String.format(Locale.ROOT, "{\"rate\":%.1f,\"latency_ns\":{\"count\":%d,\"p50\":%d,\"p90\":%d,\"p99\":%d,\"p999\":%d,\"max\":%d}}%n",
        window.rate(), times.getTotalCount(), times.getValueAtPercentile(50), times.getValueAtPercentile(90), times.getValueAtPercentile(99),
        times.getValueAtPercentile(99.9), times.getMaxValue());
  }

  /** Some round trips. */
  private long ask(long n, Histogram times) throws InterruptedException {
    long begin = System.nanoTime();
    for (int i = 0; i < 16; i++) {
      put(++n, 0);
      long tag = take();
      if (tag != n) {
        throw new IllegalStateException("answer " + tag + " to " + n);
      }
      long end = System.nanoTime();
      if (times != null) {
        times.recordValue(end - begin);
      }
      begin = end;
    }
    return n;
  }

  private void pong() throws InterruptedException {
    while (answer()) {
      // until the last
    }
  }

  /** Answers some; false behind the last one. */
  private boolean answer() throws InterruptedException {
    for (int i = 0; i < 16; i++) {
      long tag = take();
      if ((tag & LAST) != 0) {
        return false;
      }
      put(tag, 0);
    }
    return true;
  }

  /** What is measured: from the end of the warm-up on, for so long. */
  private static final class Window {
    private long start;
    private final long duration;
    private boolean open;
    private long first;
    private long opened;
    private long counted;
    private long closed;

    /** So many ns of warm-up from {@link #begin} on. */
    Window(long warmup, long duration) {
      start = warmup;
      this.duration = duration;
    }

    void begin() {
      start += System.nanoTime();
    }

    /** False when it is over, never in the turn that opens it. */
    boolean turn(long n, long now) {
      if (!open) {
        if (now - start >= 0) {
          open = true;
          start = now;
          first = n;
          opened = now;
        }
        return true;
      }
      if (now - start < duration) {
        return true;
      }
      counted = n - first;
      closed = now;
      return false;
    }

    double rate() {
      return counted * 1e9 / (closed - opened);
    }
  }

  /** The flags of bench/limits/work.h. --dir is this program's own: what the first process passes to the other. */
  private static final class Flags {
    private String scenario = "stream";
    private String dir = "";
    private Waiting wait = Waiting.SPIN;
    private int size = 64;
    private int slots = 1024;
    private boolean exclusive;
    private int[] pin = {-1, -1};
    private long durationNs = 1_000_000_000L;
    private long warmupNs = 200_000_000L;
    private long rehearseNs;

    Flags(String[] args) {
      for (int i = 0; i + 1 < args.length; i += 2) {
        String value = args[i + 1];
        switch (args[i]) {
          case "--scenario" -> scenario = value;
          case "--wait" -> wait = Waiting.valueOf(value.toUpperCase(Locale.ROOT));
          case "--dir" -> dir = value;
          case "--size" -> size = Integer.parseInt(value);
          case "--slots" -> slots = Integer.parseInt(value);
          case "--exclusive" -> exclusive = value.equals("1");
          case "--duration-ns" -> durationNs = Long.parseLong(value);
          case "--warmup-ns" -> warmupNs = Long.parseLong(value);
          case "--rehearse-ns" -> rehearseNs = Long.parseLong(value);
          case "--pin" -> {
            String[] cores = value.split(",");
            pin = new int[] {Integer.parseInt(cores[0]), Integer.parseInt(cores[1])};
          }
          case "--pause-ns", "--producers", "--readers" -> { } // of other scenarios
          default -> throw new IllegalArgumentException("unknown flag " + args[i]);
        }
      }
      if (size < 16 || size % 8 != 0) {
        throw new IllegalArgumentException("size " + size + ": want a multiple of 8 from 16");
      }
    }
  }
}
