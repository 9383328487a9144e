package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.Content;
import io.github.ringcast.fb.EntryMode;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.Rights;
import io.github.ringcast.shm.Words;
import java.nio.ByteBuffer;

/**
 * Publishes on one topic: its ring, and the ring that takes that one's place; messages of several
 * slots. Nothing here waits. For one thread.
 */
public final class Outlet {
  /** Beside the results of {@link Producer}: a queue group wants every message in one slot. */
  public static final int GROUPED = -10;
  static final int WHOLE = MessageFlag.Begin | MessageFlag.End;

  private final Participants table;
  private final String path;
  private final Shape asked;
  private final Rights rights;
  private Producer producer;
  private final Fragments fragments = new Fragments();

  /** Opens the ring for publishing, and takes it where it is exclusive. Blocks for up to 2 s; allocates. */
  public Outlet(Participants table, String path, Shape asked, Rights rights) {
    this.rights = rights;
    this.table = table;
    this.path = path;
    this.asked = asked;
    open();
    producer.ring().count(RING_CONTROL_HANDLES_OFFSET);
  }

  private void open() {
    for (;;) {
      Ring r = RingFiles.openForWriting(table, path, asked, rights);
      boolean kept = false;
      try {
        producer = Producer.of(r);
        kept = producer != null;
      } finally {
        if (!kept) {
          RingFiles.close(r, path);
        }
      }
      if (kept) {
        return;
      }
    }
  }

  /** Opens the name again after the ring was given up. */
  public void reopen() {
    close();
    open();
  }

  /** Gives an exclusive ring up and closes it; the last user removes it. Twice is fine. */
  public void close() {
    if (producer != null) {
      Ring r = producer.ring();
      producer.close();
      producer = null;
      RingFiles.close(r, path);
    }
  }

  public Producer producer() {
    return producer;
  }

  public Ring ring() {
    return producer.ring();
  }

  /** The last word of a slot header, of a message of kind Data. */
  static long marks(int content, int schema) {
    return schema & 0xffffffffL | (long) content << 40;
  }

  static void header(ByteBuffer slot, int at, Header h, int offset, int length, int total, int fragment, int flags, long marks) {
    slot.putLong(at + SLOT_HEADER_PAYLOAD_START_OFFSET, offset | (long) length << 32);
    slot.putLong(at + SLOT_HEADER_PRODUCER_OFFSET, h.source0);
    slot.putLong(at + SLOT_HEADER_PRODUCER_OFFSET + 8, h.source1);
    slot.putLong(at + SLOT_HEADER_SEQUENCE_OFFSET, h.sequence);
    slot.putLong(at + SLOT_HEADER_TIMESTAMP_NS_OFFSET, h.timestamp);
    long all = h.timestamp != 0 ? flags | MessageFlag.Timestamped : flags;
    slot.putLong(at + SLOT_HEADER_TOTAL_LENGTH_OFFSET, total & 0xffffffffL | (long) (fragment & 0xffff) << 32 | all << 48);
    slot.putLong(at + SLOT_HEADER_SCHEMA_HASH_OFFSET, marks);
  }

  /** One attempt to publish bytes that fit a slot: a result of Producer. A fenced claim is to be tried again. */
  public int publish(Header h, ByteBuffer from, int index, int length) {
    long t = producer.claim();
    if (t < 0) {
      return (int) t;
    }
    Ring r = producer.ring();
    ByteBuffer chunk = r.chunk(t);
    int at = r.at(t);
    if (length != 0) {
      chunk.put(at + SLOT_HEADER_SIZE, from, index, length);
    }
    header(chunk, at, h, SLOT_HEADER_SIZE, length, length, 0, WHOLE, marks(Content.Raw, h.schema));
    return producer.commit(t, chunk, at);
  }

  /** One attempt to publish a letter, which fits a slot with its block: a result of Producer. */
  public int publish(Header h, Letter letter) {
    long t = producer.claim();
    if (t < 0) {
      return (int) t;
    }
    ByteBuffer chunk = producer.r.chunk(t);
    int at = producer.r.at(t);
    letter.write(chunk, at, h);
    return producer.commit(t, chunk, at);
  }

  /** The same from an array. */
  public int publish(Header h, byte[] from, int index, int length) {
    long t = producer.claim();
    if (t < 0) {
      return (int) t;
    }
    Ring r = producer.ring();
    ByteBuffer chunk = r.chunk(t);
    int at = r.at(t);
    if (length != 0) {
      chunk.put(at + SLOT_HEADER_SIZE, from, index, length);
    }
    header(chunk, at, h, SLOT_HEADER_SIZE, length, length, 0, WHOLE, marks(Content.Raw, h.schema));
    return producer.commit(t, chunk, at);
  }

  /** One attempt to publish a message of several slots: a result of Producer, or GROUPED. */
  public int publishFragments(Header h, ByteBuffer from, int index, int length) {
    Ring r = producer.ring();
    if (r.retired()) {
      return Producer.RETIRED;
    }
    if (grouped(r)) {
      return GROUPED;
    }
    return fragments.put(producer, h, from, index, length, 0, marks(Content.Raw, h.schema));
  }

  /** Whether a queue group gates the ring. */
  private static boolean grouped(Ring r) {
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      int state = Entries.state(r.entryState(i));
      if ((state == EntryState.Active || state == EntryState.Evicting)
          && Words.intRelaxed(r.words, r.entryAt(i) + CONSUMER_ENTRY_MODE_OFFSET) == EntryMode.Group) {
        return true;
      }
    }
    return false;
  }

  /** How many readers the ring has now. */
  public int readers() {
    Ring r = producer.ring();
    int n = 0;
    for (int i = 0, used = r.entriesUsed(); i < used; i++) {
      long word = r.entryState(i);
      if (Entries.state(word) == EntryState.Active && Entries.participant(word) != Entries.NOBODY) {
        n++;
      }
    }
    return n;
  }

  /** Whether an entry of the ring names this participant: it is subscribed. */
  public boolean names(int participant) {
    Ring r = producer.ring();
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      long word = r.entryState(i);
      if (Entries.state(word) == EntryState.Active && Entries.participant(word) == participant) {
        return true;
      }
    }
    return false;
  }
}
