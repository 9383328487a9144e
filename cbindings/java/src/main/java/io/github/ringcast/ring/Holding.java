package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.shm.Words;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Messages that are kept where they lie, of one entry of one ring: spec/ring.md, 7 (a reader that lends, and is put out). While
 * the reader is there it stores no cursor beyond the first of them; when it goes on with another entry, or closes, this one
 * stays for them, and producers step over just these slots. Safe for use by several threads.
 */
final class Holding {
  private final Ring r;
  private final String path;
  private final int entry;
  private final int generation;
  /** In the order of their positions. */
  private final Set<Place> places = new LinkedHashSet<>();
  /** The reader has gone on. */
  private boolean parted;

  /** One message. Safe for use by several threads. */
  static final class Place implements Keeping {
    private final Holding of;
    private final long position;

    private Place(Holding holding, long at) {
      of = holding;
      position = at;
    }

    @Override
    public void drop() {
      of.drop(this);
    }
  }

  Holding(Ring ring, String topic, int index, int generationOfEntry) {
    r = ring;
    path = topic;
    entry = index;
    generation = generationOfEntry;
  }

  synchronized Place keep(long position) {
    Place p = new Place(this, position);
    places.add(p);
    return p;
  }

  synchronized boolean isEmpty() {
    return places.isEmpty();
  }

  /** The lowest position that may not be given back; the cursor if nothing is kept. */
  synchronized long floor(long cursor) {
    return places.isEmpty() ? cursor : places.iterator().next().position;
  }

  /** The reader lets go of its entry: true if the entry has to stay. Then the ring stays open, too. */
  synchronized boolean part() {
    if (places.isEmpty()) {
      return false;
    }
    parted = true;
    r.share();
    shrink();
    return true;
  }

  /** Holds no more slots than it has to. */
  private void shrink() {
    long first = floor(0);
    long last = first;
    for (Place p : places) {
      last = p.position;
    }
    int at = r.entryAt(entry);
    Words.release(r.words, at + CONSUMER_ENTRY_CURSOR_OFFSET, first); // pairs(cursor)
    Words.release(r.words, at + CONSUMER_ENTRY_LEASE_END_OFFSET, last + 1); // pairs(lease)
  }

  private synchronized void drop(Place p) {
    boolean first = !places.isEmpty() && places.iterator().next() == p;
    if (!places.remove(p)) {
      return;
    }
    if (!parted) {
      if (first && Wake.readersSleep(r)) {
        r.table.ring(r.me); // the reader gives the slot back, in its own thread
      }
      return;
    }
    if (!places.isEmpty()) {
      shrink();
      return;
    }
    Entries.leave(r, entry, generation);
    RingFiles.close(r, path);
  }
}
