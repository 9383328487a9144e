package io.github.ringcast.ring;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;

/** What one reader keeps, with the entry that it has and with the one before. For one thread. */
final class Keeper {
  private final Ring r;
  /** Of the entry that the reader has; null: nothing so far. */
  private Holding held;
  /** Of the entry before, if some are left. */
  private Holding parted;

  Keeper(Ring ring) {
    r = ring;
  }

  /** The lowest position that may not be given back. */
  long floor(long cursor) {
    return held == null ? cursor : held.floor(cursor);
  }

  /** The end of a lease that begins at the cursor: it holds a quarter of the ring at most, but two slots, with what is kept. */
  long limit(long cursor, int lease) {
    return Math.min(cursor + lease, floor(cursor) + Math.max(2, r.count / 4));
  }

  /** Whether a lease may begin at the cursor; false: the reader was put out, and what it keeps stays behind. Throws BUSY. */
  boolean mayLend(long cursor, int lease, boolean in) {
    if (held == null || limit(cursor, lease) > cursor) {
      return true;
    }
    if (in) {
      throw new RingcastException(Reason.BUSY, "read: messages that are kept, and what was read since, take a quarter of the ring: close some");
    }
    return false;
  }

  /** Keeps a position under the reader's entry. Throws BUSY: or one reader could hold all slots, piece by piece. */
  Keeping keep(long position, String path, int entry, int generation) {
    if (parted != null && !parted.isEmpty()) {
      throw new RingcastException(Reason.BUSY, "keep a message: some are kept from before this reader was put out: close them first");
    }
    if (held == null) {
      held = new Holding(r, path, entry, generation);
    }
    return held.keep(position);
  }

  /** Gives the entry back, unless something is kept in it: then that gives it back. */
  void leave(int entry, int generation) {
    if (held != null && held.part()) {
      parted = held;
    } else {
      Entries.leave(r, entry, generation);
    }
    held = null;
  }

  /** Takes over what the reader before has kept. */
  void inherit(Keeper before) {
    parted = before.parted;
  }
}
