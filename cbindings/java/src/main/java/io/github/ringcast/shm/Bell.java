package io.github.ringcast.shm;

import io.github.ringcast.fb.LockByte;

/**
 * The FIFO live/I of this participant: it hangs up when the process ends, so that who watches learns
 * of a death at once. The lock is the truth. Used by one thread at a time.
 */
final class Bell {
  private final String domain;
  private int fd = -1;
  private int mode;
  private String path;

  Bell(String domain) {
    this.domain = domain;
  }

  /** Hangs it up, over whatever a predecessor left, whose other files go. */
  void hang(int i) {
    path = domain + "/live/" + i;
    String hidden = domain + "/live/." + i;
    Kernel.remove(hidden);
    int errno = Kernel.makeFifo(hidden, 0600);
    if (errno != 0) {
      throw Kernel.failure("make", hidden, errno);
    }
    fd = Kernel.openFile(hidden, Kernel.O_RDWR | Kernel.O_NONBLOCK | Kernel.O_NOFOLLOW, 0);
    if (fd < 0) {
      throw Kernel.failure("open", hidden, -fd);
    }
    Rights rights = Rights.below(path);
    rights.give(fd, hidden);
    mode = rights.mode;
    Kernel.lock(fd, LockByte.Usage, Segment.SHARED);
    errno = Kernel.move(hidden, path);
    if (errno != 0) {
      throw Kernel.failure("name", path, errno);
    }
    Kernel.remove(path + ".info");
    Kernel.remove(domain + "/live/." + i + ".info");
    Kernel.remove(domain + "/counters/" + i + ".cnt");
  }

  /** An event for those who watch the directory. */
  void announce() {
    Kernel.mode(fd, mode, path);
  }

  /** Takes it down while the lock is still held. */
  void takeDown(int i) {
    Kernel.closeFile(fd);
    fd = -1;
    Kernel.remove(domain + "/live/" + i);
  }

  /** Removes what a dead participant left, unless a new owner of the index has it: that is locked. */
  void removeOfTheDead(int i) {
    LockedFile.removeUnused(domain + "/live/" + i);
    LockedFile.removeUnused(domain + "/live/" + i + ".info");
    LockedFile.removeUnused(domain + "/live/." + i + ".info");
    LockedFile.removeUnused(domain + "/counters/" + i + ".cnt");
  }
}
