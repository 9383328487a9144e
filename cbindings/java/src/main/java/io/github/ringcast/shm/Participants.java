package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.Ending;
import io.github.ringcast.fb.Language;
import io.github.ringcast.fb.LockByte;
import io.github.ringcast.fb.ParticipantState;
import io.github.ringcast.fb.SegmentKind;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.util.function.IntConsumer;

/**
 * The table of participants, and this process's record in it: spec/segment.md, 5 and 7. The kernel's
 * lock on a byte, not a clock or a pid, says who lives.
 *
 * <p>Safe for use by several threads, but for {@link #join} and {@link #leave}.
 */
public final class Participants {
  /** This process has woken somebody since hasWoken was asked; of two at once one may be lost, which costs nothing but time. */
  private static volatile boolean woken;

  private static final int FIXED = SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_CHANGES_OFFSET;
  private static final int CHANGES = SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_CHANGES_OFFSET;

  private final String directory;
  private final Segment segment;
  private final MappedByteBuffer words;
  private final long address;
  private final int count;
  private final int stride;
  private final int start;
  private final Bell bell;
  private final boolean made;
  private int ownDescription = -1;
  private int index = -1;
  private int generation;
  private int sleepers;

  /** Opens the table of a domain's directory, or makes it. */
  public Participants(String directory) {
    this.directory = directory;
    Maker maker = new Maker(directory + "/participants", SegmentKind.Participants,
        PAGE_SIZE + (long) PARTICIPANT_COUNT * PARTICIPANT_RECORD_STRIDE, FIXED);
    boolean[] filled = new boolean[1];
    segment = maker.openOrMake(w -> {
      fill(w);
      filled[0] = true;
    });
    words = segment.words();
    ByteBuffer fixed = segment.fixed();
    long records = fixed.limit() < FIXED ? 0 : fixed.getInt(SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_RECORD_COUNT_OFFSET) & 0xffffffffL;
    long each = records == 0 ? 0 : fixed.getInt(SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_RECORD_STRIDE_OFFSET) & 0xffffffffL;
    long from = records == 0 ? 0 : fixed.getLong(SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_RECORDS_START_OFFSET);
    if (records < 1 || records > 65535 || each % 64 != 0 || each < PARTICIPANT_RECORD_SIZE || from % 64 != 0 || from < FIXED
        || from > words.limit() || each > (words.limit() - from) / records) {
      segment.close();
      throw SegmentCheck.error(Reason.DAMAGED, segment.path(), "impossible places of records");
    }
    count = (int) records;
    stride = (int) each;
    start = (int) from;
    address = Kernel.address(words);
    bell = new Bell(directory);
    made = filled[0];
  }

  /** Whether this object made the table: what else lies there is of another boot. */
  public boolean made() {
    return made;
  }

  private static void fill(ByteBuffer w) {
    w.putInt(SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_RECORD_COUNT_OFFSET, PARTICIPANT_COUNT);
    w.putInt(SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_RECORD_STRIDE_OFFSET, PARTICIPANT_RECORD_STRIDE);
    w.putLong(SEGMENT_HEADER_SIZE + PARTICIPANTS_HEADER_RECORDS_START_OFFSET, PAGE_SIZE);
    for (int i = 0; i < PARTICIPANT_COUNT; i++) {
      w.putLong(PAGE_SIZE + i * PARTICIPANT_RECORD_STRIDE, word(1, ParticipantState.Free));
    }
  }

  static long word(int generation, long state) {
    return (long) generation << 32 | state;
  }

  private static int next(int generation) {
    return generation == -1 ? 1 : generation + 1;
  }

  int record(int i) {
    return start + i * stride;
  }

  MappedByteBuffer words() {
    return words;
  }

  int infoRoom() {
    return stride - PARTICIPANT_RECORD_SIZE;
  }

  /** How many records there are. */
  public int count() {
    return count;
  }

  /** This process's index. */
  public int index() {
    return index;
  }

  /** The generation of this process's record. */
  public int generation() {
    return generation;
  }

  /** The state word of a record. */
  public long state(int i) {
    return Words.acquire(words, record(i)); // pairs(live)
  }

  /** Whether a state word says that somebody joined and did not leave. */
  public static boolean live(long state) {
    return (int) state == ParticipantState.Live;
  }

