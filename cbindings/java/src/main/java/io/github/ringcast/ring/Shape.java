package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.RingKind;
import io.github.ringcast.fb.RingMode;
import io.github.ringcast.fb.RingPurpose;
import java.nio.ByteBuffer;

/**
 * What a ring is. As what a publisher asks for, a field that is 0 asks for nothing.
 *
 * @param slots how many, a power of two
 * @param payload bytes in a slot, a multiple of 64
 * @param mode of {@link RingMode}
 * @param kind of {@link RingKind}
 * @param history positions that a new subscription may start back
 */
public record Shape(int slots, int payload, int mode, int kind, int history, long commitDeadline, long stallBudget) {
  /** Asks for nothing. */
  public static final Shape ANY = new Shape(0, 0, 0, 0, 0, 0, 0);

  private static final int MOST_SLOTS = 1 << 20;
  private static final long STANDARD_BYTES = 16 << 20; // more does not stay in the caches from one lap of a ring to the next
  private static final long MILLISECOND = 1_000_000;
  private static final long MINUTE = 60_000 * MILLISECOND;
  static final int GEOMETRY = SEGMENT_HEADER_SIZE;
  static final int CONTROL = GEOMETRY + RING_GEOMETRY_SIZE;
  static final int CLAIMS = CONTROL + RING_CONTROL_SIZE;
  static final int SLOTS = PAGE_SIZE;

  /** Refuses what no ring can be, and rounds the slots' size up. */
  public Shape asked() {
    refuseIf(slots != 0 && !possible(slots, mode),
        "slots " + slots + ": want a power of two from " + leastSlots(mode) + " to " + MOST_SLOTS);
    refuseIf(payload < 0 || payload > MAX_SLOT_PAYLOAD, "slot size " + payload + ": want up to " + MAX_SLOT_PAYLOAD + " bytes");
    refuseIf(history < 0 || history > (slots == 0 ? DEFAULT_SLOT_COUNT : slots) / 2, "history " + history + ": want at most half of the slots");
    return new Shape(slots, (payload + 63) & ~63, mode, kind, history, commitDeadline, stallBudget);
  }

  /** Of a Latest ring nobody holds producers back: with few slots they would take claims from each other without end. */
  private static int leastSlots(int mode) {
    return mode == RingMode.Latest ? MIN_LATEST_SLOT_COUNT : MIN_SLOT_COUNT;
  }

  private static boolean possible(int slots, int mode) {
    return slots >= leastSlots(mode) && slots <= MOST_SLOTS && Integer.bitCount(slots) == 1;
  }

  private static void refuseIf(boolean wrong, String what) {
    if (wrong) {
      throw new RingcastException(Reason.INVALID, what);
    }
  }

  /**
   * This, where it asks for something, otherwise the other. Where it asks for another slot size of a topic and for no number
   * of slots, they are the standard number, if the other has that.
   */
  Shape over(Shape other, Purpose purpose) {
    int size = payload != 0 ? payload : other.payload;
    int count = slots;
    if (count == 0) {
      boolean standard = purpose == Purpose.TOPIC && other.slots == standardSlots(other.payload, other.history);
      count = standard ? standardSlots(size, history != 0 ? history : other.history) : other.slots;
    }
    return new Shape(count, size, mode != 0 ? mode : other.mode,
        kind != 0 ? kind : other.kind, history != 0 ? history : Math.min(other.history, count / 2),
        commitDeadline != 0 ? commitDeadline : other.commitDeadline, stallBudget != 0 ? stallBudget : other.stallBudget);
  }

  /** Whether a ring of this shape has what is asked for. */
  boolean has(Shape asked, Purpose purpose) {
    return asked.over(this, purpose).equals(this);
  }

  /**
   * How many slots a topic has where nobody asked for a number: 1024, or as many, a power of two, as carry STANDARD_BYTES
   * together; at least 64, and twice the history.
   */
  private static int standardSlots(int payload, int history) {
    int n = DEFAULT_SLOT_COUNT;
    while (n > MIN_DEFAULT_SLOT_COUNT && n / 4 >= history && (long) n * payload > STANDARD_BYTES) {
      n /= 2;
    }
    return n;
  }

  int stride() {
    return payload + SLOT_HEADER_SIZE;
  }

  /** The largest message in bytes. */
  public int messageLimit() {
    return (int) Math.min((long) slots / 2 * payload, MAX_MESSAGE);
  }

  int entriesStart() {
    return (CLAIMS + 8 * slots + 127) & ~127;
  }

  long controlSize() {
    return entriesStart() + (long) ENTRY_COUNT * CONSUMER_ENTRY_SIZE;
  }

  long dataSize() {
    return SLOTS + (long) slots * stride();
  }

