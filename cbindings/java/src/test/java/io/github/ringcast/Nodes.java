package io.github.ringcast;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Some nodes on this host, each with a directory and a forwarder of its own, in a domain that no other test has. */
final class Nodes implements AutoCloseable {
  private static Path program;

  private final List<Stage> stages = new ArrayList<>();
  private final List<Process> forwarders = new ArrayList<>();

  Nodes(int count) throws IOException, InterruptedException {
    String domain = "java-nodes-" + Long.toHexString(System.nanoTime()) + "-" + ProcessHandle.current().pid();
    for (int i = 0; i < count; i++) {
      stages.add(new Stage(domain));
      forwarders.add(null);
      forward(i);
    }
  }

  /** ringcastd, built once. */
  private static synchronized Path program() throws IOException, InterruptedException {
    if (program == null) {
      Path out = Path.of("target/ringcastd").toAbsolutePath();
      Process build = new ProcessBuilder("go", "build", "-o", out.toString(), "./cmd/ringcastd").directory(new File("../..")).inheritIO().start();
      if (!build.waitFor(5, TimeUnit.MINUTES) || build.exitValue() != 0) {
        throw new IOException("go build ./cmd/ringcastd: " + build);
      }
      program = out;
    }
    return program;
  }

  Stage stage(int node) {
    return stages.get(node);
  }

  Domain open(int node) {
    return stages.get(node).open();
  }

  /** Starts the forwarder of a node. */
  void forward(int node) throws IOException, InterruptedException {
    Stage s = stages.get(node);
    forwarders.set(node, s.start(List.of(program().toString(), "--shm-dir", s.dir.toString(), "--domain", s.domain, "--interface", "lo", "--quiet")));
  }

  /** Ends the forwarder of a node without a chance to say anything. */
  void killForwarder(int node) throws InterruptedException {
    forwarders.get(node).destroyForcibly().waitFor();
  }

  /** Asks again while a node, or what is on it, is not known yet. */
  static <T> T await(Callable<T> ask) throws Exception {
    long began = System.nanoTime();
    for (;;) {
      try {
        return ask.call();
      } catch (RingcastException e) {
        boolean early = e.reason() == Reason.NODE_DOWN || e.reason() == Reason.NO_SERVICE || e.reason() == Reason.NO_INBOX;
        if (!early || System.nanoTime() - began > Stage.PATIENCE) {
          throw e;
        }
        Thread.sleep(5);
      }
    }
  }

  @Override
  public void close() {
    for (Process p : forwarders) {
      p.destroyForcibly();
    }
    for (Process p : forwarders) {
      p.onExit().join(); // before its directory goes
    }
    stages.forEach(Stage::close);
  }
}
