package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.SegmentKind;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.Segment;
import java.io.File;
import java.util.List;

/**
 * Takes back what the dead hold in the rings of a domain: spec/ring.md, 13. Any number of processes
 * may do it at once. Blocks, allocates, makes system calls.
 */
public final class Recovery {
  private static final List<String> PARTS = List.of("topics", "services", "inbox");

  /** How many slots are looked at where one was quarantined, besides that one. */
  static final int MOST_RECLAIMED = 64;

  private Recovery() {}

  /** Takes everything back from a dead index; false if it lives, or if a ring could not be opened. */
  public static boolean takeBack(Participants table, String directory, int dead) {
    boolean all = true;
    for (String part : PARTS) {
      for (String name : names(directory + "/" + part, ".ctl")) {
        all &= takeBackFrom(table, directory + "/" + part + "/" + name.substring(0, name.length() - 4), dead);
      }
    }
    return all;
  }

  /** Opens and closes every ring: the last user of one removes it. */
  public static void removeUnused(Participants table, String directory) {
    for (String part : PARTS) {
      for (String name : names(directory + "/" + part, ".ctl")) {
        Ring r = open(table, directory + "/" + part + "/" + name.substring(0, name.length() - 4));
        if (r != null) {
          RingFiles.close(r, directory + "/" + part + "/" + name.substring(0, name.length() - 4));
        }
      }
      Litter.sweep(directory + "/" + part);
    }
  }

  static String[] names(String directory, String suffix) {
    String[] names = new File(directory).list((d, name) -> name.endsWith(suffix));
    return names == null ? new String[0] : names;
  }

  /** The control file alone; null if there is none that can be used. */
  private static Ring open(Participants table, String path) {
    Segment control = null;
    try {
      control = Segment.open(path + ".ctl", SegmentKind.RingControl, true, Integer.MAX_VALUE);
      return new Ring(control, null, Shape.read(control.fixed(), control.size(), control.path()), table);
    } catch (RingcastException e) {
      if (control != null) {
        control.close();
      }
      if (e.reason() == Reason.PERMISSION || e.reason() == Reason.IN_USE) {
        throw e;
      }
      return null; // it went away, or is none of ours
    }
  }

  private static boolean takeBackFrom(Participants table, String path, int dead) {
    Ring r;
    try {
      r = open(table, path);
    } catch (RingcastException e) {
      return false; // the index stays unusable
    }
    if (r == null) {
      return true;
    }
    try {
      boolean done = claims(r, dead) && owner(r, dead) && entries(r, dead) && GroupRecovery.rows(r, path, dead);
      Wake.readers(r);
      Wake.producers(r);
      return done;
    } finally {
      RingFiles.close(r, path);
    }
  }

  private static boolean claims(Ring r, int dead) {
    for (int slot = 0; slot < r.count; slot++) {
      if (!claim(r, slot, dead)) {
        return false;
      }
    }
    return true;
  }

  /** Takes back one claim word, if it names the dead; false if he lives. */
  private static boolean claim(Ring r, int slot, int dead) {
    for (long word = r.claim(slot); Claims.owner(word) == dead && held(word); word = r.claim(slot)) {
      if (r.table.alive(dead)) {
        return false;
      }
      if (r.casClaim(slot, word, Claims.word(Claims.lap(word), 0, ClaimState.Hole))) {
        r.count(RING_CONTROL_RECOVERED_OFFSET);
      }
    }
    return true;
  }

  /**
   * Takes quarantined claims of the dead back, that of a position and those of the slots from another on; whether there were any. A
   * living one's may lie first on every lap, and the dead's behind them.
   */
  static boolean quarantined(Ring r, long position, long from) {
    boolean taken = false;
    int living = -1;
    for (int i = -1; i < Math.min(r.count, MOST_RECLAIMED); i++) {
      int slot = (int) ((i < 0 ? position : from + i) & r.mask);
      long word = r.claim(slot);
      int owner = Claims.owner(word);
      if (Claims.state(word) != ClaimState.Quarantined || owner == living) {
        continue; // a large message has many claims
      }
      if (claim(r, slot, owner)) {
        taken = true;
      } else {
        living = owner;
      }
    }
    if (taken) {
      Wake.readers(r);
    }
    return taken;
  }

  private static boolean held(long word) {
    return Claims.state(word) == ClaimState.Writing || Claims.state(word) == ClaimState.Quarantined;
  }

  private static boolean owner(Ring r, int dead) {
    for (long word = r.owner(); (word & 0xffffffffL) == dead + 1L; word = r.owner()) {
      if (r.table.alive(dead)) {
        return false;
      }
      r.casOwner(word, word >>> 32 << 32);
    }
    return true;
  }

  private static boolean entries(Ring r, int dead) {
    for (int i = 0; i < ENTRY_COUNT; i++) {
      for (long word = r.entryState(i); Entries.participant(word) == dead && Entries.state(word) != EntryState.Free; word = r.entryState(i)) {
        if (r.table.alive(dead)) {
          return false;
        }
        r.casEntry(i, word, Entries.word(Entries.generation(word), 0, EntryState.Free)); // pairs(entry)
      }
    }
    return true;
  }

}
