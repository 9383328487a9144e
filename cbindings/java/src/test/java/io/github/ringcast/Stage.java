package io.github.ringcast;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A directory in shared memory, with the processes of one test; all gone when it is closed. */
final class Stage implements AutoCloseable {
  static final long PATIENCE = 30_000_000_000L;

  final Path dir;
  final String domain;
  private final List<Process> children = new ArrayList<>();

  Stage() {
    this("default");
  }

  Stage(String domain) {
    this.domain = domain;
    try {
      dir = Files.createTempDirectory(Path.of("/dev/shm"), "ringcast-java-test-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Domain open() {
    return Domain.open(config());
  }

  DomainConfig config() {
    return new DomainConfig().dir(dir.toString()).domain(domain).name("test");
  }

  Path topics() {
    return dir.resolve(domain).resolve("topics");
  }

  String[] files(String part) {
    String[] names = dir.resolve(domain).resolve(part).toFile().list();
    return names == null ? new String[0] : names;
  }

  /** Starts {@link Child} in a virtual machine of its own. */
  Process child(String... args) throws IOException {
    return child(List.of(), args);
  }

  /** The same by a program that starts another one. */
  Process child(List<String> by, String... args) throws IOException {
    List<String> command = new ArrayList<>(by);
    command.addAll(List.of(System.getProperty("java.home") + "/bin/java", "-XX:+UseSerialGC", "-XX:-CreateCoredumpOnCrash",
        "-XX:ErrorFile=" + dir + "/hs_err.log", "-Dringcast.test.domain=" + domain, "-cp", System.getProperty("java.class.path"), "io.github.ringcast.Child"));
    command.addAll(List.of(args));
    return start(command);
  }

  /** Starts a process that is ended with the stage. */
  Process start(List<String> command) throws IOException {
    ProcessBuilder b = new ProcessBuilder(command).redirectErrorStream(true);
    b.environment().put("RINGCAST_SHM_DIR", dir.toString());
    Process p = b.start();
    children.add(p);
    return p;
  }

  /** Waits for a line of a child. */
  static String line(Process p) throws IOException {
    return p.inputReader().readLine();
  }

  static int end(Process p) throws InterruptedException {
    if (!p.waitFor(60, TimeUnit.SECONDS)) {
      throw new IllegalStateException("a child does not end");
    }
    return p.exitValue();
  }

  @Override
  public void close() {
    for (Process p : children) {
      p.destroyForcibly();
    }
    try (Stream<Path> all = Files.walk(dir)) {
      all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
