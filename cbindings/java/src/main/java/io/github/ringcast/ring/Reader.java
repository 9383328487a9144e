package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.fb.EntryMode;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.shm.Cores;
import io.github.ringcast.shm.Words;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;

/**
 * Reads one ring: in place under a lease, or, as a latest reader and in a history, from checked
 * copies: spec/ring.md, 5 to 7. A look neither waits nor allocates; it makes a system call only to ask
 * for a silent partner or to wake one. For one thread.
 */
public final class Reader {
  private static final int THERE = 0;
  private static final int NOTHING = 1;
  private static final int SKIP = 2;
  private static final int WRITING = 3;
  private static final int OVERRUN = 4;
  private static final int BROKEN = 5;
  private static final int SEALED = 6;
  private static final int LOOKS = 64;
  /** So many messages are looked at together; one of slots larger than so many bytes, whose producer loses lines by each look. */
  private static final int AHEAD = 8;
  private static final int AHEAD_STRIDE = 17 * 64;
  private static final int WHOLE = MessageFlag.Begin | MessageFlag.End;
  private static final int STREAM = 4;
  private static final int PAUSES_FIRST = 3;
  private static final int PAUSES_AHEAD = 40;
  private static final long SHORT_NAP = 1_000_000;
  private static final long LONG_NAP = 100_000_000;

  /** Immutable after opening. */
  private final Ring r;
  private final boolean latest;
  private final int batch;
  private final int lease;
  private final int ahead;
  private final Stuck stuck;
  private final Keeper keeper;
  private final Copies copies;
  final StreamLead lead;

  /** The entry; -1 between leaving and joining. */
  private int entry = -1;
  private long active;
  /** The next position to be read; below copyEnd it is read as a copy. */
  private long next;
  private long copyEnd;
  private long joined;
  private long leaseEnd;
  private long stored;
  private long knownTail;
  /** Below it messages were seen to be there: they need no look. */
  private long seen;
  /** Where nothing was found last, and how many came since the time before. */
  private long emptyAt;
  private long burst;
  private int idle;
  private boolean owesWake;
  private boolean beforeWriter;
  private boolean woken;

  private Reader(Ring ring, boolean asLatest) {
    r = ring;
    latest = asLatest || !ring.gated;
    batch = Math.max(1, Math.min(64, ring.count / 16));
    lease = Math.max(2, Math.min(64, ring.count / 4));
    ahead = ring.stride > AHEAD_STRIDE ? 1 : AHEAD;
    stuck = new Stuck(ring);
    keeper = new Keeper(ring);
    copies = new Copies(ring, latest);
    lead = new StreamLead(ring);
  }

  /** Joins at the tail, or up to history positions before it. */
  public static Reader join(Ring ring, boolean asLatest, long history) {
    Reader reader = new Reader(ring, asLatest);
    reader.enter();
    long back = Math.min(Math.min(history, ring.count - 1), reader.next);
    if (back > 0) {
      reader.next -= back;
    }
    return reader;
  }

  /** Goes on in the ring that took the other's place; from its first message. */
  public Reader follow(Ring successor, boolean asLatest) {
    Reader reader = new Reader(successor, asLatest);
    if (entry >= 0 && reader.adopt(entry, active)) {
      return reader;
    }
    reader.enter();
    reader.next = 0; // what was published before this join is read as a history
    return reader;
  }

  /** Takes the entry that the replacer made for this reader; false if it made none. */
  private boolean adopt(int i, long word) {
    long now = r.entryState(i);
    if (Entries.generation(now) != Entries.generation(word) || Entries.participant(now) != r.me || Entries.state(now) == EntryState.Free) {
      return false;
    }
    entry = i;
    active = word;
    copyEnd = latest ? Long.MAX_VALUE : 0;
    return true; // at 0; if it was put out since, the first lease finds out
  }

