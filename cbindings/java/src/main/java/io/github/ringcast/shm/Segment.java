package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.LockByte;
import io.github.ringcast.fb.SegmentState;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * One mapped file, held by a shared lock on its byte Usage: spec/segment.md, 2 and 3.
 *
 * <p>A mapping stays until the garbage collector finds nobody who could look at it: bytes that a
 * caller kept can be read after {@link #close}, and are never a fault.
 *
 * <p>Opening and closing are for one thread; the words may be used by all.
 */
public final class Segment implements AutoCloseable {
  static final int SHARED = 0;
  static final int EXCLUSIVE = 1;
  static final int UNLOCK = 2;
  private static final long PATIENCE = 200_000_000L;
  private static final long REPLACING = 20_000_000L;
  private static final long LOOK = 500_000L;

  /** Where it was found; a file that has no name yet gets it by {@link #link}. */
  private String path;
  private final FileStatus status;
  private final long id;
  private final boolean writable;
  private final MappedByteBuffer words;
  private final ByteBuffer fixed;
  private int fd;

  private Segment(String path, int fd, FileStatus status, ByteBuffer fixed, boolean writable, MappedByteBuffer words) {
    this.path = path;
    this.fd = fd;
    this.status = status;
    this.fixed = fixed;
    this.id = fixed.getLong(SEGMENT_HEADER_SEGMENT_ID_OFFSET);
    this.writable = writable;
    this.words = words;
  }

  /**
   * Opens a file and waits up to 200 ms for who is removing it. A file that is retired and in use is
   * returned after 20 ms: {@link #retired} tells. Blocks, allocates, makes system calls.
   *
   * @param mapped how many bytes from the start are wanted in {@link #words}
   */
  public static Segment open(String path, long kind, boolean writable, long mapped) {
    long began = Clock.now();
    for (;;) {
      Segment s = tryOpen(path, kind, writable, mapped);
      long waited = Clock.now() - began;
      if (s != null) {
        boolean stale = s.ofAnotherBoot();
        if (!stale && !s.retired()) {
          return s;
        }
        if (writable && s.removeFile()) {
          continue; // looked for again: not found, or another's
        }
        if (!stale && waited > REPLACING) {
          if (s.lockShared()) {
            return s;
          }
          s.close();
          return tryAgain(path, kind, writable, mapped);
        }
        s.close();
      }
      if (waited > PATIENCE) {
        throw SegmentCheck.error(Reason.IN_USE, path, "somebody is removing it and does not go on, or another machine uses it");
      }
      Clock.pause(LOOK);
    }
  }

  private static Segment tryAgain(String path, long kind, boolean writable, long mapped) {
    Segment s = tryOpen(path, kind, writable, mapped);
    if (s == null) {
      throw SegmentCheck.error(Reason.IN_USE, path, "somebody is removing it");
    }
    return s;
  }

  /** One attempt; null if a remover holds it. */
  private static Segment tryOpen(String path, long kind, boolean writable, long mapped) {
    int access = writable ? Kernel.O_RDWR : Kernel.O_RDONLY;
    int fd = Kernel.openFile(path, access | Kernel.O_NOFOLLOW | Kernel.O_NONBLOCK | Kernel.O_NOCTTY, 0);
    if (fd < 0) {
      if (fd == -Kernel.ENOENT || fd == -Kernel.EACCES || fd == -Kernel.EPERM) {
        throw Kernel.failure("open", path, -fd);
      }
      throw SegmentCheck.error(Reason.NOT_OURS, path, Kernel.errorText(-fd));
    }
    boolean kept = false;
    try {
      FileStatus status = Kernel.status(fd, "");
      if (!status.regular()) {
        throw SegmentCheck.error(Reason.NOT_OURS, path, "not a regular file");
      }
      try (FileChannel file = channel(fd, writable)) {
        ByteBuffer fixed = SegmentCheck.read(file, status.size, kind, path);
        if (writable && status.reserved < status.size) {
          reserve(fd, status.size, path);
        }
        if (!Kernel.lock(fd, LockByte.Usage, SHARED)) {
          return null;
        }
        MappedByteBuffer words = map(file, 0, Math.min(mapped, status.size), writable);
        Segment s = new Segment(path, fd, status, fixed, writable, words);
        s.checkState();
        kept = true;
        return s;
      }
    } catch (IOException e) {
      throw new RingcastException(Reason.SYSTEM, path + ": " + e.getMessage(), e);
    } finally {
      if (!kept) {
        Kernel.closeFile(fd);
      }
    }
  }

  private void checkState() {
    long state = state(); // pairs(ready)
    if ((state & STATE_MASK) != SegmentState.Ready && (state & STATE_MASK) != SegmentState.Retired) {
      throw SegmentCheck.error(Reason.DAMAGED, path, "state " + Long.toHexString(state));
    }
  }

  private boolean ofAnotherBoot() {
    long theirs = fixed.getLong(SEGMENT_HEADER_BOOT_HASH_OFFSET);
    long ours = Hashes.boot();
    return theirs != 0 && ours != 0 && theirs != ours;
  }

  static void reserve(int fd, long size, String path) {
    int errno = Kernel.reserve(fd, size);
    if (errno != 0) {
      throw Kernel.failure(path + ": " + size + " bytes", errno);
    }
  }

  static FileChannel channel(int fd, boolean writable) throws IOException {
    Path p = Path.of("/proc/self/fd/" + fd);
    return FileChannel.open(p, writable ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE) : Set.of(StandardOpenOption.READ));
  }

  static MappedByteBuffer map(FileChannel file, long from, long length, boolean writable) throws IOException {
    MappedByteBuffer bytes = file.map(writable ? FileChannel.MapMode.READ_WRITE : FileChannel.MapMode.READ_ONLY, from, length);
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    return bytes;
  }

  static Segment built(String path, int fd, ByteBuffer fixed, MappedByteBuffer words) {
    return new Segment(path, fd, Kernel.status(fd, ""), fixed, true, words);
  }

  /** Maps another part of the file: at most 2 GiB. Allocates; makes system calls. */
  public MappedByteBuffer map(long from, long length) {
    try (FileChannel file = channel(fd, writable)) {
      return map(file, from, length, writable);
    } catch (IOException e) {
      throw new RingcastException(Reason.SYSTEM, path + ": map: " + e.getMessage(), e);
    }
  }

  /** The mapped bytes from the start on. */
  public MappedByteBuffer words() {
    return words;
  }

  /** A private copy of the bytes that never change; geometry is read from here. */
  public ByteBuffer fixed() {
    return fixed;
  }

  public String path() {
    return path;
  }

  public long id() {
    return id;
  }

  /**
   * Fails where the file has lost bytes. The virtual machine tells of a load beyond the end some time later, and meanwhile
   * the load gives anything, a zero as a rule; it ends itself at a compare-and-swap there. A system call.
   */
  public void checkWhole() {
    FileStatus now = Kernel.status(fd, "");
    if (now == null || now.size < status.size) {
      throw new RingcastException(Reason.DAMAGED, path + " was cut off: it had " + status.size + " bytes");
    }
  }

  public long size() {
    return status.size;
  }

  /** What kind of file it was when it was opened: mode, owner, group. */
  FileStatus status() {
    return status;
  }

  int descriptor() {
    return fd;
  }

  /** The state word. */
  public long state() {
    return Words.acquire(words, SEGMENT_HEADER_STATE_OFFSET); // pairs(ready), pairs(seal)
  }

  /** Whether it was given up. */
  public boolean retired() {
    return (state() & STATE_MASK) == SegmentState.Retired;
  }

  /** Swaps the state word. */
  public boolean casState(long expected, long value) {
    return Words.cas(words, SEGMENT_HEADER_STATE_OFFSET, expected, value); // pairs(seal)
  }

  /** Whether the path still leads to this file. */
  public boolean hasItsName() {
    return status.sameFile(Kernel.status(-1, path));
  }

  /** Gives a file that was built without a name this one; false if somebody else has it. */
  public boolean link(String name) {
    int errno = Kernel.link(fd, name);
    if (errno == Kernel.EEXIST) {
      return false;
    }
    if (errno != 0) {
      throw Kernel.failure("name", name, errno);
    }
    path = name;
    return true;
  }

  /** Says that the file has another name by now. */
  public void renamed(String name) {
    path = name;
  }

  /** Takes the shared lock (again); false if a remover holds it. */
  public boolean lockShared() {
    return Kernel.lock(fd, LockByte.Usage, SHARED);
  }

  /** Gives the own lock up, before a removal. */
  public void unlock() {
    Kernel.lock(fd, LockByte.Usage, UNLOCK);
  }

  /**
   * Takes the file away if nobody else uses it, by the remover's rule, and closes it then. Otherwise
   * it stays open, without its lock, and false is returned.
   */
  public boolean removeFile() {
    if (!removeAlone(() -> true)) {
      return false;
    }
    close();
    return true;
  }

  /** The same, if the condition holds behind the exclusive lock. The segment stays open. */
  public boolean removeAlone(java.util.function.BooleanSupplier condition) {
    unlock();
    if (!Kernel.lock(fd, LockByte.Usage, EXCLUSIVE)) {
      return false;
    }
    try {
      if (!hasItsName()) {
        return true; // it is another's
      }
      if (!condition.getAsBoolean()) {
        return false;
      }
      for (long state = state(); ; state = state()) {
        if (casState(state, state & ~(long) STATE_MASK | SegmentState.Retired)) {
          break;
        }
      }
      Kernel.remove(path);
      return true;
    } finally {
      unlock();
    }
  }

  /** Gives the lock up and closes the file. Twice is fine. */
  @Override
  public void close() {
    if (fd >= 0) {
      Kernel.closeFile(fd);
      fd = -1;
    }
  }
}
