package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.fb.RingKind;
import io.github.ringcast.fb.RingMode;
import io.github.ringcast.fb.SegmentState;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.Segment;
import io.github.ringcast.shm.Words;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The words and slots of one open ring: spec/ring.md, 2. Geometry was checked and copied; every word
 * is loaded once and then looked at. Several threads may use it; producers and readers on it are each
 * for one.
 */
public final class Ring {
  static final long PAD = 1L << 63;
  private static final long CHUNK = 1L << 30;
  /** Bits of a place in a chunk: slots begin at multiples of 64. */
  private static final int ALIGNED = Integer.MAX_VALUE & -64;

  /** Immutable after opening. */
  final Segment control;
  final Segment data;
  final Shape shape;
  final Participants table;
  final int me;
  final MappedByteBuffer words;
  final int count;
  final long mask;
  final int lapShift;
  final int stride;
  final int payload;
  final boolean exclusive;
  final boolean gated;
  final int entriesStart;
  final MappedByteBuffer[] chunks;
  /** All slots, where they lie in one chunk. */
  private final MappedByteBuffer whole;
  private final int chunkShift;
  private final int chunkMask;
  /** The groups whose gates a producer here has moved, by the word that names their entries. */
  final Map<Long, GroupFile> groups = new ConcurrentHashMap<>();

  /** Who is going to close it. */
  private final AtomicInteger users = new AtomicInteger(1);

  Ring(Segment control, Segment data, Shape shape, Participants table) {
    this.control = control;
    this.data = data;
    this.shape = shape;
    this.table = table;
    me = table.index();
    words = control.words();
    count = shape.slots();
    mask = count - 1;
    lapShift = Integer.numberOfTrailingZeros(count);
    stride = shape.stride();
    payload = shape.payload();
    exclusive = shape.kind() == RingKind.Exclusive;
    gated = shape.mode() == RingMode.Reliable;
    entriesStart = shape.entriesStart();
    int each = Integer.highestOneBit((int) Math.min(count, CHUNK / stride));
    chunkShift = Integer.numberOfTrailingZeros(each);
    chunkMask = each - 1;
    chunks = new MappedByteBuffer[data == null ? 0 : count / each];
    for (int i = 0; i < chunks.length; i++) {
      chunks[i] = data.map(Shape.SLOTS + (long) i * each * stride, (long) each * stride);
    }
    whole = chunks.length == 1 ? chunks[0] : null;
  }

  /** Its segment's id: a ring that replaces it under its name has another one. */
  public long id() {
    return control.id();
  }

  /** One more is going to close it. */
  void share() {
    users.incrementAndGet();
  }

  /** Whether nobody here uses it any more. */
  boolean lastCloses() {
    return users.decrementAndGet() == 0;
  }

  /** The shape of this ring. */
  public Shape shape() {
    return shape;
  }

  /** The payload of the slot of t, as a buffer of its own. Allocates. */
  public ByteBuffer payload(long t) {
    return chunk(t).slice(at(t) + SLOT_HEADER_SIZE, payload);
  }

  long lap(long t) {
    return (t >>> lapShift) + 1;
  }

  /** The first position of an impossible lap. */
  long end() {
    return lapShift > Long.numberOfLeadingZeros(LAP_LIMIT) - 1 ? Long.MAX_VALUE : LAP_LIMIT - 1 << lapShift;
  }

  MappedByteBuffer chunk(long t) {
    return whole != null ? whole : chunks[(int) (t & mask) >>> chunkShift];
  }

  int chunkIndex(long t) {
    return (int) (t & mask) >>> chunkShift;
  }

  /**
   * Where the slot of t begins in its chunk. That it is neither negative nor odd is said once more, for the compiler: it leaves out
   * what a buffer asks of an index that may be, each time.
   */
  int at(long t) {
    return ((int) t & chunkMask) * stride & ALIGNED;
  }

  /** Whether a payload lies in its slot, behind the header and, as the message's flags say, the block. */
  boolean fits(int flags, int start, int length) {
    int least = (flags & MessageFlag.Addressed) != 0 ? SLOT_HEADER_SIZE + ADDRESS_BLOCK_SIZE : SLOT_HEADER_SIZE;
    return start >= least && start <= stride && length >= 0 && length <= stride - start;
  }

