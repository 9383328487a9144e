import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Publication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.logbuffer.BufferClaim;
import io.aeron.logbuffer.FragmentHandler;
import io.aeron.logbuffer.Header;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.BusySpinIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;

/**
 * Aeron's Java client at the same work as ours: each process has a client of its own, this one has the driver and
 * starts the others. Every byte is written in the claimed buffer and read where it lies. Flags and answer:
 * limits/work.h.
 */
public final class Work {
    private static final int THERE = 1001;
    private static final int BACK = 1002;
    private static final long LAST = 1L << 63;
    private static final VarHandle LONGS =
        MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    // Words of the board, each on lines of its own.
    private static final int STOP = 0;
    private static final int READY = 128;
    private static final int DONE = 256;
    private static final int DRAINED = 384;

    private final Flags flags;
    private final MappedByteBuffer board;
    private final IdleStrategy idle;
    private final BufferClaim claim = new BufferClaim();
    private Aeron aeron;

    private Work(final Flags flags) throws Exception {
        this.flags = flags;
        try (FileChannel file = FileChannel.open(Path.of(flags.dir + "-board"), StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
            board = file.map(FileChannel.MapMode.READ_WRITE, 0, 4096);
        }
        idle = flags.idle();
    }

    public static void main(final String[] args) throws Exception {
        final Flags flags = new Flags(args);
        if (flags.role.isEmpty()) {
            launch(flags, args);
        } else {
            new Work(flags).run();
        }
    }

    /** Runs the driver here and the roles in processes of their own. */
    private static void launch(final Flags flags, final String[] args) throws Exception {
        final Path path = Path.of(flags.dir + "-board");
        Files.write(path, new byte[4096]);
        // One thread, which is all that two cores can spare, with the default back-off; terms that are not sparse and
        // touched beforehand; an MTU for which no message of the table is too large to claim.
        final MediaDriver.Context context = new MediaDriver.Context().aeronDirectoryName(flags.dir)
            .threadingMode(ThreadingMode.SHARED).termBufferSparseFile(false).ipcMtuLength(8192)
            .ipcTermBufferLength(64 << 20).performStorageChecks(false)
            .dirDeleteOnStart(true).dirDeleteOnShutdown(true);
        try (MediaDriver driver = MediaDriver.launch(context)) {
            final List<Process> processes = new ArrayList<>();
            for (final String role : flags.roles()) {
                processes.add(start(args, role));
            }
            gather(processes);
        } finally {
            Files.delete(path);
        }
    }

    private static Process start(final String[] args, final String role) throws Exception {
        final List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElse("java"),
            "-cp", System.getProperty("java.class.path"), "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
            "-Dagrona.disable.bounds.checks=true", "-XX:+UseSerialGC", "-Xmx256m", "Work"));
        command.addAll(List.of(args));
        command.addAll(List.of("--role", role));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    /** Adds the readers' rates up, and passes the latencies on. */
    private static void gather(final List<Process> processes) throws Exception {
        double rate = 0;
        String latency = "";
        for (final Process process : processes) {
            try (BufferedReader out = new BufferedReader(new InputStreamReader(process.getInputStream()))) {
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    if (line.startsWith("rate ")) {
                        rate += Double.parseDouble(line.substring(5));
                    } else {
                        latency = line;
                    }
                }
            }
            if (process.waitFor() != 0) {
                processes.forEach(Process::destroy);
                throw new IllegalStateException("a process ended with " + process.exitValue());
            }
        }
        System.out.printf(Locale.ROOT, "{\"rate\":%.1f%s}%n", rate, latency);
    }

    private void run() throws Exception {
        try (Aeron client = Aeron.connect(new Aeron.Context().aeronDirectoryName(flags.dir).preTouchMappedMemory(true))) {
            aeron = client;
            final int index = flags.role.charAt(flags.role.length() - 1) - '0';
            switch (flags.role.substring(0, flags.role.length() - 1)) {
                case "produce" -> produce(index);
                case "consume" -> consume();
                case "ping" -> ping();
                default -> pong();
            }
        }
    }

    private void barrier() throws InterruptedException {
        LONGS.getAndAdd(board, READY, 1L);
        while ((long)LONGS.getVolatile(board, READY) < flags.roles().size()) {
            Thread.sleep(1);
        }
    }

    /** A publication of either kind. */
    private interface Claimer {
        long tryClaim(int length, BufferClaim claim);
    }

    private Claimer publish(final int stream) {
        if (flags.exclusive) {
            final ExclusivePublication p = aeron.addExclusivePublication("aeron:ipc", stream);
            return p::tryClaim;
        }
        final Publication p = aeron.addPublication("aeron:ipc", stream);
        return p::tryClaim;
    }

    private void send(final Claimer publication, final long tag, final long stamp) {
        for (long at = publication.tryClaim(flags.size, claim); at < 0; at = publication.tryClaim(flags.size, claim)) {
            if (at != Publication.BACK_PRESSURED && at != Publication.ADMIN_ACTION && at != Publication.NOT_CONNECTED) {
                throw new IllegalStateException("claim: " + at);
            }
            idle.idle();
        }
        idle.reset();
        final MutableDirectBuffer buffer = claim.buffer();
        final int offset = claim.offset();
        for (int i = 0; i < flags.size; i += 8) {
            buffer.putLong(offset + i, tag + (i >> 3));
        }
        buffer.putLong(offset + 8, stamp);
        claim.commit();
    }

    private void produce(final int index) throws Exception {
        final Claimer publication = publish(THERE);
        final long mark = (long)index << 48;
        long i = 0;
        barrier();
        while ((long)LONGS.getAcquire(board, STOP) == 0) {
            send(publication, mark | ++i, 0);
        }
        send(publication, mark | (i + 1) | LAST, 0);
        while ((long)LONGS.getVolatile(board, DRAINED) < flags.readers) {
            Thread.sleep(1); // a publication that closes takes what nobody has read yet with it
        }
    }

    /** Reads and checks each message. */
    private final class Reader implements FragmentHandler {
        private final long[] seen = new long[16];
        private final long begin = System.nanoTime() + flags.warmupNs;
        private int open;
        private boolean counting;
        private long first;
        private long firstAt;
        private long n;
        private long tag;
        private boolean closed;

        Reader(final int producers) {
            open = producers;
        }

        @Override
        public void onFragment(final DirectBuffer buffer, final int offset, final int length, final Header header) {
            tag = buffer.getLong(offset);
            final long stamp = buffer.getLong(offset + 8);
            long sum = 0;
            for (int i = 0; i < length; i += 8) {
                sum += buffer.getLong(offset + i);
            }
            final long words = length >> 3;
            final int producer = (int)(tag >>> 48 & 0x7fff);
            if (sum != words * tag + words * (words - 1) / 2 - (tag + 1) + stamp ||
                (tag & (1L << 48) - 1) != ++seen[producer]) {
                throw new IllegalStateException("message " + Long.toHexString(tag) + " is not what was written");
            }
            if ((tag & LAST) != 0) {
                open--;
            } else if ((++n & 1023) == 0 && !closed) {
                turn();
            }
        }

        private void turn() {
            final long now = System.nanoTime();
            if (!counting && now >= begin) {
                counting = true;
                first = n;
                firstAt = now;
            } else if (counting && now >= begin + flags.durationNs) {
                closed = true;
                System.out.printf(Locale.ROOT, "rate %.1f%n", (n - first) * 1e9 / (now - firstAt));
                if ((long)LONGS.getAndAdd(board, DONE, 1L) + 1 == flags.readers) {
                    LONGS.setVolatile(board, STOP, 1L);
                }
            }
        }
    }

    private void consume() throws Exception {
        final Subscription subscription = aeron.addSubscription("aeron:ipc", THERE);
        barrier();
        final Reader reader = new Reader(flags.producers);
        while (reader.open > 0) {
            idle.idle(subscription.poll(reader, 256));
        }
        LONGS.getAndAdd(board, DRAINED, 1L);
    }

    private void receive(final Subscription subscription, final Reader reader) {
        while (subscription.poll(reader, 1) == 0) {
            idle.idle();
        }
        idle.reset();
    }

    private void ping() throws Exception {
        final Subscription back = aeron.addSubscription("aeron:ipc", BACK);
        final Claimer there = publish(THERE);
        final Histogram histogram = new Histogram();
        barrier();
        final Reader reader = new Reader(1);
        reader.closed = true;
        final long start = System.nanoTime() + flags.warmupNs;
        long i = 0;
        long first = 0;
        long begin = System.nanoTime();
        while (begin < start + flags.durationNs) {
            send(there, ++i, 0);
            receive(back, reader);
            final long end = System.nanoTime();
            if (begin >= start) {
                histogram.record(end - begin);
            } else {
                first = i;
            }
            begin = end;
        }
        send(there, (i + 1) | LAST, 0);
        System.out.printf(Locale.ROOT, "rate %.1f%n", (i - first) * 1e9 / (begin - start));
        System.out.println(histogram.json());
        Thread.sleep(100); // until the other side has read the last message
    }

    private void pong() throws Exception {
        final Subscription there = aeron.addSubscription("aeron:ipc", THERE);
        final Claimer back = publish(BACK);
        barrier();
        final Reader reader = new Reader(1);
        reader.closed = true;
        for (receive(there, reader); reader.open > 0; receive(there, reader)) {
            send(back, reader.tag, 0);
        }
    }

    /** As in limits/work.h: 64 steps an octave. */
    private static final class Histogram {
        private final long[] bins = new long[64 * 64];
        private long count;
        private long max;

        void record(final long ns) {
            final int octave = ns < 64 ? 0 : 58 - Long.numberOfLeadingZeros(ns);
            bins[octave * 64 + (int)(ns >> Math.max(octave - 1, 0)) % 64]++;
            count++;
            max = Math.max(max, ns);
        }

        private long quantile(final double q) {
            long seen = 0;
            for (int bin = 0; bin < bins.length; bin++) {
                seen += bins[bin];
                if (seen > (long)(q * count)) {
                    return bin < 64 ? bin : (long)(64 + bin % 64) << (bin / 64 - 1);
                }
            }
            return max;
        }

        String json() {
            return String.format(Locale.ROOT,
                ",\"latency_ns\":{\"count\":%d,\"p50\":%d,\"p90\":%d,\"p99\":%d,\"p999\":%d,\"max\":%d}", count,
                quantile(0.5), quantile(0.9), quantile(0.99), quantile(0.999), max);
        }
    }

    /** The flags of limits/work.h. */
    private static final class Flags {
        private String scenario = "stream";
        private String wait = "spin";
        private String dir = "";
        private String role = "";
        private int size = 64;
        private int producers = 1;
        private int readers = 1;
        private boolean exclusive;
        private long durationNs = 1_000_000_000L;
        private long warmupNs = 200_000_000L;

        Flags(final String[] args) {
            for (int i = 0; i + 1 < args.length; i += 2) {
                final String value = args[i + 1];
                switch (args[i]) {
                    case "--scenario" -> scenario = value;
                    case "--wait" -> wait = value;
                    case "--dir" -> dir = new File(value).getAbsolutePath();
                    case "--role" -> role = value;
                    case "--size" -> size = Integer.parseInt(value);
                    case "--producers" -> producers = Integer.parseInt(value);
                    case "--readers" -> readers = Integer.parseInt(value);
                    case "--exclusive" -> exclusive = value.equals("1");
                    case "--duration-ns" -> durationNs = Long.parseLong(value);
                    case "--warmup-ns" -> warmupNs = Long.parseLong(value);
                    case "--slots", "--pin", "--pause-ns" -> { } // not of this program
                    default -> throw new IllegalArgumentException("unknown flag " + args[i]);
                }
            }
        }

        private IdleStrategy idle() {
            return switch (wait) {
                case "spin" -> new BusySpinIdleStrategy();
                case "yield" -> new YieldingIdleStrategy();
                default -> new BackoffIdleStrategy();
            };
        }

        private List<String> roles() {
            if (scenario.equals("pingpong")) {
                return List.of("ping0", "pong0");
            }
            final List<String> list = new ArrayList<>();
            for (int i = 0; i < producers; i++) {
                list.add("produce" + i);
            }
            for (int i = 0; i < readers; i++) {
                list.add("consume" + i);
            }
            return list;
        }
    }
}
