package io.github.ringcast.shm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;

/** The hashes and random numbers of the format. */
public final class Hashes {
  private static final SecureRandom RANDOM = new SecureRandom();

  private Hashes() {}

  public static long fnv64(byte[] bytes) {
    long h = 0xcbf29ce484222325L;
    for (byte b : bytes) {
      h = (h ^ (b & 0xff)) * 0x100000001b3L;
    }
    return h;
  }

  /** FNV-1a 32 of a text. */
  public static int fnv32(String text) {
    int h = 0x811c9dc5;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      h = (h ^ (b & 0xff)) * 0x01000193;
    }
    return h;
  }

  /** 64 random bits. */
  public static long random() {
    return RANDOM.nextLong();
  }

  /** The hash of the kernel's boot id; 0 if it can't be read. */
  static long boot() {
    String text = firstLine("/proc/sys/kernel/random/boot_id");
    return text.isEmpty() ? 0 : fnv64(text.getBytes(StandardCharsets.UTF_8));
  }

  /** The first line of a file without its newline, "" if it can't be read. */
  static String firstLine(String path) {
    try {
      String all = Files.readString(Path.of(path));
      int end = all.indexOf('\n');
      return end < 0 ? all : all.substring(0, end);
    } catch (IOException e) {
      return "";
    }
  }
}
