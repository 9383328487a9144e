package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.InHandState;
import io.github.ringcast.fb.SegmentKind;
import io.github.ringcast.fb.TakeState;
import io.github.ringcast.shm.Maker;
import io.github.ringcast.shm.Rights;
import io.github.ringcast.shm.Segment;
import io.github.ringcast.shm.Words;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;

/** The take words and rows of one queue group of one ring: spec/ring.md, 14. For several threads. */
final class GroupFile implements AutoCloseable {
  /** Rows of a file that is made. */
  static final int ROWS = 1024;

  private static final int HEADER = SEGMENT_HEADER_SIZE;
  private static final int FIXED = HEADER + GROUP_HEADER_GATE_OFFSET;
  private static final int TAKES = HEADER + GROUP_HEADER_SIZE;
  private static final int GATE = HEADER + GROUP_HEADER_GATE_OFFSET;
  /** reserved6: the word behind the gate counts reports. */
  private static final int EVENTS = GATE + 8;
  /** reserved0 of a row: the taker's address. */
  private static final int TAKER = IN_HAND_ROW_CORRELATION_OFFSET + 8;

  /** reserved2 of a row: by which a caller speaks to the taker. */
  private static final int CONTROL = TAKER + 16;

  final Ring r;
  final MappedByteBuffer words;
  private final Segment segment;
  private final int rows;

  private GroupFile(Ring ring, Segment file) {
    r = ring;
    segment = file;
    words = file.words();
    rows = rowsStart(ring);
    ByteBuffer fixed = file.fixed();
    boolean right = fixed.limit() == FIXED && file.size() == size(ring)
        && fixed.getLong(HEADER + GROUP_HEADER_RING_ID_OFFSET) == ring.control.id()
        && fixed.getInt(HEADER + GROUP_HEADER_TAKEN_START_OFFSET) == TAKES
        && fixed.getInt(HEADER + GROUP_HEADER_ROWS_START_OFFSET) == rows && fixed.getInt(HEADER + GROUP_HEADER_ROW_COUNT_OFFSET) == ROWS;
    if (!right) {
      file.close();
      throw new RingcastException(Reason.DAMAGED, file.path() + ": impossible places, or of another ring");
    }
  }

  private static int rowsStart(Ring r) {
    return (TAKES + 8 * r.count + 127) & ~127;
  }

  private static long size(Ring r) {
    return rowsStart(r) + (long) ROWS * IN_HAND_ROW_SIZE;
  }

  static String path(Ring r, String path, String group) {
    return path + "." + RingFiles.id(r.control.id()) + "." + group + ".group";
  }

  /** Opens the file of a group, or makes it. */
  static GroupFile openOrMake(Ring r, String path, String group) {
    String name = path(r, path, group);
    Rights own = Rights.ofDirectory(name).like(r.control);
    try {
      return new GroupFile(r, maker(r, name, own).openOrMake(w -> fill(r, w)));
    } catch (RingcastException e) {
      if (e.reason() != Reason.PERMISSION) {
        throw e;
      }
      return new GroupFile(r, maker(r, name, null).openOrMake(w -> fill(r, w))); // not a member of the file's user group
    }
  }

  private static Maker maker(Ring r, String name, Rights rights) {
    return new Maker(name, SegmentKind.RingGroup, size(r), FIXED).rights(rights);
  }

  private static void fill(Ring r, ByteBuffer w) {
    w.putLong(HEADER + GROUP_HEADER_RING_ID_OFFSET, r.control.id());
    w.putInt(HEADER + GROUP_HEADER_TAKEN_START_OFFSET, TAKES);
    w.putInt(HEADER + GROUP_HEADER_ROWS_START_OFFSET, rowsStart(r));
    w.putInt(HEADER + GROUP_HEADER_ROW_COUNT_OFFSET, ROWS);
  }

  /** Opens one that is there; null if it can't be used. */
  static GroupFile ifThere(Ring r, String file) {
    Segment s = null;
    try {
      s = Segment.open(file, SegmentKind.RingGroup, true, Integer.MAX_VALUE);
      return new GroupFile(r, s);
    } catch (RingcastException e) {
      return null;
    }
  }

  static long word(long lap, int row, int state) {
    return Claims.word(lap, row, state);
  }

  long take(long p) {
    return Words.acquire(words, TAKES + 8 * (int) (p & r.mask)); // pairs(take)
  }

  boolean casTake(long p, long expected, long value) {
    return Words.cas(words, TAKES + 8 * (int) (p & r.mask), expected, value); // pairs(take)
  }

