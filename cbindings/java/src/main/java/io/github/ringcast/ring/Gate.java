package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.fb.EntryMode;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Words;
import java.lang.invoke.VarHandle;

/**
 * How far one producer may go, and what it does to readers that hold it back: spec/ring.md, 6. Owned
 * by one producer; for one thread.
 */
final class Gate {
  private static final long BLOCKED_MASK = (1L << BLOCKED_BITS) - 1;
  private static final long MOST_CHARGED = 10_000_000;
  private static final long ASK_PINNED = 5_000_000;

  private final Ring r;
  private final Watch blocked = new Watch();
  private final Watch excuse = new Watch();
  /** Positions below it may be claimed. */
  private long limit;
  int pins;
  private final long[] pinFrom = new long[ENTRY_COUNT];
  private final long[] pinTo = new long[ENTRY_COUNT];
  private boolean waiting;
  private long excuseWord;
  private long excusePosition = -1;
  private long pinnedAsked;
  private long writerAsked;
  /** The slot, modulo the capacity, at which quarantined claims are looked at next. */
  private long nextAsked;

  Gate(Ring ring) {
    r = ring;
  }

  /** How long this producer has waited for room. */
  long waited() {
    return blocked.elapsed();
  }

  /** Whether t may be claimed. */
  boolean room(long t) {
    if (t < limit) {
      if (waiting) {
        waiting = false; // also where a look for more room than this found it
      }
      return true;
    }
    return roomBehind(t);
  }

  /** Behind {@link #room}: the positions below it may be claimed without another look; 0 where slots are lent beyond. */
  long free() {
    return pins != 0 ? 0 : Math.min(limit, r.end());
  }

  private boolean roomBehind(long t) {
    if (!r.gated) {
      limit = Long.MAX_VALUE; // nobody waits here, and nothing is lent
      return true;
    }
    refresh();
    if (t >= limit) {
      return false;
    }
    waiting = false;
    return true;
  }

  private void refresh() {
    long lowest = r.tail();
    VarHandle.fullFence(); // its partner is the join's
    pins = 0;
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      int at = r.entryAt(i);
      long word = r.entryState(i); // before cursor and lease
      int state = Entries.state(word);
      if (state == EntryState.Active || state == EntryState.Evicting) {
        if (Entries.gates(Words.intRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET))) {
          lowest = Math.min(lowest, Words.acquire(r.words, at + CONSUMER_ENTRY_CURSOR_OFFSET)); // pairs(cursor)
        }
      } else if (state == EntryState.Evicted) {
        pin(Words.acquire(r.words, at + CONSUMER_ENTRY_CURSOR_OFFSET), Words.acquire(r.words, at + CONSUMER_ENTRY_LEASE_END_OFFSET)); // pairs(lease)
      }
    }
    limit = lowest > Long.MAX_VALUE - r.count ? Long.MAX_VALUE : lowest + r.count;
  }

  private void pin(long from, long to) {
    if (to > from && to - from <= r.count) {
      pinFrom[pins] = from;
      pinTo[pins++] = to;
    }
  }

  /** Whether an evicted reader still reads in the slot of t. */
  boolean pinned(long t) {
    for (int i = 0; i < pins; i++) {
      long p = pinFrom[i] + (t - pinFrom[i] & r.mask);
      if (t >= pinFrom[i] && p < pinTo[i] && p != t) {
        freeDeadPins();
        return true;
      }
    }
    return false;
  }

  /** Takes claims of the dead back, where it is time for a look: as few dead as there are slots could hold all of them. */
  boolean takesBack(long t) {
    long now = Clock.now();
    if (now - writerAsked < ASK_PINNED) {
      return false;
    }
    writerAsked = now;
    long from = nextAsked;
    nextAsked += Math.min(r.count, Recovery.MOST_RECLAIMED);
    return Recovery.quarantined(r, t, from);
  }

  private void freeDeadPins() {
    long now = Clock.now();
    if (now - pinnedAsked < ASK_PINNED) {
      return;
    }
    pinnedAsked = now;
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      long word = r.entryState(i);
      if (Entries.state(word) == EntryState.Evicted) {
        Entries.freeIfDead(r, i, word);
      }
    }
  }

  /** Looks at the entries that keep t from being claimed. */
  void blame(long t) {
    long now = Clock.now();
    long last = blocked.last();
    if (!waiting) {
      waiting = true;
      blocked.start(now); // the first look of a wait charges nobody
      return;
    }
    blocked.step(now);
    boolean ask = blocked.ask();
    boolean excused = excused(now);
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      blameEntry(i, t, last, now, ask, excused);
    }
  }

  private void blameEntry(int i, long t, long last, long now, boolean ask, boolean excused) {
    int at = r.entryAt(i);
    long word = r.entryState(i);
    int state = Entries.state(word);
    if (state != EntryState.Active && state != EntryState.Evicting || !Entries.gates(Words.intRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET))) {
      return;
    }
    long cursor = Words.acquire(r.words, at + CONSUMER_ENTRY_CURSOR_OFFSET); // pairs(cursor)
    if (cursor > t || t - cursor < r.count) {
      return;
    }
    boolean group = Words.intRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET) == EntryMode.Group;
    if (group) {
      Group.moveFor(r, i, word); // its members may be slow to
    } else if (ask && Entries.freeIfDead(r, i, word)) {
      return;
    }
    if (state == EntryState.Evicting) {
      Entries.finishEviction(r, i, word);
    } else if (!(excused && cursor == excusePosition) && charge(at, word, last, now) > r.shape.stallBudget()) {
      Entries.evict(r, i, word);
    } else if (ask) {
      Entries.rouse(r, i, word); // a waker may have died between mask and bell
    }
  }

  /** Whether the hindmost reader stands before a writer that is within its deadline. */
  private boolean excused(long now) {
    long c = limit - r.count;
    if (r.exclusive) {
      return false;
    }
    long word = r.claim(c);
    if (Claims.lap(word) != r.lap(c) || Claims.state(word) != ClaimState.Writing) {
      return false;
    }
    if (excuseWord != word || excusePosition != c) {
      excuseWord = word;
      excusePosition = c;
      excuse.start(now);
    }
    return excuse.step(now) < r.shape.commitDeadline();
  }

  /** Charges the time since the last look to a reader, once however many wait; returns what it has used up. */
  private long charge(int at, long word, long last, long now) {
    long mark = Words.relaxed(r.words, at + CONSUMER_ENTRY_BLOCKED_AT_NS_OFFSET);
    boolean ours = mark < now && Words.cas(r.words, at + CONSUMER_ENTRY_BLOCKED_AT_NS_OFFSET, mark, now);
    long generation = Entries.blocked(word);
    for (;;) {
      long old = Words.relaxed(r.words, at + CONSUMER_ENTRY_BLOCKED_NS_OFFSET);
      long spent = old & BLOCKED_MASK;
      if ((old & ~BLOCKED_MASK) != generation) {
        return 0;
      }
      if (!ours) {
        return spent;
      }
      if (last > mark) {
        spent = Math.max(0, spent - (last - mark) / 10);
      }
      spent += Math.min(now - Math.max(mark, last), MOST_CHARGED);
      if (Words.cas(r.words, at + CONSUMER_ENTRY_BLOCKED_NS_OFFSET, old, generation | spent)) {
        return spent;
      }
    }
  }
}
