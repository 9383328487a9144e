package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32C;

/** The header of a segment, as it is checked before anything is mapped: spec/segment.md, 2. */
final class SegmentCheck {
  static final int LARGEST_FIXED = 65536;
  private static final int STATE_LINE = SEGMENT_HEADER_STATE_OFFSET;

  private SegmentCheck() {}

  /** Reads header and fixed bytes once and checks them (2 to 11); returns the copy. */
  static ByteBuffer read(FileChannel file, long size, long kind, String path) throws IOException {
    ByteBuffer head = bytes(file, (int) Math.min(size, SEGMENT_HEADER_SIZE));
    if (head.limit() < 8 || head.getLong(SEGMENT_HEADER_MAGIC_OFFSET) != MAGIC) {
      throw error(Reason.NOT_OURS, path, "not a segment of Ringcast: leave it alone");
    }
    if (head.limit() < SEGMENT_HEADER_MINOR_OFFSET) {
      throw error(Reason.DAMAGED, path, "ends in its version");
    }
    int major = head.getShort(SEGMENT_HEADER_MAJOR_OFFSET) & 0xffff;
    if (major != MAJOR) {
      throw error(Reason.OTHER_VERSION, path, "layout version " + major + ", this program has " + MAJOR
          + ": end the programs of the other version, or use another directory");
    }
    if (head.limit() < SEGMENT_HEADER_SIZE) {
      throw error(Reason.DAMAGED, path, "ends in its header");
    }
    long told = head.getLong(SEGMENT_HEADER_SEGMENT_SIZE_OFFSET);
    if (told != size) {
      throw error(Reason.DAMAGED, path, "has " + size + " bytes, its header says " + Long.toUnsignedString(told));
    }
    long fixed = head.getInt(SEGMENT_HEADER_FIXED_SIZE_OFFSET) & 0xffffffffL;
    if (fixed < SEGMENT_HEADER_SIZE || fixed > LARGEST_FIXED || fixed > size) {
      throw error(Reason.DAMAGED, path, "fixed bytes end at " + fixed);
    }
    head = bytes(file, (int) fixed);
    if (head.limit() < fixed || head.getInt(SEGMENT_HEADER_CHECKSUM_OFFSET) != checksum(head)) {
      throw error(Reason.DAMAGED, path, "wrong checksum");
    }
    if (head.getLong(SEGMENT_HEADER_LAYOUT_HASH_OFFSET) != LAYOUT_HASH) {
      throw error(Reason.OTHER_VERSION, path, "another layout: end the programs of the other version, or use another directory");
    }
    if (head.getLong(SEGMENT_HEADER_SEGMENT_ID_OFFSET) >>> SEGMENT_ID_BITS != 0) {
      throw error(Reason.DAMAGED, path, "impossible id");
    }
    int is = head.getInt(SEGMENT_HEADER_KIND_OFFSET);
    if (is != kind) {
      throw error(Reason.NOT_OURS, path, "is a segment of kind " + is + ", want " + kind);
    }
    return head;
  }

  private static ByteBuffer bytes(FileChannel file, int n) throws IOException {
    ByteBuffer b = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
    while (b.hasRemaining()) {
      if (file.read(b, b.position()) < 0) {
        break;
      }
    }
    return b.flip().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** CRC-32C of what never changes, the sum itself taken as 0. */
  static int checksum(ByteBuffer head) {
    CRC32C crc = new CRC32C();
    ByteBuffer first = ByteBuffer.allocate(STATE_LINE);
    first.put(0, head, 0, STATE_LINE);
    first.putInt(SEGMENT_HEADER_CHECKSUM_OFFSET, 0);
    crc.update(first);
    ByteBuffer rest = head.duplicate();
    int fixed = head.getInt(SEGMENT_HEADER_FIXED_SIZE_OFFSET);
    crc.update(rest.limit(fixed).position(SEGMENT_HEADER_SIZE));
    return (int) crc.getValue();
  }

  static RingcastException error(Reason reason, String path, String what) {
    return new RingcastException(reason, path + ": " + what);
  }
}
