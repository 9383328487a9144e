package io.github.ringcast.shm;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Mode, owner and group of a file that is made, or that are asked for: spec/segment.md, 1. A mode of 0
 * and an id of -1 ask for nothing. Immutable.
 */
public final class Rights {
  final int mode;
  final int uid;
  final int gid;

  private Rights(int mode, int uid, int gid) {
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
  }

  /**
   * The rights that somebody asks for; null if they ask for nothing. Users and groups are names of
   * /etc/passwd and /etc/group, or numbers; null asks for nothing.
   */
  public static Rights asked(String who, int mode, String owner, String group) {
    checkMode(who, mode);
    Rights asked = new Rights(mode, id(who, "owner", "/etc/passwd", owner), id(who, "group", "/etc/group", group));
    return mode == 0 && asked.uid < 0 && asked.gid < 0 ? null : asked;
  }

  /** Refuses a mode that a file of a domain can't have. */
  static void checkMode(String who, int mode) {
    boolean owns = (mode & 0600) == 0600 && (mode & ~0666) == 0;
    if (mode != 0 && (!owns || (mode & 0022 & ~((mode & 0044) >> 1)) != 0)) {
      throw new RingcastException(Reason.INVALID, String.format(
          "%s: mode %04o: want 0600 (the owner alone), 0660 (the group takes part) or 0640 (the group reads), for example", who, mode));
    }
  }

  private static int id(String who, String what, String list, String name) {
    if (name == null || name.isEmpty()) {
      return -1;
    }
    try {
      for (String line : Files.readAllLines(Path.of(list))) {
        String[] fields = line.split(":");
        if (fields.length >= 3 && fields[0].equals(name)) {
          return Integer.parseInt(fields[2]);
        }
      }
    } catch (IOException | NumberFormatException e) {
      return number(who, what, list, name); // no list: numbers alone
    }
    return number(who, what, list, name);
  }

  private static int number(String who, String what, String list, String name) {
    if (!name.matches("[0-9]{1,9}")) {
      throw new RingcastException(Reason.INVALID, who + ": " + what + " \"" + name + "\": not in " + list + ": want a name of it, or a number");
    }
    return Integer.parseInt(name);
  }

  /** These rights, but for what is asked; asked may be null. */
  public Rights over(Rights asked) {
    if (asked == null) {
      return this;
    }
    return new Rights(asked.mode != 0 ? asked.mode : mode, asked.uid >= 0 ? asked.uid : uid, asked.gid >= 0 ? asked.gid : gid);
  }

  /** Whether the file has what these rights ask for. */
  public boolean hadBy(Segment file) {
    FileStatus s = file.status();
    return (mode == 0 || mode == (s.mode & 0777)) && (uid < 0 || uid == s.uid) && (gid < 0 || gid == s.gid);
  }

  /** What to say to who asks for these rights of a file that has others. */
  public RingcastException refusal(Segment file) {
    FileStatus s = file.status();
    return new RingcastException(Reason.PERMISSION, String.format("%s: it is %d:%d %04o already: ask for no rights to take it as it is, "
        + "or end all who use it and remove it", file.path(), s.uid, s.gid, s.mode & 0777));
  }

  /** What a file in the directory of this path has. */
  static Rights below(String path) {
    String directory = Path.of(path).getParent().toString();
    FileStatus s = Kernel.status(-1, directory);
    if (s == null) {
      throw Kernel.failure(directory, Kernel.ENOENT);
    }
    return new Rights(s.mode & 0666 | 0600, Kernel.userId() == 0 ? s.uid : -1, (s.mode & 02000) != 0 ? s.gid : -1);
  }

  /** What a file of this path has by the rights of its directory. */
  public static Rights ofDirectory(String path) {
    return below(path);
  }

  /** Mode and group of an old data file, for its successor. */
  public Rights like(Segment old) {
    return new Rights(old.status().mode & 0666, uid, old.status().gid);
  }

  /** Those of the control file beside a data file: who reads data has an entry, as far as he may write in the domain. */
  public Rights forControl(Rights domain) {
    int readers = (mode & 0444) >> 1 & domain.mode;
    return new Rights(mode | readers, uid, gid);
  }

  void give(int fd, String path) {
    if (uid >= 0 || gid >= 0) {
      Kernel.owner(fd, uid, gid, path);
    }
    Kernel.mode(fd, mode, path);
  }
}