  private void enter() {
    entry = Entries.join(r, latest ? EntryMode.Latest : EntryMode.Reliable);
    active = Words.acquire(r.words, r.entryAt(entry) + CONSUMER_ENTRY_STATE_OFFSET);
    next = Words.acquire(r.words, r.entryAt(entry) + CONSUMER_ENTRY_CURSOR_OFFSET);
    stored = next;
    leaseEnd = next;
    joined = next;
    emptyAt = next;
    copyEnd = latest ? Long.MAX_VALUE : next;
    if (Entries.state(active) != EntryState.Active) {
      active = Entries.word(Entries.generation(active), r.me, EntryState.Active); // put out already: found out below
    }
  }

  public Ring ring() {
    return r;
  }

  /** The next position. */
  public long cursor() {
    return next;
  }

  /**
   * Takes the next message or event; what was lent before may be overwritten from now on. Who waits for this
   * ring alone spares the producers seven of eight looks at their words, and gives those of a stream a lead.
   */
  public int poll(Received out, boolean waits) {
    if (entry < 0) {
      return comeBack(out);
    }
    if (next < seen) {
      return lend(out);
    }
    if (next - stored >= batch && next >= copyEnd) {
      stored = keeper.floor(next);
      Words.release(r.words, r.entryAt(entry) + CONSUMER_ENTRY_CURSOR_OFFSET, stored); // pairs(cursor)
      owesWake = true;
    }
    boolean fully = !waits;
    boolean ending = false;
    for (;;) {
      boolean copying = next < copyEnd;
      if (!copying && next >= leaseEnd && !(keeper.mayLend(next, lease, r.entryState(entry) == active) && extend(waits))) {
        return putOut(out);
      }
      int found = look(next, fully);
      if (found == THERE) {
        if (!copying) {
          lookAhead();
          return lend(out);
        }
        if (copies.take(next)) {
          return describe(out, copies.bytes(), 0);
        }
        found = OVERRUN;
      }
      switch (found) {
        case SKIP:
          next++;
          break;
        case WRITING:
          if (!stuck.look(next)) {
            beforeWriter = true;
            return nothing(out, false);
          }
          break;
        case OVERRUN:
          return copying ? jump(out) : overrun(out);
        case BROKEN:
          r.damage();
          return out.type = Received.ENDED;
        case SEALED:
          return out.type = Received.ENDED;
        default:
          if (!r.retired()) {
            return nothing(out, true);
          }
          if (ending) {
            return out.type = Received.ENDED;
          }
          ending = true; // the state was loaded before the look that follows
          fully = true;
      }
    }
  }

  /**
   * The short way: the next message, where it was seen to be there, is whole in its slot and tells of nothing. False: poll. Each word
   * of the header is loaded once, since a broken publisher may still write there.
   */
  boolean quick(Received out) {
    long c = next;
    if (c >= seen) {
      return false;
    }
    MappedByteBuffer slot = r.chunk(c);
    int at = r.at(c);
    long place = slot.getLong(at + SLOT_HEADER_PAYLOAD_START_OFFSET);
    long flags = slot.getLong(at + SLOT_HEADER_TOTAL_LENGTH_OFFSET) >>> 48;
    int kind = (int) (slot.getLong(at + SLOT_HEADER_SCHEMA_HASH_OFFSET) >>> 32) & 0xff;
    int start = (int) place;
    int length = (int) (place >>> 32);
    if ((flags & (WHOLE | MessageFlag.Addressed)) != WHOLE || kind >= MessageKind.Event || !r.fits(0, start, length)) {
      return false;
    }
    next = c + 1;
    out.message(slot, at, start, length, c);
    return true;
  }

  /** Looks how many of the next messages are there, where they come one behind the other: their lines come together. */
  private void lookAhead() {
    long c = next;
    long end = c == emptyAt ? c : Math.min(Math.min(leaseEnd, stored + batch), c + ahead);
    long s = c + 1;
    while (s < end && Words.plain(r.chunk(s), r.at(s) + SLOT_HEADER_PUBLISHED_OFFSET) == r.lap(s)) {
      s++;
    }
    VarHandle.acquireFence(); // pairs(publish)
    seen = s;
  }

