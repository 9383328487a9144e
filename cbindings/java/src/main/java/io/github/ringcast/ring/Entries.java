package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Hashes;
import io.github.ringcast.shm.Words;
import java.lang.invoke.VarHandle;

/** Readers' entries: their words, how one is taken, given back, and put out: spec/ring.md, 6. */
final class Entries {
  /** The participant that a queue group's entry names. */
  static final int NOBODY = 0xffff;

  private Entries() {}

  static long word(int generation, int participant, int state) {
    return (long) generation << 32 | (long) participant << 16 | state;
  }

  static int state(long word) {
    return (int) word & 0xffff;
  }

  static int participant(long word) {
    return (int) (word >>> 16) & 0xffff;
  }

  static int generation(long word) {
    return (int) (word >>> 32);
  }

  static long blocked(long word) {
    return (long) generation(word) << BLOCKED_BITS;
  }

  static boolean gates(long mode) {
    return mode == io.github.ringcast.fb.EntryMode.Reliable || mode == io.github.ringcast.fb.EntryMode.Group;
  }

  /** Takes a free entry, of the dead if need be, and makes it JOINING; its index. */
  static int takeOrThrow(Ring r) {
    int i = take(r);
    if (i < 0) {
      for (int k = 0; k < ENTRY_COUNT; k++) {
        freeIfDead(r, k, r.entryState(k));
      }
      i = take(r);
    }
    if (i < 0) {
      throw new RingcastException(Reason.READERS_FULL, r.control.path() + ": all " + ENTRY_COUNT + " entries for subscriptions are taken");
    }
    return i;
  }

  /** Takes a free entry and makes it ACTIVE at the tail; returns its index. */
  static int join(Ring r, long mode) {
    return joinGroup(r, mode, 0);
  }

  /** The same with the number of a group's entry, counted from 1; 0: none. */
  static int joinGroup(Ring r, long mode, int group) {
    int i = takeOrThrow(r);
    int at = r.entryAt(i);
    long joining = r.entryState(i);
    Words.intSetRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET, (int) mode);
    Words.intSetRelaxed(r.words, at + CONSUMER_ENTRY_GROUP_OFFSET, group);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_MISSED_OFFSET, 0);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_BLOCKED_NS_OFFSET, blocked(joining));
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_BLOCKED_AT_NS_OFFSET, Clock.now());
    place(r, i, r.tail());
    r.casEntry(i, joining, word(generation(joining), r.me, EntryState.Active)); // pairs(entry)
    VarHandle.fullFence(); // its partner is the producers' between tail and scan
    place(r, i, r.tail());
    return i;
  }

  private static int take(Ring r) {
    for (int i = 0; i < ENTRY_COUNT; i++) {
      long word = r.entryState(i);
      if (state(word) != EntryState.Free) {
        continue;
      }
      raise(r, i + 1);
      int generation = word == 0 ? (int) Hashes.random() | 1 : generation(word) + 1;
      if (r.casEntry(i, word, word(generation, r.me, EntryState.Joining))) { // pairs(entry)
        return i;
      }
    }
    return -1;
  }

  /** Says that entries below high are used. */
  static void raise(Ring r, long high) {
    int at = Shape.CONTROL + RING_CONTROL_ENTRY_HIGH_OFFSET;
    for (long now = Words.acquire(r.words, at); now < high; now = Words.acquire(r.words, at)) {
      Words.cas(r.words, at, now, high);
    }
  }

  private static void place(Ring r, int i, long position) {
    int at = r.entryAt(i);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_JOINED_OFFSET, position);
    Words.setRelaxed(r.words, at + CONSUMER_ENTRY_LEASE_END_OFFSET, position);
    Words.release(r.words, at + CONSUMER_ENTRY_CURSOR_OFFSET, position); // pairs(cursor)
  }

  /** Gives an entry back, whatever became of it, if it is still of this generation. */
  static void leave(Ring r, int i, int generation) {
    for (long word = r.entryState(i); generation(word) == generation && state(word) != EntryState.Free; word = r.entryState(i)) {
      if (r.casEntry(i, word, word(generation, 0, EntryState.Free))) { // pairs(entry)
        break;
      }
    }
    Wake.producers(r);
  }

  /** Frees an entry whose participant is dead; true if it is free of it. A system call. */
  static boolean freeIfDead(Ring r, int i, long word) {
    if (state(word) == EntryState.Free || participant(word) == NOBODY || r.table.alive(participant(word))) {
      return false;
    }
    if (r.casEntry(i, word, word(generation(word), 0, EntryState.Free))) { // pairs(entry)
      Wake.producers(r);
    }
    return true;
  }

  /** Puts a reader out. */
  static void evict(Ring r, int i, long word) {
    long evicting = word(generation(word), participant(word), EntryState.Evicting);
    if (r.casEntry(i, word, evicting)) { // pairs(entry)
      finishEviction(r, i, evicting);
    }
  }

  static void finishEviction(Ring r, int i, long evicting) {
    if (r.casEntry(i, evicting, word(generation(evicting), participant(evicting), EntryState.Evicted))) { // pairs(entry)
      r.count(RING_CONTROL_EVICTED_OFFSET);
      rouse(r, i, evicting);
      Wake.producers(r);
    }
  }

  /** Rings a reader's bell, and those of a group's members. */
  static void rouse(Ring r, int i, long word) {
    if (participant(word) != NOBODY) {
      r.table.ring(participant(word));
      return;
    }
    for (int k = 0; k < r.entriesUsed(); k++) {
      long member = r.entryState(k);
      int at = r.entryAt(k);
      if (state(member) == EntryState.Active && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_MODE_OFFSET) == io.github.ringcast.fb.EntryMode.Member
          && Words.intRelaxed(r.words, at + CONSUMER_ENTRY_GROUP_OFFSET) == i + 1) {
        r.table.ring(participant(member));
      }
    }
  }
}