  /** Whether a take word says that the position of this lap needs nothing more. */
  static boolean settled(long word, long lap) {
    long is = Claims.lap(word);
    int state = Claims.state(word);
    return is > lap || is == lap && (state == TakeState.Done || state == TakeState.Started);
  }

  long gate() {
    return Words.acquire(words, GATE);
  }

  boolean casGate(long expected, long value) {
    return Words.cas(words, GATE, expected, value);
  }

  long events() {
    return Words.acquire(words, EVENTS); // pairs(report)
  }

  private int row(int i) {
    return rows + i * IN_HAND_ROW_SIZE;
  }

  long rowState(int i) {
    return Words.acquire(words, row(i) + IN_HAND_ROW_STATE_OFFSET); // pairs(row)
  }

  boolean casRow(int i, long expected, long value) {
    return Words.cas(words, row(i) + IN_HAND_ROW_STATE_OFFSET, expected, value); // pairs(row)
  }

  long hand(int i) {
    return Words.acquire(words, row(i) + IN_HAND_ROW_POSITION_OFFSET); // pairs(hand)
  }

  void setHand(int i, long value) {
    Words.setSequential(words, row(i) + IN_HAND_ROW_POSITION_OFFSET, value); // pairs(hand)
  }

  boolean casHand(int i, long expected, long value) {
    return Words.cas(words, row(i) + IN_HAND_ROW_POSITION_OFFSET, expected, value); // pairs(hand)
  }

  static long hand(long position, int state) {
    return position << 2 | state;
  }

  /** Before a started position is passed: its row says that it is in hand. */
  void confirm(int row, long p) {
    if (row < ROWS) {
      casHand(row, hand(p, InHandState.Unconfirmed), hand(p, InHandState.Confirmed));
    }
  }

  void writeTaker(int i, long address0, long address1) {
    Words.setRelaxed(words, row(i) + TAKER, address0);
    Words.setRelaxed(words, row(i) + TAKER + 8, address1);
  }

  void writeMessage(int i, long source0, long source1, long sequence) {
    Words.setRelaxed(words, row(i) + IN_HAND_ROW_CALLER_OFFSET, source0);
    Words.setRelaxed(words, row(i) + IN_HAND_ROW_CALLER_OFFSET + 8, source1);
    Words.setRelaxed(words, row(i) + IN_HAND_ROW_CORRELATION_OFFSET, sequence);
  }

  long control(int i) {
    return Words.acquire(words, row(i) + CONTROL); // pairs(control)
  }

  void setControl(int i, long value) {
    Words.setRelaxed(words, row(i) + CONTROL, value);
  }

  boolean casControl(int i, long expected, long value) {
    return Words.cas(words, row(i) + CONTROL, expected, value); // pairs(control)
  }

  /** The caller of what is in a row's hand, its correlation and its taker: words of the row, unchecked. */
  long rowWord(int i, int offset) {
    return Words.relaxed(words, row(i) + offset);
  }

  static final int CALLER = IN_HAND_ROW_CALLER_OFFSET;
  static final int CORRELATION = IN_HAND_ROW_CORRELATION_OFFSET;
  static final int TAKER_OF_ROW = TAKER;

  void tell(int i, Received out) {
    out.type = Received.ABANDONED;
    out.taker0 = Words.relaxed(words, row(i) + TAKER);
    out.taker1 = Words.relaxed(words, row(i) + TAKER + 8);
    out.source0 = Words.relaxed(words, row(i) + IN_HAND_ROW_CALLER_OFFSET);
    out.source1 = Words.relaxed(words, row(i) + IN_HAND_ROW_CALLER_OFFSET + 8);
    out.first = Words.relaxed(words, row(i) + IN_HAND_ROW_CORRELATION_OFFSET);
    out.last = out.first;
    out.count = 1;
    out.position = hand(i) >>> 2;
  }

  /** Takes back the rows of all owners that are dead; a system call for each other participant that has one. */
  void reportDead() {
    java.util.BitSet asked = new java.util.BitSet();
    asked.set(r.me);
    for (int i = 0; i < ROWS; i++) {
      long state = rowState(i);
      int owner = Entries.participant(state);
      if (GroupRecovery.named(state) && !asked.get(owner)) {
        asked.set(owner);
        GroupRecovery.rows(r, words, TAKES, rows, ROWS, owner);
      }
    }
  }

  @Override
  public void close() {
    segment.close();
  }
}
