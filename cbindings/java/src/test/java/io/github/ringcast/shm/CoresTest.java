package io.github.ringcast.shm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** How many processors a process has. */
final class CoresTest {
  /** A thread that was pinned to one processor counts what the process has, not one. */
  @Test
  void pinnedThread() throws Exception {
    int before = Cores.count();
    int[] pinned = new int[2];
    Thread t = new Thread(() -> {
      try {
        String thread = Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString();
        String cpu = Files.readAllLines(Path.of("/proc/thread-self/status")).stream().filter(l -> l.startsWith("Cpus_allowed_list:"))
            .findFirst().orElseThrow().split("[:,-]")[1].strip();
        pinned[0] = new ProcessBuilder("taskset", "-pc", cpu, thread).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        pinned[1] = Cores.count();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    });
    t.start();
    t.join();
    assertEquals(0, pinned[0], "status of taskset");
    assertEquals(before, pinned[1]);
  }

  @Test
  void ones() {
    assertEquals(2, Cores.ones("\t3"));
    assertEquals(33, Cores.ones("\t1,ffffffff"));
    assertEquals(0, Cores.ones(""));
  }
}
