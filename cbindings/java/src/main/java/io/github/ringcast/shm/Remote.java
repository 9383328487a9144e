package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.SegmentKind;

/** The directory segment: what the forwarder knows of other nodes. Made here if nobody did; not read. */
final class Remote {
  private static final int BODY = SEGMENT_HEADER_SIZE;

  private Remote() {}

  static void make(String directory) {
    new Maker(directory + "/directory", SegmentKind.Directory, PAGE_SIZE + (long) DIRECTORY_AREA_SIZE, BODY + DIRECTORY_HEADER_VERSION_OFFSET)
        .openOrMake(w -> {
          w.putInt(BODY + DIRECTORY_HEADER_AREA_START_OFFSET, PAGE_SIZE);
          w.putInt(BODY + DIRECTORY_HEADER_AREA_SIZE_OFFSET, DIRECTORY_AREA_SIZE);
        }).close();
  }
}
