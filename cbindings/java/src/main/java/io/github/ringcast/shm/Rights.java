package io.github.ringcast.shm;

import java.nio.file.Path;

/** Mode, owner and group of a file that is made: spec/segment.md, 1. Immutable. */
public final class Rights {
  final int mode;
  final int uid;
  final int gid;

  private Rights(int mode, int uid, int gid) {
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
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
