package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.shm.Kernel;
import io.github.ringcast.shm.Words;

/** Waking those who sleep on a ring, and saying that one sleeps: spec/ring.md, 12. */
final class Wake {
  static final int READER_SUMMARY = Shape.CONTROL + RING_CONTROL_READER_SUMMARY_OFFSET;
  private static final int READER_MASKS = Shape.CONTROL + RING_CONTROL_READER_MASK0_OFFSET;
  private static final int READER_WORDS = ENTRY_COUNT / 64;
  private static final int ROOM_SUMMARY = Shape.CONTROL + RING_CONTROL_ROOM_SUMMARY_OFFSET;
  private static final int ROOM_MASKS = Shape.CONTROL + RING_CONTROL_ROOM_MASK0_OFFSET;
  private static final int ROOM_WORDS = PARTICIPANT_COUNT / 64;

  private Wake() {}

  /** After a change that readers wait for. */
  static void readers(Ring r) {
    if (Words.sequential(r.words, READER_SUMMARY) != 0) { // pairs(reader-mask)
      readersNow(r);
    }
  }

  /** Whether some reader of the ring may sleep. */
  static boolean readersSleep(Ring r) {
    return Words.sequential(r.words, READER_SUMMARY) != 0; // pairs(reader-mask)
  }

  static void readersNow(Ring r) {
    long summary = Words.swap(r.words, READER_SUMMARY, 0); // pairs(reader-mask)
    for (int i = 0; i < READER_WORDS; i++) {
      if ((summary >>> i & 1) != 0) {
        long bits = Words.swap(r.words, READER_MASKS + 8 * i, 0); // pairs(reader-mask)
        for (; bits != 0; bits &= bits - 1) {
          ring(r, Entries.participant(r.entryState(64 * i + Long.numberOfTrailingZeros(bits))));
        }
      }
    }
  }

  /** Whether some producer of the ring may sleep. */
  static boolean producersSleep(Ring r) {
    return Words.sequential(r.words, ROOM_SUMMARY) != 0; // pairs(room-mask)
  }

  /** After a change that producers wait for. */
  static void producers(Ring r) {
    if (Words.sequential(r.words, ROOM_SUMMARY) == 0) { // pairs(room-mask)
      return;
    }
    long summary = Words.swap(r.words, ROOM_SUMMARY, 0); // pairs(room-mask)
    for (int i = 0; i < ROOM_WORDS; i++) {
      if ((summary >>> i & 1) != 0) {
        long bits = Words.swap(r.words, ROOM_MASKS + 8 * i, 0); // pairs(room-mask)
        for (; bits != 0; bits &= bits - 1) {
          ring(r, 64 * i + Long.numberOfTrailingZeros(bits));
        }
      }
    }
  }

  private static void ring(Ring r, int participant) {
    r.count(RING_CONTROL_WAKES_OFFSET);
    r.table.ring(participant);
  }

  /** Says that an entry's reader is about to sleep; false if it may only sleep for a millisecond. */
  static boolean reader(Ring r, int entry) {
    Words.or(r.words, READER_MASKS + 8 * (entry / 64), 1L << entry % 64); // pairs(reader-mask)
    Words.or(r.words, READER_SUMMARY, 1L << entry / 64); // pairs(reader-mask)
    long flags = Words.sequential(r.words, Shape.CONTROL + RING_CONTROL_OWNER_FLAGS_OFFSET); // pairs(reader-mask)
    return (flags & 1) == 0 || Kernel.membarrier();
  }

  /** Says that this participant is about to sleep for want of room. */
  static void room(Ring r) {
    if (r.me < ROOM_WORDS * 64) { // who has no bit looks again every 10 ms
      Words.or(r.words, ROOM_MASKS + 8 * (r.me / 64), 1L << r.me % 64); // pairs(room-mask)
      Words.or(r.words, ROOM_SUMMARY, 1L << r.me / 64); // pairs(room-mask)
    }
  }
}
