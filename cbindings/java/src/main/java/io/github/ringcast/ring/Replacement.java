package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.fb.EntryMode;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.SegmentState;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Kernel;
import io.github.ringcast.shm.Maker;
import io.github.ringcast.shm.Rights;
import io.github.ringcast.shm.Words;

/** One ring in the place of another: spec/ring.md, 9. */
final class Replacement {
  private static final int STATE_SHIFT = STATE_BITS;

  private Replacement() {}

  /** Replaces a READY ring that nobody has written; false if somebody has, or owns it. */
  static boolean replace(Ring old, String path, Shape asked, Rights rights) {
    long id = Maker.newId();
    Ring next = successor(old, path, asked, rights, id);
    if (next == null) {
      return true; // look again
    }
    if (!seal(old)) {
      discard(next, path, id);
      return false;
    }
    return handOver(old, next, path, id, SegmentState.Ready);
  }

  /** Ends the replacement of a RETIRED ring that still has its name and is in use. */
  static void finish(Ring old, String path) {
    long word = old.control.state();
    if (word >>> STATE_SHIFT != 0) {
      Kernel.remove(path + ".ctl." + RingFiles.id(word >>> STATE_SHIFT)); // who only stopped can't rename it any more
    }
    if (!old.control.hasItsName()) {
      return;
    }
    long id = Maker.newId();
    Ring next = successor(old, path, Shape.ANY, null, id);
    if (next != null) {
      handOver(old, next, path, id, word);
    }
  }

  private static Ring successor(Ring old, String path, Shape asked, Rights rights, long id) {
    Rights domain = Rights.ofDirectory(path);
    Rights data = (old.data == null ? domain : domain.like(old.data)).over(rights);
    Rights control = data.forControl(domain);
    Purpose purpose = Purpose.of(old);
    return RingFiles.build(old.table, path, path + ".ctl." + RingFiles.id(id), id, asked.over(old.shape, purpose), purpose, data, control);
  }

  private static boolean seal(Ring old) {
    if (!old.exclusive) {
      return old.casClaim(0, 0, Claims.word(LAP_LIMIT, 0, ClaimState.Hole)) || old.sealed(); // pairs(seal)
    }
    long word = old.owner();
    long low = word & 0xffffffffL;
    if (low == OWNER_SEALED) {
      return true;
    }
    if (low != 0 && old.table.alive((int) low - 1) || old.tail() != 0) {
      return false;
    }
    return old.casOwner(word, (word >>> 32) + 1 << 32 | OWNER_SEALED); // pairs(seal)
  }

  /** Retires the old ring, enters its readers into the next, and gives that the name. */
  private static boolean handOver(Ring old, Ring next, String path, long id, long expected) {
    if (!old.control.casState(expected, id << STATE_SHIFT | SegmentState.Retired)) { // pairs(seal)
      discard(next, path, id);
      return true;
    }
    if (old.sealed()) {
      enter(old, next);
    }
    if (Kernel.move(path + ".ctl." + RingFiles.id(id), path + ".ctl") != 0) {
      discard(next, path, id); // another was faster
      return true;
    }
    next.control.renamed(path + ".ctl");
    Kernel.remove(RingFiles.data(path, old.control.fixed().getLong(Shape.GEOMETRY + RING_GEOMETRY_DATA_ID_OFFSET)));
    old.wakeAll();
    RingFiles.closeOnly(next);
    return true;
  }

  private static void enter(Ring old, Ring next) {
    for (int i = 0, n = old.entriesUsed(); i < n; i++) {
      long word = old.entryState(i);
      int from = old.entryAt(i);
      int to = next.entryAt(i);
      int mode = Words.intRelaxed(old.words, from + CONSUMER_ENTRY_MODE_OFFSET);
      boolean group = Entries.participant(word) == Entries.NOBODY;
      if (Entries.state(word) != EntryState.Active || mode == EntryMode.Member || group && !next.gated) {
        continue; // members join anew; a latest ring has no groups
      }
      Words.intSetRelaxed(next.words, to + CONSUMER_ENTRY_MODE_OFFSET, next.gated ? mode : (int) EntryMode.Latest);
      Words.intSetRelaxed(next.words, to + CONSUMER_ENTRY_GROUP_OFFSET, group ? Words.intRelaxed(old.words, from + CONSUMER_ENTRY_GROUP_OFFSET) : 0);
      Words.setRelaxed(next.words, to + CONSUMER_ENTRY_JOINED_OFFSET, group ? -1 : 0);
      Words.setRelaxed(next.words, to + CONSUMER_ENTRY_BLOCKED_NS_OFFSET, Entries.blocked(word));
      Words.setRelaxed(next.words, to + CONSUMER_ENTRY_BLOCKED_AT_NS_OFFSET, Clock.now());
      Entries.raise(next, i + 1);
      Words.setSequential(next.words, to + CONSUMER_ENTRY_STATE_OFFSET, word); // pairs(entry)
    }
  }

  private static void discard(Ring next, String path, long id) {
    Kernel.remove(path + ".ctl." + RingFiles.id(id));
    Kernel.remove(next.data.path());
    RingFiles.closeOnly(next);
  }
}
