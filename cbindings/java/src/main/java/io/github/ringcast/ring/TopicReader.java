package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.shm.Participants;
import java.nio.ByteBuffer;

/**
 * Reads one topic: its ring, the ring that takes that one's place, and messages of several slots as
 * one. For one thread.
 */
public final class TopicReader implements Source {
  private static final int WHOLE = MessageFlag.Begin | MessageFlag.End;

  private final Participants table;
  private final String path;
  private final boolean asLatest;
  private final Purpose purpose;
  private final Shape asked;
  private Reader reader;
  private Assembler assembler;

  private TopicReader(Participants table, String path, boolean asLatest, Purpose purpose, Shape asked) {
    this.table = table;
    this.path = path;
    this.asLatest = asLatest;
    this.purpose = purpose;
    this.asked = asked;
  }

  /** Makes one of the two rings of an inbox, with so many slots of so many bytes, and is entered there when it returns. */
  public static TopicReader inbox(Participants table, String path, int slots, int payload) {
    TopicReader t = new TopicReader(table, path, false, Purpose.INBOX, new Shape(slots, payload, 0, 0, 0, 0, 0).asked());
    t.enter(0, true);
    return t;
  }

  /** The position that is read next. */
  public long cursor() {
    return reader.cursor();
  }

  /** How many positions were claimed: a hint. */
  public long tail() {
    return reader.ring().tail();
  }

  /** The ring that is read now. */
  public Ring ring() {
    return reader.ring();
  }

  /** Opens the ring, making it if nobody did, and is entered there when it returns. */
  public static TopicReader open(Participants table, String path, boolean asLatest, long history) {
    TopicReader t = new TopicReader(table, path, asLatest, Purpose.TOPIC, Shape.ANY);
    t.enter(history, true);
    return t;
  }

  /** The same for a ring that is there; null if there is none. */
  public static TopicReader ifThere(Participants table, String path, boolean asLatest, long history) {
    TopicReader t = new TopicReader(table, path, asLatest, Purpose.TOPIC, Shape.ANY);
    return t.enter(history, false) ? t : null;
  }

  private boolean enter(long history, boolean make) {
    for (;;) {
      Ring r = make ? RingFiles.open(table, path, purpose, asked) : RingFiles.openIfThere(table, path);
      if (r == null) {
        return false;
      }
      boolean entered = false;
      try {
        reader = Reader.join(r, asLatest, history);
        entered = true;
      } finally {
        if (!entered) {
          RingFiles.close(r, path);
        }
      }
      assembler = new Assembler(r);
      if (!r.retired()) {
        return true;
      }
      reader.leave(); // it was replaced between the two: the successor knows nothing of this entry
      RingFiles.close(r, path);
    }
  }

  @Override
  public Keeping keep(Received lent) {
    return reader.keep(lent, path);
  }

  @Override
  public boolean copiesInto(ByteBuffer bytes) {
    return reader.copiesInto(bytes);
  }

  @Override
  public void prepareSleep() {
    reader.prepareSleep();
  }

  @Override
  public boolean ready() {
    return reader.ready();
  }

  @Override
  public long nap() {
    return reader.nap();
  }

  @Override
  public long behind() {
    return reader.behind();
  }

  @Override
  public boolean hint() {
    return reader.hint();
  }

  @Override
  public boolean letRunAhead() {
    return reader.letRunAhead();
  }

  @Override
  public boolean afar() {
    return reader.afar();
  }

  @Override
  public boolean backlog(int messages) {
    return reader.backlog(messages);
  }

  /** What it gives to the publishers of a stream in the ring that is read now. */
  public StreamLead lead() {
    return reader.lead;
  }

  /** The short way of poll: the next message, where it was seen to be there and is whole in its slot. False: poll. Never waits. */
  public boolean quick(Received out) {
    return reader.quick(out);
  }

  @Override
  public int poll(Received out, boolean waits) {
    for (;;) {
      int found = reader.poll(out, waits);
      if (found == Received.MESSAGE) {
        int flags = out.bytes.getShort(out.at + SLOT_HEADER_FLAGS_OFFSET);
        if (out.bytes.get(out.at + SLOT_HEADER_KIND_OFFSET) == MessageKind.System) {
          continue; // never shown
        }
        if ((flags & WHOLE) == WHOLE) {
          return found;
        }
        found = assembler.take(out);
        if (found != Received.NOTHING) {
          return found;
        }
      } else if (found == Received.ENDED) {
        found = follow(out);
        if (found != Received.NOTHING) {
          return found;
        }
      } else {
        if (found == Received.LAGGED) {
          assembler.clear();
        }
        return found;
      }
    }
  }

  /** Goes on in the ring that took this one's place. Blocks for up to 2 s; allocates. */
  private int follow(Received out) {
    Ring old = reader.ring();
    boolean unwritten = old.sealed();
    long from = reader.cursor();
    long tail = old.tail();
    Ring next = RingFiles.open(table, path, purpose, asked);
    Reader successor = null;
    try {
      successor = reader.follow(next, asLatest);
    } finally {
      if (successor == null) {
        RingFiles.close(next, path);
      }
    }
    reader.leave();
    RingFiles.close(old, path);
    successor.inherit(reader);
    reader = successor;
    assembler = new Assembler(next);
    if (!unwritten && tail > from) {
      out.lagged(from, Math.min(tail, from + old.count));
      return out.type;
    }
    return out.type = Received.NOTHING;
  }

  /** Leaves for good, also a successor that this reader was entered into and never saw. */
  @Override
  public void close() {
    int index = reader.entry();
    int generation = reader.generation();
    reader.leave();
    Ring r = reader.ring();
    boolean retired = r.retired();
    RingFiles.close(r, path);
    while (retired && index >= 0) {
      Ring next = RingFiles.openIfThere(table, path);
      if (next == null) {
        return;
      }
      if (Entries.participant(next.entryState(index)) == table.index()) {
        Entries.leave(next, index, generation);
      }
      retired = next.retired();
      RingFiles.close(next, path);
    }
  }
}
