package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.SegmentKind;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The directory segment: what the forwarder knows of other nodes: spec/segment.md, 8. Made here if nobody did. It is read anew only
 * when it changed. Safe for use by several threads, but for {@link #close}.
 */
final class Remote implements AutoCloseable {
  private static final int BODY = SEGMENT_HEADER_SIZE;
  private static final int VERSION = BODY + DIRECTORY_HEADER_VERSION_OFFSET;
  /** How long a reader looks at an odd version. */
  private static final long PATIENCE = 5_000_000;
  private static final long LOOK = 50_000;

  private final Segment segment;
  private final int start;
  private final int room;

  /** What was read last; null: it could not be. */
  private record Known(long version, RemoteDirectory directory) { }

  private volatile Known known = new Known(-1, null);

  Remote(String directory) {
    segment = new Maker(directory + "/directory", SegmentKind.Directory, PAGE_SIZE + (long) DIRECTORY_AREA_SIZE, VERSION)
        .openOrMake(w -> {
          w.putInt(BODY + DIRECTORY_HEADER_AREA_START_OFFSET, PAGE_SIZE);
          w.putInt(BODY + DIRECTORY_HEADER_AREA_SIZE_OFFSET, DIRECTORY_AREA_SIZE);
        });
    ByteBuffer fixed = segment.fixed();
    boolean whole = fixed.limit() >= VERSION && segment.words().limit() >= BODY + DIRECTORY_HEADER_SIZE;
    int from = whole ? fixed.getInt(BODY + DIRECTORY_HEADER_AREA_START_OFFSET) : 0;
    int size = whole ? fixed.getInt(BODY + DIRECTORY_HEADER_AREA_SIZE_OFFSET) : 0;
    boolean good = from >= BODY + DIRECTORY_HEADER_SIZE && from % 8 == 0 && size >= 0 && size % 8 == 0 && from <= segment.words().limit() - size;
    start = good ? from : 0;
    room = good ? size : 0;
  }

  /** Changes with what stands there. */
  long version() {
    return room == 0 ? 0 : Words.acquire(segment.words(), VERSION); // pairs(directory)
  }

  /** What stands there; null where it can't be read: it is being written, or is not what it should be. Waits up to 5 ms. */
  RemoteDirectory read() {
    long version = version(); // what is known of this version is as of it
    Known k = known;
    if (k.version == version) {
      return k.directory;
    }
    long began = Clock.now();
    for (;;) {
      Known fresh = look();
      if (fresh != null) {
        known = fresh;
        return fresh.directory;
      }
      if (Clock.now() - began > PATIENCE) {
        return null;
      }
      Clock.pause(LOOK);
    }
  }

  /** One look; null: it changed meanwhile. */
  private Known look() {
    long version = version();
    if ((version & 1) != 0) {
      return null;
    }
    if (room == 0) {
      return new Known(version, null);
    }
    ByteBuffer w = segment.words();
    int size = Words.intRelaxed(w, BODY + DIRECTORY_HEADER_TABLE_SIZE_OFFSET);
    ByteBuffer copy = null;
    if (size >= 0 && size <= room) {
      copy = ByteBuffer.allocate(size + 7 & ~7).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < size; i += 8) {
        copy.putLong(i, Words.relaxed(w, start + i));
      }
    }
    VarHandle.acquireFence();
    if (Words.relaxed(w, VERSION) != version) { // pairs(directory)
      return null;
    }
    return new Known(version, copy == null ? null : size == 0 ? RemoteDirectory.EMPTY : parsed(copy.array()));
  }

  private static RemoteDirectory parsed(byte[] bytes) {
    try {
      return RemoteDirectory.parse(bytes);
    } catch (RuntimeException e) {
      return null; // an offset that leads out of the bytes, or a name that is none
    }
  }

  @Override
  public void close() {
    segment.close();
  }
}
