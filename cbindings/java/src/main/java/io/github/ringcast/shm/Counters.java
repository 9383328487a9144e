package io.github.ringcast.shm;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.SegmentKind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** A participant's counters, which tools read: spec/segment.md, 9. The file is made for the first. Safe for use by several threads. */
public final class Counters implements AutoCloseable {
  private static final int ROWS = PAGE_SIZE;
  private static final int SIZE = ROWS + COUNTER_ROW_COUNT * COUNTER_ROW_SIZE;

  private final String path;
  private final int owner;
  private final Map<String, Integer> rows = new HashMap<>();
  private Segment file;

  /** Those of the participant with this index. */
  public Counters(String directory, int index) {
    path = directory + "/counters/" + index + ".cnt";
    owner = index + 1;
  }

  /** Where the value of the row with this label lies in {@link #words}; makes the row where there is none. */
  public synchronized int row(String label) {
    byte[] bytes = label.getBytes(StandardCharsets.UTF_8);
    if (bytes.length == 0 || bytes.length > COUNTER_LABEL_SIZE || label.indexOf(0) >= 0) {
      throw new RingcastException(Reason.INVALID, "counter: label of " + bytes.length + " bytes: want 1 to " + COUNTER_LABEL_SIZE + ", and none of them 0");
    }
    if (file == null) {
      file = make();
    }
    Integer known = rows.get(label);
    if (known != null) {
      return known;
    }
    if (rows.size() == COUNTER_ROW_COUNT) {
      throw new RingcastException(Reason.TOO_LARGE, "counter " + label + ": all " + COUNTER_ROW_COUNT + " rows are taken");
    }
    return add(label, bytes);
  }

  private int add(String label, byte[] bytes) {
    int number = rows.size() + 1;
    int at = ROWS + (number - 1) * COUNTER_ROW_SIZE;
    ByteBuffer words = file.words();
    words.put(at + COUNTER_ROW_LABEL_OFFSET, bytes);
    words.putInt(at + COUNTER_ROW_OWNER_OFFSET, owner);
    Words.intSetSequential(words, at + COUNTER_ROW_ID_OFFSET, number); // pairs(counter)
    rows.put(label, at + COUNTER_ROW_VALUE_OFFSET);
    return at + COUNTER_ROW_VALUE_OFFSET;
  }

  private Segment make() {
    Segment made = new Maker(path, SegmentKind.Counters, SIZE, SEGMENT_HEADER_SIZE + COUNTERS_HEADER_SIZE).build(SIZE, words -> {
      words.putInt(SEGMENT_HEADER_SIZE + COUNTERS_HEADER_ROW_COUNT_OFFSET, COUNTER_ROW_COUNT);
      words.putInt(SEGMENT_HEADER_SIZE + COUNTERS_HEADER_ROWS_START_OFFSET, ROWS);
    });
    if (made.link(path)) {
      return made;
    }
    made.close();
    throw new RingcastException(Reason.IN_USE, path + ": is there already");
  }

  /** The file, as far as a row was made. */
  public synchronized ByteBuffer words() {
    return file.words();
  }

  /** Closes the file; who leaves the domain unlinks it. */
  @Override
  public synchronized void close() {
    if (file != null) {
      file.close();
      file = null;
    }
  }
}
