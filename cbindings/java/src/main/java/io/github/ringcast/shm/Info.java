package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.Interest;
import io.github.ringcast.fb.LockByte;
import io.github.ringcast.fb.ParticipantInfo;
import io.github.ringcast.fb.ServiceInfo;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What this participant says of itself: its name and its interests, each once: spec/segment.md, 6.
 * Safe for use by several threads.
 */
public final class Info {
  /** One thing that the participant does. */
  public record Want(String name, boolean pattern, boolean publisher, boolean localOnly, boolean live, int history) {
    /** Whether it is a subscription that takes a topic. */
    public boolean takes(String topic) {
      return !publisher && (name.equals(topic) || pattern && Names.matches(name, topic));
    }
  }

  private final String name;
  private final String version;
  private final String directory;
  /** A name that the participant answers to, and how many requests it runs at a time. */
  private record Service(String name, int limit) { }

  private final Map<Want, Integer> wants = new LinkedHashMap<>();
  private final List<Service> services = new ArrayList<>();
  private Participants participants;
  private int file = -1;

  public Info(String directory, String name, String version) {
    this.directory = directory;
    this.name = name;
    this.version = version;
  }

  /** Writes it into the record that is about to be LIVE. */
  synchronized void attach(Participants table) {
    participants = table;
    write();
  }

  synchronized void detach() {
    if (file >= 0) {
      Kernel.closeFile(file);
      file = -1;
    }
    Kernel.remove(directory + "/live/" + participants.index() + ".info");
    participants = null;
  }

  /** Tells of one more use. */
  public synchronized void add(Want want) {
    if (wants.merge(want, 1, Integer::sum) == 1) {
      tell(() -> wants.remove(want));
    }
  }

  /** How many own subscriptions take a topic. */
  public synchronized int subscriptions(String topic) {
    return wants.entrySet().stream().filter(e -> e.getKey().takes(topic)).mapToInt(Map.Entry::getValue).sum();
  }

  /** Takes one use back. */
  public synchronized void remove(Want want) {
    if (wants.computeIfPresent(want, (w, n) -> n == 1 ? null : n - 1) == null && participants != null) {
      tellLess();
    }
  }

  /** Tells of an instance. */
  public synchronized void serve(String service, int limit) {
    Service s = new Service(service, limit);
    services.add(s);
    tell(() -> services.remove(s));
  }

  /** Takes an instance back. */
  public synchronized void serveNoMore(String service, int limit) {
    if (services.remove(new Service(service, limit)) && participants != null) {
      tellLess();
    }
  }

  /** Writes what there is more; what can't be written is taken back, or no later table could be either. */
  private void tell(Runnable takeBack) {
    try {
      write();
    } catch (RuntimeException e) {
      takeBack.run();
      throw e;
    }
    participants.told();
  }

  /** Writes what there is less. Where that fails, as on a full file system, too much is told until the next time: who ends can't wait. */
  private void tellLess() {
    try {
      write();
    } catch (RingcastException e) {
      return;
    }
    participants.told();
  }

  private ByteBuffer table() {
    FlatBufferBuilder b = new FlatBufferBuilder(512);
    int[] interests = new int[wants.size()];
    int i = 0;
    for (Want w : wants.keySet()) {
      interests[i++] = Interest.createInterest(b, b.createString(w.name()), w.pattern(), w.publisher(), w.localOnly(), w.live(),
          Integer.toUnsignedLong(w.history()));
    }
    int list = ParticipantInfo.createInterestsVector(b, interests);
    int[] offered = new int[services.size()];
    for (int k = 0; k < offered.length; k++) {
      Service s = services.get(k);
      offered[k] = ServiceInfo.createServiceInfo(b, b.createString(s.name), s.limit, s.limit);
    }
    int names = offered.length == 0 ? 0 : ParticipantInfo.createServicesVector(b, offered);
    int root = ParticipantInfo.createParticipantInfo(b, b.createString(name), b.createString(version), list, names);
    b.finish(root);
    byte[] bytes = b.sizedByteArray();
    if (bytes.length > MAX_PARTICIPANT_INFO) {
      throw new RingcastException(Reason.INVALID, "more publishers and subscriptions than one participant may tell of: open another domain handle");
    }
    ByteBuffer filled = ByteBuffer.allocate((bytes.length + 7) & ~7).order(ByteOrder.LITTLE_ENDIAN);
    return filled.put(0, bytes).limit(filled.capacity()).mark().position(bytes.length);
  }

  private void write() {
    ByteBuffer table = table();
    int size = table.position();
    ByteBuffer w = participants.words();
    int at = participants.record(participants.index());
    boolean inFile = size > participants.infoRoom();
    int made = inFile ? writeFile(table) : -1;
    long version = Words.relaxed(w, at + PARTICIPANT_RECORD_INFO_VERSION_OFFSET) | 1;
    Words.setRelaxed(w, at + PARTICIPANT_RECORD_INFO_VERSION_OFFSET, version);
    VarHandle.releaseFence();
    if (inFile) {
      Kernel.move(hiddenFile(), directory + "/live/" + participants.index() + ".info");
    } else {
      for (int i = 0; i < table.capacity(); i += 8) {
        Words.setRelaxed(w, at + PARTICIPANT_RECORD_SIZE + i, table.getLong(i));
      }
    }
    Words.intSetRelaxed(w, at + PARTICIPANT_RECORD_INFO_PLACE_OFFSET, inFile ? 1 : 0);
    Words.intSetRelaxed(w, at + PARTICIPANT_RECORD_INFO_SIZE_OFFSET, size);
    Words.release(w, at + PARTICIPANT_RECORD_INFO_VERSION_OFFSET, version + 1); // pairs(info)
    if (file >= 0) {
      Kernel.closeFile(file);
    }
    file = made;
  }

  private String hiddenFile() {
    return directory + "/live/." + participants.index() + ".info";
  }

  /** Makes live/.I.info, locked, and returns its descriptor. */
  private int writeFile(ByteBuffer table) {
    int fd = Kernel.openFile(directory + "/live", Kernel.O_TMPFILE | Kernel.O_RDWR, 0600);
    if (fd < 0) {
      throw Kernel.failure("make", hiddenFile(), -fd);
    }
    boolean kept = false;
    try {
      Rights.below(hiddenFile()).give(fd, hiddenFile());
      fill(fd, table);
      Kernel.lock(fd, LockByte.Usage, Segment.SHARED);
      Kernel.remove(hiddenFile());
      int errno = Kernel.link(fd, hiddenFile());
      if (errno != 0) {
        throw Kernel.failure("name", hiddenFile(), errno);
      }
      kept = true;
      return fd;
    } finally {
      if (!kept) {
        Kernel.closeFile(fd);
      }
    }
  }

  private void fill(int fd, ByteBuffer table) {
    try (java.nio.channels.FileChannel out = Segment.channel(fd, true)) {
      out.write(ByteBuffer.wrap(table.array(), 0, table.position()));
    } catch (java.io.IOException e) {
      throw new RingcastException(Reason.SYSTEM, hiddenFile() + ": " + e.getMessage(), e);
    }
  }
}
