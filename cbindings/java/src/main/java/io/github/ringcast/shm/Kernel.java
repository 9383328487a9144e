package io.github.ringcast.shm;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The system calls that Java's library does not have: open file description locks, futexes, files
 * without a name. They are for opening, closing, sleeping, waking and asking who lives; no message
 * needs one. {@link #calls} counts them, so that a test can say so.
 *
 * <p>Safe for use by several threads at once.
 */
public final class Kernel {
  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_NONBLOCK = 0x800;
  static final int O_NOCTTY = 0x100;
  static final int O_CLOEXEC = 0x80000;
  private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
  static final int O_DIRECTORY = ARM ? 0x4000 : 0x10000;
  static final int O_NOFOLLOW = ARM ? 0x8000 : 0x20000;
  static final int O_TMPFILE = 0x400000 | O_DIRECTORY;
  static final int ENOENT = 2;
  static final int EINTR = 4;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int EEXIST = 17;
  static final int ENOTDIR = 20;
  static final int EMFILE = 24;
  static final int ENOSPC = 28;
  static final int EROFS = 30;
  static final int EPERM = 1;
  static final int ELOOP = 40;
  static final int EDQUOT = 122;
  private static final int SYS_FUTEX = ARM ? 98 : 202;
  private static final int SYS_STATX = ARM ? 291 : 332;
  private static final int SYS_MEMBARRIER = ARM ? 283 : 324;
  private static final int SYS_RENAMEAT2 = ARM ? 276 : 316;
  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLK = 37;
  private static final int AT_FDCWD = -100;
  private static final int AT_EACCESS = 0x200;
  private static final int X_OK = 1;
  private static final AtomicLong CALLS = new AtomicLong();

  static {
    String arch = System.getProperty("os.arch");
    boolean known = arch.equals("amd64") || arch.equals("x86_64") || ARM;
    if (!System.getProperty("os.name").equals("Linux") || !known || ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new RingcastException(Reason.UNSUPPORTED, "Ringcast runs on Linux, x86-64 and arm64, little endian; this is "
          + System.getProperty("os.name") + " on " + arch);
    }
    Native.register(Kernel.class, "c");
  }

  private Kernel() {}

  /** How many system calls this class has made since the program began. */
  public static long calls() {
    return CALLS.get();
  }

  private static native int open(String path, int flags, int mode);

  private static native int close(int fd);

  private static native int fcntl(int fd, int command, Pointer lock);

  private static native int fchmod(int fd, int mode);

  private static native int poll(Pointer fds, long count, int millis);

  private static native int fchown(int fd, int uid, int gid);

  private static native int mkfifo(String path, int mode);

  private static native int unlink(String path);

  private static native int rename(String from, String to);

  private static native int mkdir(String path, int mode);

  private static native int chmod(String path, int mode);

  private static native int chown(String path, int uid, int gid);

  private static native int linkat(int fromDir, String from, int toDir, String to, int flags);

  private static native int posix_fallocate(int fd, long from, long length);

  private static native int geteuid();

  private static native int getegid();

  private static native int faccessat(int dir, String path, int mode, int flags);

  private static native int clock_gettime(int clock, Pointer time);

  private static native long syscall(long number, long a, long b, long c, long d, long e, long f);

  /** The error of the thread's last call that returned -1. */
  static int errno() {
    return Native.getLastError();
  }

  static String errorText(int errno) {
    switch (errno) {
      case EPERM: return "operation not permitted";
      case ENOENT: return "no such file or directory";
      case EACCES: return "permission denied";
      case EEXIST: return "file exists";
      case ENOTDIR: return "not a directory";
      case EMFILE: return "too many open files";
      case EROFS: return "read-only file system";
      case ENOSPC: return "no space left on device";
      case EDQUOT: return "disk quota exceeded";
      case ELOOP: return "a link, where none may be";
      default: return "errno " + errno;
    }
  }

  /** An error of a system call as an exception; what is a noun phrase. */
  static RingcastException failure(String what, int errno) {
    switch (errno) {
      case EACCES:
      case EPERM:
        return new RingcastException(Reason.PERMISSION, what + ": " + errorText(errno) + ": run as the owner of the domain or in its group");
      case ENOENT:
        return new RingcastException(Reason.NOT_FOUND, what + ": " + errorText(errno));
      case ENOTDIR:
        return new RingcastException(Reason.NOT_OURS, what + ": " + errorText(errno)
            + ": move it out of the way, or choose a directory that you may write with RINGCAST_SHM_DIR");
      case ENOSPC:
      case EDQUOT:
        return new RingcastException(Reason.NO_SPACE, what + ": " + errorText(errno) + ": free some, or ask for a smaller ring");
      default:
        return new RingcastException(Reason.SYSTEM, what + ": " + errorText(errno));
    }
  }

  /** The same of what was tried with a path; where rights are wanting it says who refuses. */
  static RingcastException failure(String what, String path, int errno) {
    return errno == EACCES ? Refusal.of(what, path) : failure(what + " " + path, errno);
  }

  private static void count() {
    CALLS.getAndIncrement();
  }

  /** Opens a file and returns its descriptor, or the error as a negative number. */
  static int openFile(String path, int flags, int mode) {
    for (;;) {
      count();
      int fd = open(path, flags | O_CLOEXEC, mode);
      if (fd >= 0) {
        return fd;
      }
      int errno = errno();
      if (errno != EINTR) {
        return -errno;
      }
    }
  }

  static void closeFile(int fd) {
    count();
    close(fd);
  }

  /** Takes (type 0 shared, 1 exclusive) or gives up (2) one byte, without waiting; false if others hold it. */
  static boolean lock(int fd, long at, int type) {
    try (Memory flock = flock(type, at)) {
      for (;;) {
        count();
        if (fcntl(fd, F_OFD_SETLK, flock) == 0) {
          return true;
        }
        int errno = errno();
        if (errno == EAGAIN || errno == EACCES) {
          return false;
        }
        if (errno != EINTR) {
          throw failure("lock byte " + at, errno);
        }
      }
    }
  }

  /** Whether another description holds the byte exclusively; true, too, if the kernel does not say. */
  static boolean lockedExclusively(int fd, long at) {
    try (Memory flock = flock(0, at)) {
      count();
      return fcntl(fd, F_OFD_GETLK, flock) != 0 || flock.getShort(0) != 2;
    }
  }

  private static Memory flock(int type, long at) {
    Memory m = new Memory(32);
    m.clear();
    m.setShort(0, (short) type);
    m.setLong(8, at);
    m.setLong(16, 1);
    return m;
  }

  static void mode(int fd, int mode, String path) {
    count();
    if (fchmod(fd, mode) != 0) {
      throw failure("rights of " + path, errno());
    }
  }

  static void owner(int fd, int uid, int gid, String path) {
    count();
    if (fchown(fd, uid, gid) != 0) {
      throw failure("owner of " + path, errno());
    }
  }

  static int makeFifo(String path, int mode) {
    count();
    return mkfifo(path, mode) == 0 ? 0 : errno();
  }

  /** Returns 0 or the error. */
  public static int remove(String path) {
    count();
    return unlink(path) == 0 ? 0 : errno();
  }

  /** Returns 0 or the error. */
  public static int move(String from, String to) {
    count();
    return rename(from, to) == 0 ? 0 : errno();
  }

  /** Gives a directory its name, where nobody has that name; returns 0 or the error. */
  static int moveToNew(String from, String to) {
    try (Memory a = text(from); Memory b = text(to)) {
      count();
      long r = syscall(SYS_RENAMEAT2, AT_FDCWD, Pointer.nativeValue(a), AT_FDCWD, Pointer.nativeValue(b), 1, 0);
      return r == 0 ? 0 : errno();
    }
  }

  static int makeDirectory(String path, int mode) {
    count();
    return mkdir(path, mode) == 0 ? 0 : errno();
  }

  static int modeOfPath(String path, int mode) {
    count();
    return chmod(path, mode) == 0 ? 0 : errno();
  }

  static int ownerOfPath(String path, int uid, int gid) {
    count();
    return chown(path, uid, gid) == 0 ? 0 : errno();
  }

  /** Gives a file without a name one; returns 0 or the error. */
  static int link(int fd, String path) {
    count();
    return linkat(AT_FDCWD, "/proc/self/fd/" + fd, AT_FDCWD, path, 0x400) == 0 ? 0 : errno();
  }

  /** Reserves a file's pages; returns 0 or the error. */
  static int reserve(int fd, long size) {
    for (;;) {
      count();
      int errno = posix_fallocate(fd, 0, size);
      if (errno != EINTR) {
        return errno;
      }
    }
  }

  static int userId() {
    count();
    return geteuid();
  }

  static int groupId() {
    count();
    return getegid();
  }

  /** Whether the effective user may search a directory. */
  static boolean searchable(String directory) {
    count();
    return faccessat(AT_FDCWD, directory, X_OK, AT_EACCESS) == 0;
  }

  private static Memory text(String s) {
    Memory m = new Memory(4L * s.length() + 1);
    m.setString(0, s, "UTF-8");
    return m;
  }

  /** What the kernel knows of an open file, or of a path that may be a link; null if there is none. */
  static FileStatus status(int fd, String path) {
    try (Memory out = new Memory(256)) {
      int errno = statx(fd, path, out);
      if (errno == ENOENT) {
        return null;
      }
      if (errno != 0) {
        throw path.isEmpty() ? failure("status of a file", errno) : failure("look at", path, errno);
      }
      return status(out);
    }
  }

  /** The same of a path; null also for any error. */
  static FileStatus statusOrNull(String path) {
    try (Memory out = new Memory(256)) {
      return statx(-1, path, out) == 0 ? status(out) : null;
    }
  }

  /** Returns 0 or the error. */
  private static int statx(int fd, String path, Memory out) {
    try (Memory name = text(path)) {
      count();
      long flags = path.isEmpty() ? 0x1000 : 0x100; // AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
      long dir = path.isEmpty() ? fd : AT_FDCWD;
      long r = syscall(SYS_STATX, dir, Pointer.nativeValue(name), flags, 0x7ff, Pointer.nativeValue(out), 0);
      return r == 0 ? 0 : errno();
    }
  }

  private static FileStatus status(Memory out) {
    return new FileStatus(out.getShort(28) & 0xffff, out.getInt(20), out.getInt(24), out.getLong(32), out.getLong(40),
        out.getLong(48) * 512, (long) out.getInt(136) << 32 | out.getInt(140) & 0xffffffffL);
  }

  /** The kernel's monotonic clock in nanoseconds. */
  static long monotonic() {
    try (Memory time = new Memory(16)) {
      count();
      if (clock_gettime(1, time) != 0) {
        throw failure("clock", errno());
      }
      return time.getLong(0) * 1_000_000_000L + time.getLong(8);
    }
  }

  /** The address of a mapped or direct buffer's first byte. */
  static long address(ByteBuffer buffer) {
    return Pointer.nativeValue(Native.getDirectBufferPointer(buffer));
  }

  private static final ThreadLocal<Memory> TIME = ThreadLocal.withInitial(() -> new Memory(16));

  /** Sleeps while the word at the address is value, at most so long. Comes back early for any reason. */
  static void futexWait(long address, int value, long nanos) {
    Memory time = TIME.get();
    time.setLong(0, nanos / 1_000_000_000L);
    time.setLong(8, nanos % 1_000_000_000L);
    count();
    syscall(SYS_FUTEX, address, 0, value & 0xffffffffL, Pointer.nativeValue(time), 0, 0);
  }

  /** Wakes all that sleep at the address; whether there was anybody. */
  static boolean futexWake(long address) {
    count();
    return syscall(SYS_FUTEX, address, 1, Integer.MAX_VALUE, 0, 0, 0) > 0;
  }

  /** Waits until the other end of a pipe hangs up, or so many milliseconds; says of each whether it did. */
  static boolean[] awaitHangUp(int[] fds, int millis) {
    boolean[] hungUp = new boolean[fds.length];
    if (fds.length == 0) {
      Clock.pause(millis * 1_000_000L);
      return hungUp;
    }
    try (Memory all = new Memory(8L * fds.length)) {
      for (int i = 0; i < fds.length; i++) {
        all.setInt(8L * i, fds[i]);
        all.setInt(8L * i + 4, 0); // POLLHUP comes unasked
      }
      count();
      if (poll(all, fds.length, millis) > 0) {
        for (int i = 0; i < fds.length; i++) {
          hungUp[i] = all.getShort(8L * i + 6) != 0;
        }
      }
    }
    return hungUp;
  }

  /** Registers this process, once, for the fences of those who go to sleep; false where that is not allowed. */
  public static boolean registersForMembarrier() {
    return Registered.YES;
  }

  private static final class Registered {
    static final boolean YES = register();

    private static boolean register() {
      count();
      long have = syscall(SYS_MEMBARRIER, 0, 0, 0, 0, 0, 0); // MEMBARRIER_CMD_QUERY
      count();
      return have > 0 && (have & 6) == 6 && syscall(SYS_MEMBARRIER, 4, 0, 0, 0, 0, 0) == 0; // MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED
    }
  }

  /** Has every process that registered for it pass a full fence; false where that is not allowed. */
  public static boolean membarrier() {
    count();
    return syscall(SYS_MEMBARRIER, 2, 0, 0, 0, 0, 0) == 0; // MEMBARRIER_CMD_GLOBAL_EXPEDITED
  }
}
