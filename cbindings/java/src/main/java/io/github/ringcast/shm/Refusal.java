package io.github.ringcast.shm;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import java.nio.file.Path;

/** Who refuses a path, whose it is, who asked, and what helps: in the words of the C library. Makes system calls. */
final class Refusal {
  private Refusal() {}

  /** Of what was tried with a path, which was refused for want of rights. */
  static RingcastException of(String what, String path) {
    String error = what + " " + path + ": " + Kernel.errorText(Kernel.EACCES);
    String refuses = refuser(path);
    FileStatus s = Kernel.statusOrNull(refuses);
    if (s == null) { // it was to be made: its directory refuses
      refuses = Path.of(path).toAbsolutePath().getParent().toString();
      s = Kernel.statusOrNull(refuses);
    }
    if (s == null) {
      return new RingcastException(Reason.PERMISSION, error);
    }
    return new RingcastException(Reason.PERMISSION, String.format("%s: %s is %d:%d %04o, and you are user %d, group %d: become a member of its group, "
        + "ask its owner for a chmod, or name another directory (RINGCAST_SHM_DIR)", error, refuses, s.uid, s.gid, s.mode & 07777, Kernel.userId(), Kernel.groupId()));
  }

  /** The first directory on the way that may not be searched; the path itself if all may. */
  private static String refuser(String path) {
    Path all = Path.of(path).toAbsolutePath();
    for (int i = 1; i < all.getNameCount(); i++) {
      String directory = all.getRoot().resolve(all.subpath(0, i)).toString();
      if (!Kernel.searchable(directory)) {
        return directory;
      }
    }
    return path;
  }
}
