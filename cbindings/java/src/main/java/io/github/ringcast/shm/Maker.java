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
import java.util.function.Consumer;

/** Builds a segment that has no name yet: spec/segment.md, 3. */
public final class Maker {
  private final String path;
  private final long kind;
  private final long size;
  private final int fixedSize;
  private long id;
  private Rights rights;

  /** A file for this path, with so many bytes, of which the first fixedSize (but for the state line) never change. */
  public Maker(String path, long kind, long size, int fixedSize) {
    this.path = path;
    this.kind = kind;
    this.size = size;
    this.fixedSize = fixedSize;
    id = newId();
  }

  /** A random id, of 60 bits, not 0. */
  public static long newId() {
    for (;;) {
      long id = Hashes.random() >>> STATE_BITS;
      if (id != 0) {
        return id;
      }
    }
  }

  public Maker id(long given) {
    id = given;
    return this;
  }

  public Maker rights(Rights given) {
    rights = given;
    return this;
  }

  /**
   * Builds it, READY and locked. Its pages are reserved: a full file system is an error here.
   *
   * @param mapped how many bytes from the start the result maps
   * @param fill writes the content behind the header
   */
  public Segment build(long mapped, Consumer<ByteBuffer> fill) {
    String directory = Path.of(path).getParent().toString();
    int fd = Kernel.openFile(directory, Kernel.O_TMPFILE | Kernel.O_RDWR, 0600);
    if (fd < 0) {
      throw Kernel.failure("make a file in", directory, -fd);
    }
    boolean kept = false;
    try {
      (rights == null ? Rights.below(path) : rights).give(fd, path);
      MemoryRoom.check(size, path);
      Segment.reserve(fd, size, path);
      if (!Kernel.lock(fd, LockByte.Usage, Segment.SHARED)) {
        throw new RingcastException(Reason.SYSTEM, path + ": a file without a name is locked");
      }
      try (FileChannel file = Segment.channel(fd, true)) {
        MappedByteBuffer words = Segment.map(file, 0, Math.min(mapped, size), true);
        fill.accept(words);
        ByteBuffer fixed = header(words);
        Words.cas(words, SEGMENT_HEADER_STATE_OFFSET, SegmentState.Building, SegmentState.Ready); // pairs(ready)
        Segment s = Segment.built(path, fd, fixed, words);
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

  private ByteBuffer header(ByteBuffer words) {
    words.putLong(SEGMENT_HEADER_MAGIC_OFFSET, MAGIC);
    words.putShort(SEGMENT_HEADER_MAJOR_OFFSET, (short) MAJOR);
    words.putShort(SEGMENT_HEADER_MINOR_OFFSET, (short) MINOR);
    words.putInt(SEGMENT_HEADER_KIND_OFFSET, (int) kind);
    words.putLong(SEGMENT_HEADER_LAYOUT_HASH_OFFSET, LAYOUT_HASH);
    words.putLong(SEGMENT_HEADER_SEGMENT_SIZE_OFFSET, size);
    words.putLong(SEGMENT_HEADER_SEGMENT_ID_OFFSET, id);
    words.putLong(SEGMENT_HEADER_CREATED_NS_OFFSET, Clock.wall());
    words.putInt(SEGMENT_HEADER_FIXED_SIZE_OFFSET, fixedSize);
    words.putLong(SEGMENT_HEADER_BOOT_HASH_OFFSET, Hashes.boot());
    ByteBuffer fixed = ByteBuffer.allocate(fixedSize).order(ByteOrder.LITTLE_ENDIAN);
    fixed.put(0, words, 0, fixedSize);
    int sum = SegmentCheck.checksum(fixed);
    words.putInt(SEGMENT_HEADER_CHECKSUM_OFFSET, sum);
    fixed.putInt(SEGMENT_HEADER_CHECKSUM_OFFSET, sum);
    return fixed;
  }

  /** Opens what is at the path, or makes it: whoever is first; the others open his. */
  public Segment openOrMake(Consumer<ByteBuffer> fill) {
    for (int i = 0; i < 100; i++) {
      try {
        Segment s = Segment.open(path, kind, true, Integer.MAX_VALUE);
        if (!s.retired()) {
          return s;
        }
        s.close();
        throw SegmentCheck.error(Reason.IN_USE, path, "was given up and is still in use");
      } catch (RingcastException e) {
        if (e.reason() != Reason.NOT_FOUND) {
          throw e;
        }
      }
      Segment made = build(Integer.MAX_VALUE, fill);
      if (made.link(path)) {
        return made;
      }
      made.close();
    }
    throw SegmentCheck.error(Reason.IN_USE, path, "comes and goes");
  }
}
