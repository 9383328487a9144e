package io.github.ringcast.shm;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The directory of a domain, found or made: spec/segment.md, 1. */
public final class Place {
  private static final List<String> PARTS = List.of("live", "counters", "topics", "services", "inbox");

  /** The directory; absolute. */
  public final String path;

  private Place(String path) {
    this.path = path;
  }

  /**
   * Finds a domain's directory and makes what is missing.
   *
   * @param base where domains lie, null for RINGCAST_SHM_DIR or the user's own
   * @param mode of a directory that is made here, 0 for 0700; one that is there must have it, unless 0
   */
  public static Place open(String base, String domain, int mode) {
    Names.checkDomain(domain);
    Rights.checkMode("domain " + domain, mode);
    int directoryMode = mode == 0 ? 0700 : mode | (mode & 0444) >> 2 | 0700;
    String root = base(base, directoryMode);
    String path = root + "/" + domain;
    FileStatus status = Kernel.status(-1, path);
    if (status == null) {
      make(path, directoryMode, -1, -1, PARTS);
      status = Kernel.status(-1, path);
    }
    if (status == null || !status.directory()) {
      throw Kernel.failure(path, Kernel.ENOTDIR);
    }
    if (mode != 0 && (status.mode & 0777) != directoryMode) {
      throw new RingcastException(Reason.PERMISSION, String.format("%s: has mode %04o, asked for %04o: a domain keeps the rights it was made with",
          path, status.mode & 0777, directoryMode));
    }
    for (String part : PARTS) {
      if (Kernel.status(-1, path + "/" + part) == null) {
        make(path + "/" + part, status.mode & 07777, status.uid, status.gid, List.of());
      }
    }
    return new Place(path);
  }

  private static String base(String given, int mode) {
    String told = given != null && !given.isEmpty() ? given : System.getenv("RINGCAST_SHM_DIR");
    if (told != null && !told.isEmpty()) {
      String absolute = Path.of(told).toAbsolutePath().normalize().toString();
      missingAbove(absolute, mode & ~02);
      return absolute;
    }
    int group = ringcastGroup();
    int user = Kernel.userId();
    boolean shared = user == 0 || group >= 0;
    String path = shared ? "/dev/shm/ringcast" : "/dev/shm/ringcast-" + Integer.toUnsignedString(user);
    missingAbove(path, mode & ~02);
    checkTrusted(path, shared, user, group);
    return path;
  }

  /** The number of the group ringcast, if this process is in it; otherwise -1. */
  private static int ringcastGroup() {
    try {
      for (String line : Files.readAllLines(Path.of("/etc/group"))) {
        String[] fields = line.split(":");
        if (fields.length >= 3 && fields[0].equals("ringcast")) {
          return ownGroups().contains(fields[2]) ? Integer.parseInt(fields[2]) : -1;
        }
      }
    } catch (IOException | NumberFormatException e) {
      return -1; // no such file: no such group
    }
    return -1;
  }

  private static List<String> ownGroups() throws IOException {
    StringBuilder groups = new StringBuilder();
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("Gid:") || line.startsWith("Groups:")) {
        groups.append(line.substring(line.indexOf(':') + 1)).append(' ');
      }
    }
    return Arrays.asList(groups.toString().trim().split("\\s+"));
  }

  /** Anybody may write /dev/shm, so what lies there may be a stranger's. */
  private static void checkTrusted(String path, boolean shared, int user, int group) {
    FileStatus s = Kernel.status(-1, path);
    boolean ours = s != null && s.directory() && (s.mode & 02) == 0;
    if (ours && shared) {
      ours = s.uid == 0 || group >= 0 && s.gid == group;
    } else if (ours) {
      ours = s.uid == user && (s.mode & 020) == 0;
    }
    if (!ours) {
      throw new RingcastException(Reason.PERMISSION, path + ": a stranger's directory, or one that strangers may write: "
          + "remove it, or say where with RINGCAST_SHM_DIR");
    }
  }

  private static void missingAbove(String path, int mode) {
    Path p = Path.of(path);
    if (Kernel.status(-1, path) != null || p.getParent() == null) {
      return;
    }
    missingAbove(p.getParent().toString(), mode);
    make(path, mode, -1, -1, List.of());
  }

  /** Makes a directory with what is in it under another name, then gives it its own. */
  private static void make(String path, int mode, int uid, int gid, List<String> parts) {
    Path p = Path.of(path);
    String made = p.getParent() + "/." + p.getFileName() + ".new-" + Long.toHexString(Hashes.random());
    fill(made, mode, uid, gid);
    for (String part : parts) {
      fill(made + "/" + part, mode, uid, gid);
    }
    int errno = Kernel.moveToNew(made, path);
    if (errno == 0) {
      return;
    }
    for (String part : parts) {
      discard(made + "/" + part);
    }
    discard(made);
    if (errno != Kernel.EEXIST) {
      throw Kernel.failure("make", path, errno);
    }
  }

  private static void fill(String path, int mode, int uid, int gid) {
    int errno = Kernel.makeDirectory(path, 0700);
    boolean root = Kernel.userId() == 0;
    if (errno == 0 && (uid >= 0 && root || (mode & 02000) != 0)) {
      errno = Kernel.ownerOfPath(path, root ? uid : -1, gid);
    }
    if (errno == 0) {
      errno = Kernel.modeOfPath(path, mode);
    }
    if (errno != 0) {
      throw Kernel.failure("make", path, errno);
    }
  }

  private static void discard(String path) {
    try {
      Files.deleteIfExists(Path.of(path));
    } catch (IOException e) {
      return; // a directory without a meaning is left
    }
  }
}
