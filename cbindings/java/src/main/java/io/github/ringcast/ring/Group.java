package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.EntryMode;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.RowState;
import io.github.ringcast.fb.TakeState;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Words;
import java.lang.invoke.VarHandle;

/** A queue group's entry and its gate: spec/ring.md, 14. Anybody moves them; for several threads. */
final class Group {
  private Group() {}

  /** Finds the group's entry, or makes it with its gate at the position; its index. */
  static int settle(GroupFile f, int hash, boolean atBegin) {
    Ring r = f.r;
    for (;;) {
      long named = f.gate();
      int i = carriedOver(r, hash);
      if (i >= 0) {
        long word = gateWord(r.entryState(i), i);
        if (named == word || f.casGate(named, word)) {
          Words.setRelaxed(r.words, r.entryAt(i) + CONSUMER_ENTRY_JOINED_OFFSET, 0);
        }
        continue;
      }
      i = (int) named - 1;
      if (i >= 0 && i < ENTRY_COUNT) {
        long word = r.entryState(i);
        int state = Entries.state(word);
        if (Entries.generation(word) == (int) (named >>> 32) && state != EntryState.Free) {
          if (state != EntryState.Joining || r.casEntry(i, word, Entries.word(Entries.generation(word), Entries.NOBODY, EntryState.Leaving))) {
            return i;
          }
          continue;
        }
      }
      make(f, hash, named, atBegin);
    }
  }

  private static long gateWord(long entry, int i) {
    return (long) Entries.generation(entry) << 32 | i + 1L;
  }

