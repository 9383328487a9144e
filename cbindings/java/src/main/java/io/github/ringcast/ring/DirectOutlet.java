package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.EntryState;
import io.github.ringcast.shm.Participants;

/** Puts direct messages into an inbox or a service's queue that is there. Nothing here waits. For one thread at a time. */
public final class DirectOutlet {
  private final String path;
  private final Ring r;
  private final Producer producer;
  private final Header header = new Header();
  private int seat = -1;
  private long seatWord;

  private DirectOutlet(Ring r, String path, long source0, long source1) {
    this.r = r;
    this.path = path;
    producer = Producer.of(r);
    header.source0 = source0;
    header.source1 = source1;
    header.sequence = 1;
  }

  /** Opens the ring; null if there is none. The source is this participant's address. Blocks for up to 2 s; allocates. */
  public static DirectOutlet ifThere(Participants table, String path, long source0, long source1) {
    Ring r = RingFiles.openWritableIfThere(table, path);
    if (r == null) {
      return null;
    }
    if (r.exclusive || r.payload <= ADDRESS_BLOCK_SIZE) {
      RingFiles.close(r, path);
      return null; // nobody who keeps to the rules makes it so
    }
    return new DirectOutlet(r, path, source0, source1);
  }

  /** Bytes of the largest message. */
  public int room() {
    return r.payload - ADDRESS_BLOCK_SIZE;
  }

  /** Bytes of the largest message of several slots, which a forwarder's uplink takes. */
  public int longRoom() {
    return r.shape().messageLimit() - ADDRESS_BLOCK_SIZE;
  }

  public Ring ring() {
    return r;
  }

  /** Its position, or FULL, STALLED or RETIRED of {@link Producer}. */
  public long put(Letter letter) {
    for (;;) {
      long t = producer.claim();
      if (t < 0) {
        return t;
      }
      letter.write(r.chunk(t), r.at(t), header);
      if (producer.commit(t, r.chunk(t), r.at(t)) == Producer.OK) {
        header.sequence++;
        return t;
      }
    }
  }

  /** The same of a message that does not fit a slot, in several, its block at the head of the payload; 0 where it was put. */
  public long putLong(Letter letter) {
    for (;;) {
      java.nio.ByteBuffer all = letter.whole(header);
      int result = new Fragments().put(producer, header, all, 0, all.capacity(), letter.flags(), letter.marks());
      if (result == Producer.OK) {
        header.sequence++;
      }
      if (result != Producer.FENCED) {
        return result;
      }
    }
  }

  /** Finds the entry of the participant who reads here; false if it has none. */
  public boolean seat(int participant) {
    for (int i = 0, n = r.entriesUsed(); i < n; i++) {
      long word = r.entryState(i);
      if (Entries.state(word) == EntryState.Active && Entries.participant(word) == participant) {
        seat = i;
        seatWord = word;
        return true;
      }
    }
    return false;
  }

  /** Whether the one who was seated is there still. One load. */
  public boolean seated() {
    return seat >= 0 && r.entryState(seat) == seatWord;
  }

  /** Lets the ring go; the last user removes it. */
  public void close() {
    producer.close();
    RingFiles.close(r, path);
  }
}
