package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.shm.LockedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Data files, successors and groups that no ring names and nobody uses: spec/ring.md, 13. */
final class Litter {
  private static final int ID_DIGITS = 15;

  private Litter() {}

  static void sweep(String directory) {
    Map<String, Set<String>> named = new HashMap<>();
    String[] all = Recovery.names(directory, "");
    for (String name : all) {
      int dot = name.endsWith(".ctl") ? name.length() - 4 : name.lastIndexOf(".ctl.");
      if (dot > 0) {
        named.computeIfAbsent(name.substring(0, dot), k -> new HashSet<>()).addAll(names(directory + "/" + name));
      }
    }
    for (String name : all) {
      String ring = owner(name);
      if (ring != null && !named.getOrDefault(ring, Set.of()).contains(name.substring(ring.length()))) {
        LockedFile.removeUnused(directory + "/" + name);
      }
    }
  }

  /** The ring's name in the name of a file beside it; null for other files. */
  private static String owner(String name) {
    String[] tokens = name.split("\\.");
    int n = tokens.length;
    if (n > 2 && tokens[n - 1].equals("dat") && isId(tokens[n - 2])) {
      return name.substring(0, name.length() - 5 - ID_DIGITS);
    }
    if (n > 2 && tokens[n - 2].equals("ctl") && isId(tokens[n - 1])) {
      return name.substring(0, name.length() - 5 - ID_DIGITS);
    }
    if (n > 3 && tokens[n - 1].equals("group") && isId(tokens[n - 3])) {
      return name.substring(0, name.length() - 8 - tokens[n - 2].length() - ID_DIGITS);
    }
    return null;
  }

  private static boolean isId(String token) {
    return token.matches("[0-9a-f]{" + ID_DIGITS + "}");
  }

  /** What a control file names: its data, its successor, its groups, as endings behind the ring's name. */
  private static Set<String> names(String path) {
    ByteBuffer head = ByteBuffer.allocate(Shape.CONTROL).order(ByteOrder.LITTLE_ENDIAN);
    try (FileChannel file = FileChannel.open(Path.of(path))) {
      if (file.read(head, 0) < Shape.CONTROL) {
        return Set.of();
      }
    } catch (IOException e) {
      return Set.of();
    }
    String data = "." + RingFiles.id(head.getLong(Shape.GEOMETRY + RING_GEOMETRY_DATA_ID_OFFSET)) + ".dat";
    Set<String> found = new HashSet<>();
    found.add(data);
    found.add(".ctl." + RingFiles.id(head.getLong(SEGMENT_HEADER_STATE_OFFSET) >>> STATE_BITS));
    String prefix = Path.of(path).getFileName().toString();
    prefix = prefix.substring(0, prefix.lastIndexOf(".ctl"));
    String groups = "." + RingFiles.id(head.getLong(SEGMENT_HEADER_SEGMENT_ID_OFFSET)) + ".";
    for (String group : Recovery.names(Path.of(path).getParent().toString(), ".group")) {
      if (group.startsWith(prefix + groups)) {
        found.add(group.substring(prefix.length()));
      }
    }
    return found;
  }
}