  /** The shape that a control file says it has; refuses what layout 1 does not know. */
  static Shape read(ByteBuffer fixed, long size, String path) {
    if (fixed.limit() != CONTROL) {
      throw damaged(path, "fixed bytes end at " + fixed.limit());
    }
    Shape s = new Shape(fixed.getInt(GEOMETRY + RING_GEOMETRY_SLOT_COUNT_OFFSET), fixed.getInt(GEOMETRY + RING_GEOMETRY_SLOT_PAYLOAD_OFFSET),
        fixed.get(GEOMETRY + RING_GEOMETRY_MODE_OFFSET), fixed.get(GEOMETRY + RING_GEOMETRY_KIND_OFFSET),
        fixed.getInt(GEOMETRY + RING_GEOMETRY_HISTORY_OFFSET), fixed.getLong(GEOMETRY + RING_GEOMETRY_COMMIT_DEADLINE_NS_OFFSET),
        fixed.getLong(GEOMETRY + RING_GEOMETRY_STALL_BUDGET_NS_OFFSET));
    int purpose = fixed.get(GEOMETRY + RING_GEOMETRY_PURPOSE_OFFSET);
    boolean shape = possible(s.slots, s.mode)
        && s.payload >= 64 && s.payload <= MAX_SLOT_PAYLOAD && s.payload % 64 == 0
        && s.mode >= RingMode.Reliable && s.mode <= RingMode.Latest && s.kind >= RingKind.Shared && s.kind <= RingKind.Exclusive
        && purpose >= RingPurpose.Topic && purpose <= RingPurpose.Uplink && s.history >= 0 && s.history <= s.slots / 2
        && s.commitDeadline >= MILLISECOND && s.commitDeadline <= MINUTE
        && s.stallBudget >= 2 * s.commitDeadline && s.stallBudget <= 60 * MINUTE;
    if (!shape) {
      throw damaged(path, "impossible shape");
    }
    boolean places = fixed.getInt(GEOMETRY + RING_GEOMETRY_SLOT_STRIDE_OFFSET) == s.stride()
        && fixed.getInt(GEOMETRY + RING_GEOMETRY_ENTRY_COUNT_OFFSET) == ENTRY_COUNT
        && fixed.getInt(GEOMETRY + RING_GEOMETRY_CLAIMS_START_OFFSET) == CLAIMS
        && fixed.getInt(GEOMETRY + RING_GEOMETRY_ENTRIES_START_OFFSET) == s.entriesStart()
        && fixed.getInt(GEOMETRY + RING_GEOMETRY_SLOTS_START_OFFSET) == SLOTS
        && fixed.getInt(GEOMETRY + RING_GEOMETRY_MESSAGE_LIMIT_OFFSET) == s.messageLimit()
        && fixed.getLong(GEOMETRY + RING_GEOMETRY_DATA_ID_OFFSET) >>> SEGMENT_ID_BITS == 0 && size == s.controlSize();
    if (!places) {
      throw damaged(path, "impossible places");
    }
    return s;
  }

  private static RingcastException damaged(String path, String what) {
    return new RingcastException(Reason.DAMAGED, path + ": " + what);
  }

  /** Writes the geometry of a control file. */
  void write(ByteBuffer w, long dataId, Purpose purpose) {
    w.putInt(GEOMETRY + RING_GEOMETRY_SLOT_COUNT_OFFSET, slots);
    w.putInt(GEOMETRY + RING_GEOMETRY_SLOT_STRIDE_OFFSET, stride());
    w.putInt(GEOMETRY + RING_GEOMETRY_SLOT_PAYLOAD_OFFSET, payload);
    w.putInt(GEOMETRY + RING_GEOMETRY_ENTRY_COUNT_OFFSET, ENTRY_COUNT);
    w.putInt(GEOMETRY + RING_GEOMETRY_CLAIMS_START_OFFSET, CLAIMS);
    w.putInt(GEOMETRY + RING_GEOMETRY_ENTRIES_START_OFFSET, entriesStart());
    w.putInt(GEOMETRY + RING_GEOMETRY_SLOTS_START_OFFSET, SLOTS);
    w.put(GEOMETRY + RING_GEOMETRY_MODE_OFFSET, (byte) mode);
    w.put(GEOMETRY + RING_GEOMETRY_KIND_OFFSET, (byte) kind);
    w.put(GEOMETRY + RING_GEOMETRY_PURPOSE_OFFSET, (byte) purpose.code);
    w.putLong(GEOMETRY + RING_GEOMETRY_DATA_ID_OFFSET, dataId);
    w.putLong(GEOMETRY + RING_GEOMETRY_COMMIT_DEADLINE_NS_OFFSET, commitDeadline);
    w.putLong(GEOMETRY + RING_GEOMETRY_STALL_BUDGET_NS_OFFSET, stallBudget);
    w.putInt(GEOMETRY + RING_GEOMETRY_MESSAGE_LIMIT_OFFSET, messageLimit());
    w.putInt(GEOMETRY + RING_GEOMETRY_HISTORY_OFFSET, history);
  }

  @Override
  public String toString() {
    return slots + " slots of " + payload + " bytes, " + (mode == RingMode.Latest ? "latest" : "reliable") + ", "
        + (kind == RingKind.Exclusive ? "exclusive" : "shared") + (history != 0 ? ", history " + history : "");
  }
}
