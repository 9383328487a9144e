package io.github.ringcast.shm;

import io.github.ringcast.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Whether the memory limits of the process's control groups have room for a file: its pages are taken
 * when it is made, and a group over its limit is killed, not refused. Groups of version 2 are looked
 * at; what can't be read limits nothing.
 */
final class MemoryRoom {
  private static final String ROOT = "/sys/fs/cgroup";
  private static final long LEAST = 1 << 20;
  private static final long MOST = 64 << 20;

  private MemoryRoom() {}

  static void check(long size, String path) {
    for (Path group = group(); group != null && group.startsWith(ROOT); group = group.getParent()) {
      long limit = number(Hashes.firstLine(group.resolve("memory.max").toString()));
      long used = number(Hashes.firstLine(group.resolve("memory.current").toString()));
      if (limit < 0 || used < 0) {
        continue;
      }
      long margin = Math.min(Math.max(LEAST, limit / 16), MOST); // for the programs themselves
      long left = Math.max(0, limit - used) + Math.min(used, cachedFiles(group));
      if (size + margin > left) {
        throw SegmentCheck.error(Reason.NO_SPACE, path, size + " bytes: control group " + group + " may have " + limit
            + " bytes of memory, of which " + left + " are left: raise the limit, or ask for fewer or smaller slots");
      }
    }
  }

  private static Path group() {
    String line = Hashes.firstLine("/proc/self/cgroup");
    return line.startsWith("0::/") && Files.isDirectory(Path.of(ROOT)) ? Path.of(ROOT + line.substring(3)).normalize() : null;
  }

  /** What the group only caches of files, and gives back at once. */
  private static long cachedFiles(Path group) {
    long sum = 0;
    try {
      for (String line : Files.readAllLines(group.resolve("memory.stat"))) {
        if (line.startsWith("active_file ") || line.startsWith("inactive_file ")) {
          sum += Math.max(0, number(line.substring(line.indexOf(' ') + 1)));
        }
      }
    } catch (IOException e) {
      return sum; // not told: nothing is cached
    }
    return sum;
  }

  private static long number(String text) {
    try {
      return text.isEmpty() ? -1 : Long.parseLong(text);
    } catch (NumberFormatException e) {
      return -1; // "max"
    }
  }
}