  /** Whether participant i holds its lock now. A system call. An index that can't be is nobody's. */
  public boolean alive(int i) {
    return i >= 0 && i < count && Kernel.lockedExclusively(segment.descriptor(), LockByte.Participant + i);
  }

  /** Whether the record is of one who died and was not recovered yet. Who has just left is not. */
  public boolean dead(int i, long state) {
    return live(state) && !alive(i) && state(i) == state;
  }

  /** Where the mark of a generation stands: the same word as that of PARTICIPANT_ENDINGS before and after it. */
  private int mark(int i, int ofGeneration) {
    return record(i) + PARTICIPANT_ENDINGS_OFFSET + 8 * Integer.remainderUnsigned(ofGeneration, PARTICIPANT_ENDINGS);
  }

  /**
   * Marks that participant i died, whose lock was free while its record was this word. False: it is not any more, so it may have left.
   * The mark is loaded before that look, so it is not one of a later life.
   */
  private boolean markDied(int i, long live) {
    int at = mark(i, (int) (live >>> 32));
    long before = Words.acquire(words, at);
    if (state(i) != live) {
      return false;
    }
    long died = word((int) (live >>> 32), Ending.Died);
    if (before != died) {
      Words.cas(words, at, before, died); // lost to somebody who has found the same
    }
    return true;
  }

  /** How a participant ended, whoever freed its record: {@link Ending}; None where it was not freed, or that is not known. */
  public int ending(int i, int ofGeneration) {
    if (i < 0 || i >= count || present(i, ofGeneration)) { // pairs(ending)
      return Ending.None;
    }
    long mark = Words.acquire(words, mark(i, ofGeneration));
    boolean told = mark == word(ofGeneration, Ending.Left) || mark == word(ofGeneration, Ending.Died);
    return told ? (int) mark : Ending.None;
  }

  /** Makes the own record LIVE. info writes what it says, before anybody may look. Makes system calls. */
  public void join(Info info) {
    for (int i = 0; i < count; i++) {
      if (tryJoin(i, info)) {
        return;
      }
    }
    throw new RingcastException(Reason.DOMAIN_FULL, directory + ": all " + count + " participants are there: end some");
  }

  private boolean tryJoin(int i, Info info) {
    if ((int) state(i) != ParticipantState.Free) {
      return false; // not even the lock is tried: it would make a dead one look alive
    }
    int description = Kernel.openFile("/proc/self/fd/" + segment.descriptor(), Kernel.O_RDWR, 0);
    if (description < 0) {
      throw Kernel.failure("open", segment.path(), -description);
    }
    boolean joined = false;
    try {
      if (!Kernel.lock(description, LockByte.Participant + i, Segment.EXCLUSIVE)) {
        return false;
      }
      long state = state(i);
      if ((int) state != ParticipantState.Free) {
        return false;
      }
      bell.hang(i);
      fillRecord(i);
      index = i;
      generation = (int) (state >>> 32);
      info.attach(this);
      if (!Words.cas(words, record(i), state, word(generation, ParticipantState.Live))) { // pairs(live)
        bell.takeDown(i);
        index = -1;
        return false;
      }
      joined = true;
    } finally {
      if (!joined) {
        Kernel.closeFile(description);
      }
    }
    ownDescription = description;
    told();
    return true;
  }

  private void fillRecord(int i) {
    int at = record(i);
    Words.intSetSequential(words, at + PARTICIPANT_RECORD_SLEEPING_OFFSET, 0);
    words.putInt(at + PARTICIPANT_RECORD_PID_OFFSET, (int) ProcessHandle.current().pid());
    words.putInt(at + PARTICIPANT_RECORD_UID_OFFSET, Kernel.userId());
    words.putLong(at + PARTICIPANT_RECORD_STARTED_NS_OFFSET, Clock.wall());
    words.put(at + PARTICIPANT_RECORD_LANGUAGE_OFFSET, (byte) Language.Java);
    words.put(at + PARTICIPANT_RECORD_INBOX_OFFSET, (byte) 0);
  }

  /** Says that this participant has an inbox. */
  public void setInbox() {
    words.put(record(index) + PARTICIPANT_RECORD_INBOX_OFFSET, (byte) 1);
  }

  /** Whether a record is of this generation and LIVE: by its word, and not by the kernel. */
  public boolean present(int i, int ofGeneration) {
    return i >= 0 && i < count && state(i) == word(ofGeneration, ParticipantState.Live);
  }

