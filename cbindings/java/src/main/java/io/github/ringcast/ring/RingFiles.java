package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.SegmentKind;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Kernel;
import io.github.ringcast.shm.Maker;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.Rights;
import io.github.ringcast.shm.Segment;
import java.io.File;

/** Finds, makes and removes the two files of a ring: spec/ring.md, 9. Blocks for up to 2 s; allocates. */
public final class RingFiles {
  private static final long PATIENCE = 2_000_000_000L;
  static final long REPLACING = 20_000_000L;
  private static final long LOOK = 100_000;

  private final Participants table;
  private final String path;
  private final Shape asked;
  private final Rights rights;
  private final boolean producer;
  /** What a ring that is not there is made for; null: it is not made. */
  private final Purpose make;
  private boolean missing;
  private long since;

  private RingFiles(Participants table, String path, Shape asked, Rights rights, boolean producer, Purpose make) {
    this.rights = rights;
    this.make = make;
    this.table = table;
    this.path = path;
    this.asked = asked;
    this.producer = producer;
  }

  /** Opens the ring of a path for a reader, or makes it. */
  public static Ring open(Participants table, String path) {
    return open(table, path, Purpose.TOPIC, Shape.ANY);
  }

  /** The same for a ring of any purpose, in this shape if it is made. */
  static Ring open(Participants table, String path, Purpose purpose, Shape asked) {
    return new RingFiles(table, path, asked, null, false, purpose).open();
  }

  /** Opens a service's ring for those who answer there, or makes it; one nobody wrote takes the shape asked for. */
  static Ring openService(Participants table, String path, Shape asked, Rights rights) {
    return new RingFiles(table, path, asked, rights, true, Purpose.SERVICE).open();
  }

  /** Opens a ring that is there for writing; null if there is none. */
  static Ring openWritableIfThere(Participants table, String path) {
    return new RingFiles(table, path, Shape.ANY, null, true, null).open();
  }

  /** Whether somebody uses a ring of that path: one that nobody uses is removed by this. */
  public static boolean used(Participants table, String path) {
    for (int i = 0; i < 2; i++) {
      Ring r;
      try {
        r = openIfThere(table, path);
      } catch (RingcastException e) {
        return e.reason() != Reason.NOT_FOUND;
      }
      if (r == null) {
        return false;
      }
      close(r, path);
    }
    return true;
  }

  /** The same for a producer, whose shape and rights (null: none are asked for) replace those of a ring nobody wrote. */
  static Ring openForWriting(Participants table, String path, Shape asked, Rights rights) {
    return new RingFiles(table, path, asked, rights, true, Purpose.TOPIC).open();
  }

  /** The same for who only wants to look at a ring that is there; null if there is none. */
  static Ring openIfThere(Participants table, String path) {
    return new RingFiles(table, path, Shape.ANY, null, false, null).open();
  }

  private Ring open() {
    long began = Clock.now();
    for (;;) {
      Ring r = attempt();
      if (r != null || missing) {
        return r;
      }
      if (Clock.now() - began > PATIENCE) {
        throw new RingcastException(Reason.IN_USE, path + ": somebody makes, removes or replaces this ring and does not go on");
      }
      Clock.pause(LOOK);
    }
  }

  static String data(String path, long id) {
    return path + "." + id(id) + ".dat";
  }

  static String id(long id) {
    return String.format("%015x", id);
  }

  /** One attempt; null to look again. */
  private Ring attempt() {
    Segment control;
    try {
      control = Segment.open(path + ".ctl", SegmentKind.RingControl, true, Integer.MAX_VALUE);
    } catch (RingcastException e) {
      if (e.reason() != Reason.NOT_FOUND) {
        throw e;
      }
      since = 0;
      missing = make == null;
      return missing ? null : make();
    }
    Ring r = null;
    boolean kept = false;
    try {
      Shape shape = Shape.read(control.fixed(), control.size(), control.path());
      if (control.retired()) {
        Replacement.finish(new Ring(control, null, shape, table), path);
        return null;
      }
      r = withData(control, shape);
      kept = r != null && usable(r);
      return kept ? r : null;
    } finally {
      if (!kept) {
        if (r != null) {
          r.data.close();
        }
        control.close();
      }
    }
  }