  /** What stands at position c. */
  private int look(long c, boolean fully) {
    long lap = r.lap(c);
    long published = r.published(c); // pairs(publish)
    if (published == lap) {
      return THERE;
    }
    if (r.exclusive) {
      long is = published & ~Ring.PAD;
      if (is == lap) {
        return SKIP;
      }
      return is < lap ? NOTHING : OVERRUN;
    }
    if (knownTail <= c) {
      if ((idle & 7) != 0 && !fully && published < lap) {
        return NOTHING;
      }
      knownTail = r.tail();
    }
    return lookAtClaim(c, lap, knownTail);
  }

  private int lookAtClaim(long c, long lap, long tail) {
    long word = r.claim(c); // pairs(commit)
    long is = Claims.lap(word);
    if (is == lap) {
      switch (Claims.state(word)) {
        case ClaimState.Ready: return THERE;
        case ClaimState.Writing: return WRITING;
        case ClaimState.Hole:
        case ClaimState.Quarantined: return SKIP;
        default: return BROKEN;
      }
    }
    if (is == LAP_LIMIT) {
      return (c & r.mask) == 0 && c == 0 && tail == 0 ? SEALED : BROKEN;
    }
    if (is > lap) {
      return OVERRUN;
    }
    return tail > c ? BROKEN : NOTHING;
  }

