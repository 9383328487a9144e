package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.Interest;
import io.github.ringcast.fb.ParticipantInfo;
import io.github.ringcast.fb.ServiceInfo;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads what other participants say of themselves. The bytes are a stranger's: they are copied first,
 * and every look at the copy is bounded by it.
 */
final class InfoReader {
  private static final int TRIES = 50;
  private static final long TRY_NANOS = 100_000;

  private InfoReader() {}

  /** The patterns that participant i subscribes to; none if its info can't be read. */
  static List<String> patterns(Participants table, String directory, int i) {
    return said(table, directory, i, table.state(i)).interests().stream().filter(w -> w.pattern() && !w.publisher()).map(Info.Want::name).toList();
  }

  /** What the participant of a record says, whose state word was this. */
  static Said said(Participants table, String directory, int i, long state) {
    int generation = (int) (state >>> 32);
    int language = table.words().get(table.record(i) + PARTICIPANT_RECORD_LANGUAGE_OFFSET) & 0xff;
    byte[] bytes = copy(table, directory, i);
    if (bytes != null) {
      try {
        return parse(ParticipantInfo.getRootAsParticipantInfo(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)), bytes.length / 4, i, generation, language);
      } catch (RuntimeException e) {
        // an offset that leads out of the bytes: it costs this row only
      }
    }
    return Said.unreadable(i, generation, language);
  }

  static Said parse(ParticipantInfo info, int most, int i, int generation, int language) {
    List<Info.Want> interests = new ArrayList<>();
    Interest interest = new Interest();
    for (int k = 0, n = Math.min(info.interestsLength(), most); k < n; k++) {
      info.interests(interest, k);
      if (interest.nameAsByteBuffer().remaining() <= MAX_NAME) {
        interests.add(new Info.Want(interest.name(), interest.pattern(), interest.publisher(), interest.localOnly(), interest.live(),
            (int) interest.history()));
      }
    }
    List<Said.Serves> services = new ArrayList<>();
    ServiceInfo service = new ServiceInfo();
    for (int k = 0, n = Math.min(info.servicesLength(), most); k < n; k++) {
      info.services(service, k);
      if (service.nameAsByteBuffer().remaining() <= MAX_NAME) {
        services.add(new Said.Serves(service.name(), (int) service.limit(), (int) service.room()));
      }
    }
    return new Said(i, generation, language, true, text(info.name()), text(info.version()), List.copyOf(interests), List.copyOf(services));
  }

  static String text(String s) {
    return s == null ? "" : s;
  }

  private static byte[] copy(Participants table, String directory, int i) {
    for (int k = 0; k < TRIES; k++) {
      MappedByteBuffer w = table.words();
      int at = table.record(i);
      long version = Words.acquire(w, at + PARTICIPANT_RECORD_INFO_VERSION_OFFSET); // pairs(info)
      if ((version & 1) == 0) {
        byte[] bytes = look(table, directory, i);
        VarHandle.acquireFence();
        if (Words.relaxed(w, at + PARTICIPANT_RECORD_INFO_VERSION_OFFSET) == version) { // pairs(info)
          return bytes;
        }
      }
      Clock.pause(TRY_NANOS);
    }
    return null;
  }

  private static byte[] look(Participants table, String directory, int i) {
    MappedByteBuffer w = table.words();
    int at = table.record(i);
    int size = Words.intRelaxed(w, at + PARTICIPANT_RECORD_INFO_SIZE_OFFSET);
    int place = Words.intRelaxed(w, at + PARTICIPANT_RECORD_INFO_PLACE_OFFSET);
    if (place == 1) {
      return file(directory + "/live/" + i + ".info", size);
    }
    if (place != 0 || size < 8 || size > table.infoRoom()) {
      return null;
    }
    ByteBuffer copy = ByteBuffer.allocate((size + 7) & ~7).order(ByteOrder.LITTLE_ENDIAN);
    for (int k = 0; k < size; k += 8) {
      copy.putLong(k, Words.relaxed(w, at + PARTICIPANT_RECORD_SIZE + k));
    }
    return copy.array();
  }

  private static byte[] file(String path, int size) {
    try {
      Path p = Path.of(path);
      if (size < 8 || size > MAX_PARTICIPANT_INFO || !Files.isRegularFile(p) || Files.size(p) != size) {
        return null;
      }
      return Files.readAllBytes(p);
    } catch (IOException e) {
      return null;
    }
  }
}