  /** Gives the record back; everything in rings was given back before. */
  public void leave(Info info) {
    if (index >= 0) {
      info.detach();
      bell.takeDown(index);
      Kernel.remove(directory + "/counters/" + index + ".cnt");
      Words.release(words, mark(index, generation), word(generation, Ending.Left));
      Words.cas(words, record(index), word(generation, ParticipantState.Live), word(next(generation), ParticipantState.Free)); // pairs(ending)
      changed();
      Kernel.closeFile(ownDescription);
      index = -1;
    }
    segment.close();
  }

  /** Closes the table without having joined. */
  public void close() {
    segment.close();
  }

  /** Says that a record changed, to who looks at the table and to the forwarder. */
  void changed() {
    Words.add(words, CHANGES, 1);
    wakeForwarder.run();
  }

  /** The same of one's own record, also for those who watch the bells. */
  void told() {
    changed();
    bell.announce();
  }

  private Runnable wakeForwarder = () -> { };

  /** What rings the forwarder, once it is known where that stands. */
  public void onChange(Runnable ring) {
    wakeForwarder = ring;
  }

  /** The number of changes so far. */
  public long changes() {
    return Words.acquire(words, CHANGES);
  }

  /** Takes the record and the files of a dead participant; what it held in rings was taken back before. */
  void free(int i, long state) {
    bell.removeOfTheDead(i);
    if (!markDied(i, state)) {
      return; // it left, or somebody else was faster
    }
    if (Words.cas(words, record(i), state, word(next((int) (state >>> 32)), ParticipantState.Free))) { // pairs(ending)
      changed();
    }
  }

  /** Gives each dead participant to takeBack, and frees its record if that returned true. */
  public void recover(java.util.function.IntPredicate takeBack) {
    for (int i = 0; i < count; i++) {
      long state = state(i);
      if (dead(i, state) && takeBack.test(i)) {
        free(i, state);
      }
    }
  }

  /** Recovers one, if it is dead: takeBack takes what it holds in rings. */
  public void recoverOne(int i, java.util.function.IntPredicate takeBack) {
    long state = state(i);
    if (dead(i, state) && takeBack.test(i)) {
      free(i, state);
    }
  }

  /** Calls with each living participant's index. */
  public void eachLive(IntConsumer visit) {
    for (int i = 0; i < count; i++) {
      if (live(state(i))) {
        visit.accept(i);
      }
    }
  }

  /** Adds to participant i's doorbell and wakes it if it sleeps: a system call only then. */
  public void ring(int i) {
    if (i < 0 || i >= count) {
      return;
    }
    int at = record(i);
    Words.intAdd(words, at + PARTICIPANT_RECORD_DOORBELL_OFFSET, 1); // pairs(doorbell)
    if (Words.intSequential(words, at + PARTICIPANT_RECORD_SLEEPING_OFFSET) != 0) { // pairs(doorbell)
      if (Kernel.futexWake(address + at + PARTICIPANT_RECORD_DOORBELL_OFFSET)) {
        woken = true;
      }
    }
  }

  /** Whether this process has woken somebody by a bell since the last call: the system may have put them on our core. */
  public static boolean hasWoken() {
    boolean was = woken;
    if (was) {
      woken = false;
    }
    return was;
  }

  /** The own doorbell, to be loaded before the look at what one waits for. */
  public int doorbell() {
    return Words.intSequential(words, record(index) + PARTICIPANT_RECORD_DOORBELL_OFFSET); // pairs(doorbell)
  }

  /** Sleeps until the doorbell differs from seen, at most so long; comes back early at will. */
  public void sleep(int seen, long nanos) {
    int at = record(index);
    synchronized (this) {
      if (sleepers++ == 0) {
        Words.intSetSequential(words, at + PARTICIPANT_RECORD_SLEEPING_OFFSET, 1); // pairs(doorbell)
      }
    }
    try {
      Kernel.futexWait(address + at + PARTICIPANT_RECORD_DOORBELL_OFFSET, seen, nanos);
    } finally {
      synchronized (this) {
        if (--sleepers == 0) {
          Words.intSetSequential(words, at + PARTICIPANT_RECORD_SLEEPING_OFFSET, 0);
        }
      }
    }
  }
}