  /** Stores cursor and lease; false if this reader was put out. */
  private boolean extend(boolean waits) {
    int at = r.entryAt(entry);
    long end = keeper.limit(next, lease);
    stored = keeper.floor(next);
    Words.release(r.words, at + CONSUMER_ENTRY_CURSOR_OFFSET, stored); // pairs(cursor)
    if (waits) {
      lead.give(next, next - emptyAt);
    }
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_LEASE_END_OFFSET, end);
    VarHandle.fullFence(); // pairs(lease)
    if (r.entryState(entry) != active) {
      return false;
    }
    leaseEnd = end;
    wakeProducers();
    return true;
  }

  /** Behind a full fence: half of the ring is free again. */
  private void wakeProducers() {
    owesWake = false;
    if (Wake.producersSleep(r) && r.tail() <= stored + r.count / 2) { // a tail that is looked at is one that its producer has to fetch
      Wake.producers(r);
    }
  }

  private int nothing(Received out, boolean count) {
    burst = next - emptyAt;
    emptyAt = next;
    giveBack();
    if (count) {
      beforeWriter = false;
    }
    if (++idle % LOOKS == 0 && r.entryState(entry) != active) {
      return putOut(out);
    }
    return out.type = Received.NOTHING;
  }

  /** Nothing is left to read: what was read is free. */
  private void giveBack() {
    long floor = keeper.floor(next);
    if (stored == floor && !owesWake || next < joined) {
      return;
    }
    stored = floor;
    Words.release(r.words, r.entryAt(entry) + CONSUMER_ENTRY_CURSOR_OFFSET, stored); // pairs(cursor)
    if (!latest) {
      VarHandle.fullFence();
      wakeProducers();
    }
  }

  /** Hands out the message at next where it lies. */
  private int lend(Received out) {
    return describe(out, r.chunk(next), r.at(next));
  }

  /** Hands out the message at next, whose slot begins at this place of the bytes. */
  private int describe(Received out, ByteBuffer bytes, int at) {
    long c = next++;
    long place = bytes.getLong(at + SLOT_HEADER_PAYLOAD_START_OFFSET);
    int start = (int) place;
    int length = (int) (place >>> 32);
    if (r.fits(bytes.getShort(at + SLOT_HEADER_FLAGS_OFFSET), start, length)) {
      return out.message(bytes, at, start, length, c);
    }
    r.count(RING_CONTROL_DAMAGED_OFFSET);
    out.position = c;
    out.first = c;
    out.last = c;
    out.count = 1;
    return out.type = Received.DAMAGED;
  }

  /** A copying reader was overtaken: it goes on closer to the tail. */
  private int jump(Received out) {
    long tail = r.tail();
    long target = next < joined ? Math.min(joined, tail - r.count + Math.max(1, r.count / 8)) : tail - r.count / 2;
    long from = next;
    next = Math.max(target, next + 1);
    long missed = Words.relaxed(r.words, r.entryAt(entry) + CONSUMER_ENTRY_MISSED_OFFSET);
    Words.setRelaxed(r.words, r.entryAt(entry) + CONSUMER_ENTRY_MISSED_OFFSET, missed + next - from);
    return out.lagged(from, next);
  }

  /** A reader that gates was overtaken: it was put out, or the ring is damaged. */
  private int overrun(Received out) {
    if (r.entryState(entry) != active) {
      return putOut(out);
    }
    r.damage();
    return out.type = Received.ENDED;
  }

  /** Leaves, joins again, and tells what passed by. */
  private int putOut(Received out) {
    leave();
    leaseEnd = 0;
    return comeBack(out);
  }

  private int comeBack(Received out) {
    long from = next;
    enter(); // an exception leaves this reader without an entry; the next call tries again
    if (next <= from) {
      return out.type = Received.NOTHING;
    }
    Words.setRelaxed(r.words, r.entryAt(entry) + CONSUMER_ENTRY_MISSED_OFFSET, next - from);
    return out.lagged(from, next);
  }

  /** Before sleep: gives back what is read and leaves word with the wakers. */
  public void prepareSleep() {
    if (entry < 0 || r.entryState(entry) != active) {
      return;
    }
    giveBack();
    woken = Wake.reader(r, entry);
  }

  /** Behind {@link #ready}: how long a sleep may last. */
  public long nap() {
    return beforeWriter || !woken ? SHORT_NAP : LONG_NAP;
  }

  /** Behind prepareSleep: whether there is something to do. */
  public boolean ready() {
    if (entry < 0 || r.entryState(entry) != active || r.retired()) {
      return true;
    }
    int found = look(next, true);
    beforeWriter = found == WRITING;
    return found != NOTHING && found != WRITING;
  }

  /** Whether the next message is there, by a look at its slot alone: a hint for who spins. */
  public boolean hint() {
    return hint(0);
  }

  private boolean hint(int ahead) {
    return r.published(next + ahead) == r.lap(next + ahead);
  }

  /**
   * Pauses where messages come in a stream, and returns whether they came in one before: a reader right behind its producer takes each line from it just when it is
   * being written, and both then go at the pace of the lines. A stream is where messages came one behind the other, or
   * two are there by now: an answer is alone.
   */
  public boolean letRunAhead() {
    boolean stream = burst >= STREAM;
    if (!stream) {
      Cores.pause(PAUSES_FIRST);
      if (!hint(0) || !hint(1)) {
        return false;
      }
    }
    burst = 0;
    Cores.pause(PAUSES_AHEAD);
    return stream;
  }

  /** Whether the message before the next one is {@link Ring#afar}. */
  public boolean afar() {
    return next != 0 && r.afar(next - 1);
  }

  /** Whether so many messages are there, as far as a look at the last of them tells. */
  public boolean backlog(int messages) {
    return messages <= r.count && hint(messages - 1);
  }

  /** How many positions are left, by a hint. */
  public long behind() {
    return Math.max(0, r.tail() - next);
  }

  /** Keeps the message that was lent last where it lies, until it is dropped; null if it does not lie in the ring. Throws BUSY. */
  Keeping keep(Received lent, String path) {
    boolean here = entry >= 0 && lent.position + 1 == next && lent.position >= copyEnd && lent.bytes == r.chunk(lent.position);
    return here ? keeper.keep(lent.position, path, entry, Entries.generation(active)) : null;
  }

  /** Whether these bytes are used again for the next copy. */
  boolean copiesInto(ByteBuffer bytes) {
    return bytes == copies.bytes();
  }

  /** Takes over what the reader before this one has kept. */
  void inherit(Reader before) {
    keeper.inherit(before.keeper);
  }

  /** Gives the entry back, unless messages are kept in it. */
  public void leave() {
    if (entry >= 0) {
      keeper.leave(entry, Entries.generation(active));
      entry = -1;
      seen = 0;
    }
  }

  /** Index of the entry; -1 without one. */
  public int entry() {
    return entry;
  }

  /** Generation of the entry. */
  public int generation() {
    return Entries.generation(active);
  }
}
