package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.LockByte;
import io.github.ringcast.fb.SegmentKind;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The node segment: who this node is, and the forwarder's seat: spec/segment.md, 4 and 8. */
public final class Node implements AutoCloseable {
  private static final int BODY = SEGMENT_HEADER_SIZE;
  private static final int FIXED = BODY + NODE_RECORD_SESSION_OFFSET;

  private final Segment segment;
  private final int id;
  private final int epoch;

  /** Opens it, or makes it with the id asked for; 0 asks for none. */
  public Node(String directory, int wanted) {
    Maker maker = new Maker(directory + "/node", SegmentKind.Node, BODY + NODE_RECORD_SIZE, FIXED);
    segment = maker.openOrMake(w -> {
      w.putInt(BODY + NODE_RECORD_NODE_OFFSET, wanted != 0 ? wanted : makeId(directory));
      w.putInt(BODY + NODE_RECORD_EPOCH_OFFSET, random());
    });
    ByteBuffer fixed = segment.fixed();
    boolean whole = fixed.limit() >= FIXED && segment.size() >= BODY + NODE_RECORD_SIZE;
    id = whole ? fixed.getInt(BODY + NODE_RECORD_NODE_OFFSET) : 0;
    epoch = whole ? fixed.getInt(BODY + NODE_RECORD_EPOCH_OFFSET) : 0;
    if (id == 0 || epoch == 0) {
      segment.close();
      throw SegmentCheck.error(Reason.DAMAGED, segment.path(), "no node id, or no epoch");
    }
    if (wanted != 0 && wanted != id) {
      segment.close();
      throw new RingcastException(Reason.INVALID, directory + ": is node " + Integer.toUnsignedString(id) + ", asked for "
          + Integer.toUnsignedString(wanted) + ": use another domain or directory");
    }
  }

  private static int makeId(String directory) {
    byte[] machine = machine().getBytes(StandardCharsets.UTF_8);
    byte[] path = directory.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(machine.length + 1 + path.length + 8);
    all.put(machine).put((byte) 0).put(path).putLong(Hashes.random());
    long h = Hashes.fnv64(all.array());
    int folded = (int) (h >>> 32) ^ (int) h;
    return folded != 0 ? folded : 1;
  }

  private static String machine() {
    String id = Hashes.firstLine("/etc/machine-id");
    if (!id.isEmpty()) {
      return id;
    }
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "";
    }
  }

  private static int random() {
    for (;;) {
      int r = (int) Hashes.random();
      if (r != 0) {
        return r;
      }
    }
  }

  public int id() {
    return id;
  }

  public int epoch() {
    return epoch;
  }

  /** Whether a forwarder runs. A system call. */
  public boolean forwarderAlive() {
    return Kernel.lockedExclusively(segment.descriptor(), LockByte.Forwarder);
  }

  /** Rings the forwarder's doorbell if there is one. */
  void ringForwarder(Participants table) {
    long word = Words.acquire(segment.words(), BODY + NODE_RECORD_FORWARDER_OFFSET);
    int i = (int) word - 1;
    if (i >= 0 && i < table.count() && table.state(i) == Participants.word((int) (word >>> 32), 1)) {
      table.ring(i);
    }
  }

  /** The forwarder's participant, as its generation above its index and one; 0: there is none, or it has gone. */
  public long forwarder(Participants table) {
    long word = Words.acquire(segment.words(), BODY + NODE_RECORD_FORWARDER_OFFSET);
    return table.present((int) word - 1, (int) (word >>> 32)) ? word : 0;
  }

  /** The value of changes that the forwarder has taken notice of. */
  public long scanned() {
    return Words.acquire(segment.words(), BODY + NODE_RECORD_SCANNED_OFFSET); // pairs(scanned)
  }

  @Override
  public void close() {
    segment.close();
  }
}
