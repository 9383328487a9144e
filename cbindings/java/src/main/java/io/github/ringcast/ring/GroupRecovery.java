package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.EntryMode;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.InHandState;
import io.github.ringcast.fb.RowState;
import io.github.ringcast.fb.SegmentKind;
import io.github.ringcast.fb.TakeState;
import io.github.ringcast.shm.Segment;
import io.github.ringcast.shm.Words;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;

/** What a dead member of a queue group had in hand is left to be told of: spec/ring.md, 14. */
final class GroupRecovery {
  static final int HEADER = SEGMENT_HEADER_SIZE;
  static final int FIXED = HEADER + GROUP_HEADER_GATE_OFFSET;
  /** The word behind the gate counts reports. */
  static final int EVENTS = GROUP_HEADER_GATE_OFFSET + 8;

  private GroupRecovery() {}

  /** Goes through the rows of all groups of a ring; false if a file could not be opened or dead lives. */
  static boolean rows(Ring r, String path, int dead) {
    File p = new File(path);
    String prefix = p.getName() + "." + RingFiles.id(r.control.id()) + ".";
    for (String name : Recovery.names(p.getParent(), ".group")) {
      if (name.startsWith(prefix) && !file(r, p.getParent() + "/" + name, dead)) {
        return false;
      }
    }
    return true;
  }

  private static boolean file(Ring r, String path, int dead) {
    Segment group;
    try {
      group = Segment.open(path, SegmentKind.RingGroup, true, Integer.MAX_VALUE);
    } catch (RingcastException e) {
      return e.reason() != Reason.PERMISSION && e.reason() != Reason.IN_USE;
    }
    try {
      ByteBuffer fixed = group.fixed();
      if (fixed.limit() < FIXED) {
        return true; // damaged: nobody can use it
      }
      long taken = fixed.getInt(HEADER + GROUP_HEADER_TAKEN_START_OFFSET);
      long start = fixed.getInt(HEADER + GROUP_HEADER_ROWS_START_OFFSET);
      long count = fixed.getInt(HEADER + GROUP_HEADER_ROW_COUNT_OFFSET);
      boolean possible = taken >= FIXED && taken % 8 == 0 && taken + 8L * r.count <= group.size() && start >= FIXED && start % 8 == 0
          && count >= 0 && count <= 65536 && start + count * IN_HAND_ROW_SIZE <= group.size();
      return !possible || rows(r, group.words(), (int) taken, (int) start, (int) count, dead);
    } finally {
      group.close();
    }
  }

  static boolean rows(Ring r, MappedByteBuffer w, int taken, int start, int count, int dead) {
    boolean any = false;
    for (int row = 0; row < count; row++) {
      int at = start + row * IN_HAND_ROW_SIZE;
      for (;;) {
        long state = Words.acquire(w, at + IN_HAND_ROW_STATE_OFFSET); // pairs(row)
        if (Entries.participant(state) != dead || !named(state)) {
          break;
        }
        if (r.table.alive(dead)) {
          return false;
        }
        any = true;
        int next = ((int) state & 0xffff) == RowState.Reported ? RowState.Abandoned : outcome(r, w, taken, at, row);
        if (next >= 0 && Words.cas(w, at + IN_HAND_ROW_STATE_OFFSET, state, state & ~0xffffL | next)) { // pairs(row)
          break;
        }
      }
    }
    if (any) {
      Words.add(w, HEADER + EVENTS, 1); // pairs(report)
      wakeMembers(r);
    }
    return true;
  }

  /** Whether a row's state names its owner. */
  static boolean named(long state) {
    int is = (int) state & 0xffff;
    return is == RowState.Held || is == RowState.Reported;
  }

  /** What becomes of a held row: ABANDONED with something in hand, otherwise FREE; -1 to look again. */
  private static int outcome(Ring r, MappedByteBuffer w, int taken, int at, int row) {
    long hand = Words.acquire(w, at + IN_HAND_ROW_POSITION_OFFSET); // pairs(hand)
    int state = (int) hand & 3;
    if (state == InHandState.Confirmed) {
      return RowState.Abandoned;
    }
    if (state != InHandState.Unconfirmed) {
      return RowState.Free;
    }
    long p = hand >>> 2;
    long started = r.lap(p) << OWNER_BITS + STATE_BITS | (long) row << STATE_BITS | TakeState.Started;
    if (Words.acquire(w, taken + 8 * (int) (p & r.mask)) == started) { // pairs(take)
      Words.cas(w, at + IN_HAND_ROW_POSITION_OFFSET, hand, hand & ~3L | InHandState.Confirmed); // pairs(hand)
      return -1;
    }
    return Words.acquire(w, at + IN_HAND_ROW_POSITION_OFFSET) == hand ? RowState.Free : -1;
  }

  private static void wakeMembers(Ring r) {
    for (int i = 0; i < r.entriesUsed(); i++) {
      long word = r.entryState(i);
      if (Entries.state(word) == EntryState.Active && Words.intRelaxed(r.words, r.entryAt(i) + CONSUMER_ENTRY_MODE_OFFSET) == EntryMode.Member) {
        r.table.ring(Entries.participant(word));
      }
    }
  }

}