  /** The entry that a replacer carried over for this group and nobody adopted; -1 if there is none. */
  private static int carriedOver(Ring r, int hash) {
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      int at = r.entryAt(i);
      long word = r.entryState(i);
      if (Entries.participant(word) == Entries.NOBODY && Entries.state(word) != EntryState.Free
          && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET) == EntryMode.Group
          && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_GROUP_OFFSET) == hash
          && Words.relaxed(r.words, at + CONSUMER_ENTRY_JOINED_OFFSET) == -1) {
        return i;
      }
    }
    return -1;
  }

  private static void make(GroupFile f, int hash, long named, boolean atBegin) {
    Ring r = f.r;
    int i = Entries.takeOrThrow(r);
    int at = r.entryAt(i);
    long word = r.entryState(i);
    long cursor = atBegin ? 0 : r.tail();
    Words.intSetRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET, (int) EntryMode.Group);
    Words.intSetRelaxed(r.words, at + CONSUMER_ENTRY_GROUP_OFFSET, hash);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_JOINED_OFFSET, cursor);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_MISSED_OFFSET, 0);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_LEASE_END_OFFSET, 0);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_BLOCKED_NS_OFFSET, Entries.blocked(word));
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_BLOCKED_AT_NS_OFFSET, Clock.now());
    Words.release(r.words, at + CONSUMER_ENTRY_CURSOR_OFFSET, cursor); // pairs(cursor)
    if (!f.casGate(named, gateWord(word, i))) {
      r.casEntry(i, word, Entries.word(Entries.generation(word), 0, EntryState.Free)); // pairs(entry)
    }
  }

  static long cursor(Ring r, int entry) {
    return Words.acquire(r.words, r.entryAt(entry) + CONSUMER_ENTRY_CURSOR_OFFSET); // pairs(cursor)
  }

  private static boolean casCursor(Ring r, int entry, long expected, long value) {
    return Words.cas(r.words, r.entryAt(entry) + CONSUMER_ENTRY_CURSOR_OFFSET, expected, value); // pairs(cursor)
  }

  /** Moves the gate over all that needs nothing more; true if it moved. */
  static boolean move(GroupFile f, int entry) {
    Ring r = f.r;
    for (;;) {
      long gate = cursor(r, entry);
      long p = gate;
      for (; p - gate < r.count; p++) {
        long word = f.take(p);
        if (!GroupFile.settled(word, r.lap(p))) {
          break;
        }
        if (Claims.lap(word) == r.lap(p) && Claims.state(word) == TakeState.Started) {
          f.confirm(Claims.owner(word), p);
        }
      }
      if (p == gate) {
        return false;
      }
      if (casCursor(r, entry, gate, p)) {
        long generation = Entries.blocked(r.entryState(entry));
        Words.setRelaxed(r.words, r.entryAt(entry) + CONSUMER_ENTRY_BLOCKED_NS_OFFSET, generation);
        VarHandle.fullFence();
        if (r.tail() <= p + r.count / 2) {
          Wake.producers(r);
        }
        return true;
      }
    }
  }

  /** Stamps what lies before the goal and moves the gate there; how many positions that made missed. */
  static long advance(GroupFile f, int entry, long goal) {
    Ring r = f.r;
    long gate = cursor(r, entry);
    long missed = 0;
    if (goal > gate) {
      for (int slot = 0; slot < r.count; slot++) {
        missed += stamp(f, slot, lastLap(r, slot, goal), lastLap(r, slot, gate));
      }
      for (long now = gate; now < goal && !casCursor(r, entry, now, goal); now = cursor(r, entry)) {
        Thread.onSpinWait();
      }
      Wake.producers(r);
    }
    return missed;
  }

  /** For show: what members told as missed. */
  static void countMissed(Ring r, int entry, long missed) {
    Words.add(r.words, r.entryAt(entry) + CONSUMER_ENTRY_MISSED_OFFSET, missed);
  }

  /** The lap of the last position of a slot before a position; 0 if there is none. */
  private static long lastLap(Ring r, int slot, long before) {
    long p = before - 1 - (before - 1 - slot & r.mask);
    return p < 0 ? 0 : r.lap(p);
  }

  private static long stamp(GroupFile f, int slot, long last, long first) {
    Ring r = f.r;
    while (last > first) {
      long word = f.take(slot);
      long lap = Claims.lap(word);
      int state = Claims.state(word);
      if (lap <= last && state == TakeState.Started) {
        f.confirm(Claims.owner(word), (lap - 1 << r.lapShift) + slot);
      }
      if (GroupFile.settled(word, last)) {
        return 0;
      }
      if (f.casTake(slot, word, GroupFile.word(last, 0, TakeState.Done))) {
        return last - Math.max(first, state == TakeState.Taken ? lap - 1 : lap);
      }
    }
    return 0;
  }

  /** A member brings the group back, if it is not ACTIVE; how many positions are missed. */
  static long comeBack(GroupFile f, int entry) {
    Ring r = f.r;
    for (;;) {
      long word = r.entryState(entry);
      int state = Entries.state(word);
      if (state == EntryState.Active || Entries.participant(word) != Entries.NOBODY) {
        return 0;
      }
      if (state == EntryState.Evicting) {
        Entries.finishEviction(r, entry, word);
        continue;
      }
      long missed = advance(f, entry, r.tail() - r.count / 2);
      r.casEntry(entry, word, Entries.word(Entries.generation(word), Entries.NOBODY, EntryState.Active)); // pairs(entry)
      if (missed != 0 || Entries.state(r.entryState(entry)) == EntryState.Active) {
        return missed;
      }
    }
  }

  /** Behind the own entry: the last member leaves the group without gating. */
  static void leaveLast(GroupFile f, int entry) {
    Ring r = f.r;
    while (!hasMembers(r, entry)) {
      long word = r.entryState(entry);
      if (Entries.state(word) == EntryState.Free) {
        return;
      }
      long away = Entries.word(Entries.generation(word), Entries.NOBODY, rowsFree(f) ? EntryState.Leaving : EntryState.Evicted);
      if (word != away && !r.casEntry(entry, word, away)) { // pairs(entry)
        continue;
      }
      Wake.producers(r);
      if (!hasMembers(r, entry)) {
        return;
      }
      r.casEntry(entry, away, Entries.word(Entries.generation(away), Entries.NOBODY, EntryState.Active)); // pairs(entry)
    }
  }

  /** In the successor of a retired ring: a group that nobody adopted there holds nobody. */
  static void leaveSuccessor(Ring next, int entry, int generation) {
    long word = next.entryState(entry);
    if (Entries.participant(word) == Entries.NOBODY && Entries.generation(word) == generation && Entries.state(word) == EntryState.Active
        && Words.relaxed(next.words, next.entryAt(entry) + CONSUMER_ENTRY_JOINED_OFFSET) == -1) {
      next.casEntry(entry, word, Entries.word(generation, Entries.NOBODY, EntryState.Leaving)); // pairs(entry)
      Wake.producers(next);
    }
  }

  static boolean hasMembers(Ring r, int entry) {
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      int at = r.entryAt(i);
      int state = Entries.state(r.entryState(i));
      if (state != EntryState.Free && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET) == EntryMode.Member
          && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_GROUP_OFFSET) == entry + 1) {
        return true;
      }
    }
    return false;
  }

  /** Whether a group has another member than the one with this entry. */
  static boolean othersThan(Ring r, int entry, int member) {
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      int at = r.entryAt(i);
      if (i != member && Entries.state(r.entryState(i)) != EntryState.Free && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET) == EntryMode.Member
          && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_GROUP_OFFSET) == entry + 1) {
        return true;
      }
    }
    return false;
  }

  private static boolean rowsFree(GroupFile f) {
    for (int i = 0; i < GroupFile.ROWS; i++) {
      if (((int) f.rowState(i) & 0xffff) != RowState.Free) {
        return false;
      }
    }
    return true;
  }

  /** A producer that finds no room because of a group moves its gate: the file is found by the entry. */
  static void moveFor(Ring r, int entry, long word) {
    long gate = gateWord(word, entry);
    GroupFile f = r.groups.get(gate);
    if (f == null) {
      f = find(r, gate);
      if (f == null) {
        return;
      }
      r.groups.put(gate, f);
    }
    move(f, entry);
  }

  private static GroupFile find(Ring r, long gate) {
    String path = r.control.path().substring(0, r.control.path().length() - 4);
    java.io.File file = new java.io.File(path);
    String prefix = file.getName() + "." + RingFiles.id(r.control.id()) + ".";
    for (String name : Recovery.names(file.getParent(), ".group")) {
      GroupFile f = name.startsWith(prefix) ? GroupFile.ifThere(r, file.getParent() + "/" + name) : null;
      if (f != null && f.gate() == gate) {
        return f;
      }
      if (f != null) {
        f.close();
      }
    }
    return null;
  }
}
