package io.github.ringcast.shm;

import io.github.ringcast.fb.LockByte;

/** Files that are in use as long as somebody holds their byte Usage. */
public final class LockedFile {
  private LockedFile() {}

  /** Removes a file that nobody uses and that still has its name. Makes system calls. */
  public static void removeUnused(String path) {
    int fd = Kernel.openFile(path, Kernel.O_RDWR | Kernel.O_NONBLOCK | Kernel.O_NOFOLLOW, 0);
    if (fd < 0) {
      return; // is not there, or is not ours to remove
    }
    try {
      if (Kernel.lock(fd, LockByte.Usage, Segment.EXCLUSIVE) && Kernel.status(fd, "").sameFile(Kernel.status(-1, path))) {
        Kernel.remove(path);
      }
    } finally {
      Kernel.closeFile(fd);
    }
  }
}
