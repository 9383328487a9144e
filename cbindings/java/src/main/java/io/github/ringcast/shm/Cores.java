package io.github.ringcast.shm;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How many processors this process has, and a rest for the one it is on. Safe for concurrent use. */
public final class Cores {
  private static final String MASK = "Cpus_allowed:";
  /** One: whom we wait for needs it. */
  public static final int COUNT = count();

  private Cores() {}

  /**
   * The processors of the whole process. Java counts those of the calling thread: a program that has pinned it to one would be taken
   * for one of a machine with one processor, though its partner runs beside it. Reads a file; allocates.
   */
  static int count() {
    int ofThread = Runtime.getRuntime().availableProcessors();
    return ofThread > 1 ? ofThread : Math.max(1, ofProcess());
  }

  /** What the process's first thread may run on, which a virtual machine leaves as it began; 0 if the kernel does not say. */
  private static int ofProcess() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith(MASK)) {
          return ones(line.substring(MASK.length()));
        }
      }
    } catch (IOException e) {
      return 0; // no such file: what Java says holds
    }
    return 0;
  }

  /** Pauses so many times, some 25 ns each, more on some processors. */
  public static void pause(int times) {
    for (int i = 0; i < times; i++) {
      Thread.onSpinWait();
    }
  }

  /** Bits that are set in a mask of hexadecimal digits. */
  static int ones(String mask) {
    return mask.chars().map(c -> Integer.bitCount(Math.max(0, Character.digit(c, 16)))).sum();
  }
}