  int claimAt(long t) {
    return Shape.CLAIMS + 8 * (int) (t & mask);
  }

  long claim(long t) {
    return Words.acquire(words, claimAt(t)); // pairs(commit), pairs(claim)
  }

  boolean casClaim(long t, long expected, long value) {
    return Words.cas(words, claimAt(t), expected, value);
  }

  long published(long t) {
    return Words.acquire(chunk(t), at(t) + SLOT_HEADER_PUBLISHED_OFFSET); // pairs(publish)
  }

  /** Whether a message came from another node, and is no request or reply. The slot may be another message's by now: a hint. */
  boolean afar(long t) {
    ByteBuffer b = chunk(t);
    int at = at(t);
    return (b.getShort(at + SLOT_HEADER_FLAGS_OFFSET) & MessageFlag.Remote) != 0 && b.get(at + SLOT_HEADER_KIND_OFFSET) == MessageKind.Data;
  }

  /** How many positions were claimed: a hint on shared rings. */
  public long tail() {
    return Words.acquire(words, Shape.CONTROL + RING_CONTROL_TAIL_OFFSET); // pairs(tail)
  }

  /** Swaps the tail; a CAS that fails was done by another. */
  void moveTail(long t) {
    Words.cas(words, Shape.CONTROL + RING_CONTROL_TAIL_OFFSET, t, t + 1); // pairs(tail)
  }

  long owner() {
    return Words.acquire(words, Shape.CONTROL + RING_CONTROL_OWNER_OFFSET); // pairs(exclusive), pairs(seal)
  }

  boolean casOwner(long expected, long value) {
    return Words.cas(words, Shape.CONTROL + RING_CONTROL_OWNER_OFFSET, expected, value); // pairs(exclusive)
  }

  /** Whether the ring was given up: the name is to be opened again. */
  public boolean givenUp() {
    return retired();
  }

  boolean retired() {
    return (Words.acquire(words, SEGMENT_HEADER_STATE_OFFSET) & STATE_MASK) == SegmentState.Retired; // pairs(seal)
  }

  int entryAt(int i) {
    return entriesStart + i * CONSUMER_ENTRY_SIZE;
  }

  long entryState(int i) {
    return Words.acquire(words, entryAt(i) + CONSUMER_ENTRY_STATE_OFFSET); // pairs(entry)
  }

  boolean casEntry(int i, long expected, long value) {
    return Words.cas(words, entryAt(i) + CONSUMER_ENTRY_STATE_OFFSET, expected, value); // pairs(entry)
  }

  /** The entries that were ever used. */
  int entriesUsed() {
    long high = Words.acquire(words, Shape.CONTROL + RING_CONTROL_ENTRY_HIGH_OFFSET);
    return high < 0 || high > ENTRY_COUNT ? ENTRY_COUNT : (int) high;
  }

  void count(int offset) {
    Words.add(words, Shape.CONTROL + offset, 1);
  }

  /** A counter of the control words, by its offset there. */
  public long counter(int offset) {
    return Words.relaxed(words, Shape.CONTROL + offset);
  }

  /** Whether a seal says that nobody may write here any more: only on a ring that was never written. */
  boolean sealed() {
    return exclusive ? owner() << 32 >>> 32 == OWNER_SEALED : Claims.lap(claim(0)) == LAP_LIMIT && tail() == 0;
  }

  /** Whether anything was ever claimed here. */
  boolean written() {
    return exclusive ? tail() != 0 : claim(0) != 0 && !sealed();
  }

  /** Gives a ring up whose words are impossible, and wakes all: spec/ring.md, 8. */
  void damage() {
    control.checkWhole();
    count(RING_CONTROL_DAMAGED_OFFSET);
    if (control.casState(SegmentState.Ready, SegmentState.Retired)) { // pairs(seal)
      wakeAll();
    }
  }

  void wakeAll() {
    Wake.readersNow(this);
    Wake.producers(this);
    for (int i = 0; i < entriesUsed(); i++) {
      long state = entryState(i);
      if (Entries.state(state) != EntryState.Free) {
        table.ring(Entries.participant(state));
      }
    }
  }
}