  private Ring withData(Segment control, Shape shape) {
    long id = control.fixed().getLong(Shape.GEOMETRY + RING_GEOMETRY_DATA_ID_OFFSET);
    Segment data;
    try {
      data = Segment.open(data(path, id), SegmentKind.RingData, producer, SEGMENT_HEADER_SIZE);
    } catch (RingcastException e) {
      if (e.reason() != Reason.NOT_FOUND) {
        throw e;
      }
      if (lasting()) {
        new Ring(control, null, shape, table).damage(); // a ring without slots
      }
      return null;
    }
    if (data.id() != id || data.size() != shape.dataSize() || data.fixed().limit() != SEGMENT_HEADER_SIZE) {
      data.close();
      throw new RingcastException(Reason.DAMAGED, data.path() + ": is not of this ring, or has another size: remove both files when nobody uses them");
    }
    return new Ring(control, data, shape, table);
  }

  /** Whether what is odd has been so for 20 ms. */
  private boolean lasting() {
    long now = Clock.now();
    if (since == 0) {
      since = now;
    }
    return now - since > REPLACING;
  }

  private boolean usable(Ring r) {
    if (r.sealed()) {
      if (lasting()) {
        Replacement.replace(r, path, asked, rights);
      }
      return false;
    }
    if (r.retired()) {
      return false;
    }
    since = 0;
    boolean other = rights != null && !rights.hadBy(r.data);
    if (!producer || r.shape.has(asked, Purpose.of(r)) && !other) {
      return true;
    }
    if (other && r.written()) {
      throw rights.refusal(r.data);
    }
    if (r.written() || !Replacement.replace(r, path, asked, rights)) {
      throw new RingcastException(Reason.SHAPE, path + ": has " + r.shape + ", and was written or is in use; asked for " + asked.over(r.shape, Purpose.of(r))
          + ": ask for that shape, or for none");
    }
    return false;
  }

  /** Makes both files; null if somebody was faster. */
  private Ring make() {
    Rights domain = Rights.ofDirectory(path);
    Rights data = domain.over(rights);
    return build(table, path, path + ".ctl", Maker.newId(), asked.over(make.standard, make), make, data, data.forControl(domain));
  }

  /** Builds a ring whose control file gets this name; null if that is taken. */
  static Ring build(Participants table, String path, String name, long id, Shape shape, Purpose purpose, Rights dataRights, Rights controlRights) {
    Maker dataMaker = new Maker(path + ".dat", SegmentKind.RingData, shape.dataSize(), SEGMENT_HEADER_SIZE).rights(dataRights);
    Segment data = dataMaker.build(SEGMENT_HEADER_SIZE, w -> { });
    Segment control = null;
    boolean linked = false;
    try {
      if (!data.link(data(path, data.id()))) {
        return null;
      }
      control = new Maker(name, SegmentKind.RingControl, shape.controlSize(), Shape.CONTROL).id(id).rights(controlRights)
          .build(Integer.MAX_VALUE, w -> shape.write(w, data.id(), purpose));
      linked = control.link(name);
      return linked ? new Ring(control, data, shape, table) : null;
    } finally {
      if (!linked) {
        Kernel.remove(data(path, data.id()));
        data.close();
        if (control != null) {
          control.close();
        }
      }
    }
  }

  /** Closes a ring, if nobody else here uses it; the last user of all removes its files. */
  public static void close(Ring r, String path) {
    if (!r.lastCloses()) {
      return;
    }
    boolean gone = r.control.removeAlone(() -> nobodyComes(r)) && r.control.retired() && !r.control.hasItsName();
    if (gone) {
      Kernel.remove(data(path, r.control.fixed().getLong(Shape.GEOMETRY + RING_GEOMETRY_DATA_ID_OFFSET)));
      removeGroups(path, r.control.id());
    }
    closeOnly(r);
  }

  /** Closes a ring and removes nothing. */
  static void closeOnly(Ring r) {
    r.groups.values().forEach(GroupFile::close);
    if (r.data != null) {
      r.data.close();
    }
    r.control.close();
  }

  /** Whether no entry names a living participant, and no group waits for its members. */
  private static boolean nobodyComes(Ring r) {
    for (int i = 0; i < r.entriesUsed(); i++) {
      long word = r.entryState(i);
      int state = Entries.state(word);
      if (state == EntryState.Free) {
        continue;
      }
      boolean group = Entries.participant(word) == Entries.NOBODY;
      if (group ? state != EntryState.Leaving : r.table.alive(Entries.participant(word))) {
        return false;
      }
    }
    return true;
  }

  static void removeGroups(String path, long ringId) {
    File p = new File(path);
    String prefix = p.getName() + "." + id(ringId) + ".";
    String[] names = p.getParentFile().list((d, name) -> name.startsWith(prefix) && name.endsWith(".group"));
    if (names != null) {
      for (String name : names) {
        Kernel.remove(p.getParent() + "/" + name);
      }
    }
  }
}
