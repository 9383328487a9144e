package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What is refused, with which reason. */
final class RefusalTest {
  private static void refuses(Reason reason, String part, Executable call) {
    RingcastException e = assertThrows(RingcastException.class, call);
    assertEquals(reason, e.reason(), e.getMessage());
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void configurationsThatMakeNoSense() {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      refuses(Reason.NAME, "topic", () -> d.publisher("a..b"));
      refuses(Reason.NAME, "topic", () -> d.publisher("a.*"));
      refuses(Reason.NAME, "pattern", () -> d.subscribe("a.>.b"));
      refuses(Reason.INVALID, "from 4 to", () -> d.publisher("t", new PublisherConfig().slots(2)));
      refuses(Reason.INVALID, "from 64 to", () -> d.publisher("t", new PublisherConfig().slots(32).latest()));
      refuses(Reason.INVALID, "slots 100", () -> d.publisher("t", new PublisherConfig().slots(100)));
      refuses(Reason.INVALID, "slot size", () -> d.publisher("t", new PublisherConfig().slotSize(-1)));
      refuses(Reason.INVALID, "history", () -> d.publisher("t", new PublisherConfig().slots(64).history(33)));
      refuses(Reason.INVALID, "history", () -> d.subscribe("t", new SubscriptionConfig().history(-1)));
      refuses(Reason.NAME, "domain", () -> Domain.open(new DomainConfig().dir(stage.dir.toString()).domain("a/b")));
      refuses(Reason.PERMISSION, "mode", () -> Domain.open(new DomainConfig().dir(stage.dir.toString()).mode(0666)));
      refuses(Reason.INVALID, "node", () -> Domain.open(new DomainConfig().dir(stage.dir.toString()).node(d.address().node() ^ 1)));
    }
  }

  @Test
  void aWrittenTopicKeepsItsShape() throws InterruptedException {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", new PublisherConfig().slots(64))) {
      p.publish(new byte[1]);
      refuses(Reason.SHAPE, "64 slots", () -> d.publisher("t", new PublisherConfig().slots(128)));
      refuses(Reason.SHAPE, "exclusive", () -> d.publisher("t", new PublisherConfig().exclusive()));
    }
  }

  @Test
  void aPatternTellsOnceOfATopicThatCantBeReadAndReadsTheOthers() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("sound")) {
      Files.writeString(stage.topics().resolve("broken.ctl"), "not a segment");
      try (Subscription s = d.subscribe("*")) {
        refuses(Reason.NOT_OURS, "topic broken", s::poll);
        for (int i = 1; i <= 2; i++) {
          p.publish(new byte[1]);
          assertEquals(i, s.next(Stage.PATIENCE).sequence());
          Thread.sleep(60); // until it has searched again
          assertEquals(null, s.poll());
        }
      }
    }
  }

  @Test
  void aTopicHasTheRightsThatWereAskedFor() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Subscription first = d.subscribe("t");
        Publisher p = d.publisher("t", new PublisherConfig().fileMode(0640))) {
      assertEquals("rw-r-----", rights(stage, ".dat"), "instead of a ring that nobody wrote");
      assertEquals("rw-r-----", rights(stage, ".ctl"), "the domain is for its owner alone");
      p.publish(new byte[1]);
      assertEquals(1, first.next(Stage.PATIENCE).sequence());
      refuses(Reason.PERMISSION, "0640 already", () -> d.publisher("t", new PublisherConfig().fileMode(0600)));
      String gid = Files.getAttribute(stage.topics().resolve("t.ctl"), "unix:gid").toString();
      d.publisher("t", new PublisherConfig().fileMode(0640).group(gid)).close();
      refuses(Reason.PERMISSION, "already", () -> d.publisher("t", new PublisherConfig().group(Integer.toString(Integer.parseInt(gid) + 1))));
      refuses(Reason.INVALID, "mode 0007", () -> d.publisher("u", new PublisherConfig().fileMode(0007)));
      refuses(Reason.INVALID, "no-such", () -> d.publisher("u", new PublisherConfig().owner("no-such-user")));
    }
  }

  @Test
  void whoHasNoRightsIsToldWhoRefuses() throws Exception {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t")) {
      Path topic = stage.topics().resolve("t.ctl");
      isRefusedBy(topic, "open " + topic, stage);
      isRefusedBy(stage.topics(), "open " + topic, stage);
      isRefusedBy(stage.topics().getParent(), stage.topics().getParent() + "/", stage);
    }
  }

  /** Another process subscribes, which is no root, or has no longer what lets root in everywhere, while nobody has a right to this. */
  private static void isRefusedBy(Path path, String tried, Stage stage) throws Exception {
    var rights = Files.getPosixFilePermissions(path);
    Files.setPosixFilePermissions(path, java.util.Set.of());
    var owner = Files.getAttribute(path, "unix:uid") + ":" + Files.getAttribute(path, "unix:gid");
    boolean root = Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    java.util.List<String> by = root ? java.util.List.of("setpriv", "--bounding-set", "-dac_override,-dac_read_search") : java.util.List.of();
    String said = Stage.line(stage.child(by, "subscribe"));
    Files.setPosixFilePermissions(path, rights);
    assertTrue(said.contains(tried), said);
    assertTrue(said.contains(": permission denied: " + path + " is " + owner + " 0000, and you are user " + owner.replace(":", ", group ")
        + ": become a member of its group, ask its owner for a chmod, or name another directory (RINGCAST_SHM_DIR)"), said);
  }

  private static String rights(Stage stage, String end) throws IOException {
    for (String name : stage.files("topics")) {
      if (name.endsWith(end)) {
        return java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(stage.topics().resolve(name)));
      }
    }
    throw new IOException("no file that ends with " + end);
  }

  @Test
  void anExclusiveTopicHasOnePublisher() {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", new PublisherConfig().exclusive())) {
      refuses(Reason.NOT_EXCLUSIVE, "participant 0", () -> d.publisher("t"));
      p.close();
      d.publisher("t", new PublisherConfig().exclusive()).close();
    }
  }

  @Test
  void messagesThatDoNotFit() {
    try (Stage stage = new Stage(); Domain d = stage.open(); Publisher p = d.publisher("t", new PublisherConfig().slots(64).slotSize(64))) {
      assertEquals(2048, p.messageLimit());
      refuses(Reason.TOO_LARGE, "slot size of 128", () -> p.tryPublish(new byte[2049]));
      refuses(Reason.TOO_LARGE, "at most", () -> p.tryPublish(ByteBuffer.allocate((16 << 20) + 1)));
      refuses(Reason.TOO_LARGE, "slot has 64", () -> p.claim(65));
      Claim c = claim(p);
      refuses(Reason.INVALID, "of a slot of 64", () -> c.commit(1, 64));
      refuses(Reason.TOO_LARGE, "bytes of a slot", () -> c.builder().createString("x".repeat(100)));
    }
  }

  private static Claim claim(Publisher p) {
    try {
      return p.claim(1);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void closedHandles() {
    try (Stage stage = new Stage()) {
      Domain d = stage.open();
      Publisher p = d.publisher("t");
      Subscription s = d.subscribe("t");
      refuses(Reason.BUSY, "2 publishers", d::close);
      p.close();
      s.close();
      p.close();
      s.close();
      refuses(Reason.CLOSED, "publisher", () -> p.tryPublish(new byte[1]));
      refuses(Reason.CLOSED, "subscription", s::poll);
      d.close();
      d.close();
      refuses(Reason.CLOSED, "domain", () -> d.publisher("t"));
    }
  }

  @Test
  void aDirectoryThatIsAFile() throws IOException {
    try (Stage stage = new Stage()) {
      Path file = Files.createFile(stage.dir.resolve("file"));
      refuses(Reason.NOT_OURS, "file/default: not a directory: move it out of the way, or", () -> Domain.open(new DomainConfig().dir(file.toString())));
      refuses(Reason.NOT_OURS, "file: not a directory: move it out of the way, or", () -> Domain.open(new DomainConfig().dir(stage.dir.toString()).domain("file")));
      refuses(Reason.NOT_OURS, "not a directory", () -> Domain.open(new DomainConfig().dir(file.resolve("deep").toString())));
    }
  }

  @Test
  void filesThatAreNotOursOrDamaged() throws IOException {
    try (Stage stage = new Stage(); Domain d = stage.open()) {
      Path control = stage.topics().resolve("t.ctl");
      Files.write(control, new byte[4096]);
      refuses(Reason.NOT_OURS, "not a segment", () -> d.subscribe("t"));
      Files.delete(control);
      Files.createDirectory(control);
      refuses(Reason.NOT_OURS, "t.ctl", () -> d.subscribe("t"));
      Files.delete(control);
      Files.createSymbolicLink(control, Path.of("/dev/null"));
      refuses(Reason.NOT_OURS, "link", () -> d.subscribe("t"));
      Files.delete(control);
      byte[] real = ring(stage, d);
      refuseByte(control, real, 8, Reason.OTHER_VERSION, d);
      refuseByte(control, real, 24, Reason.DAMAGED, d);
      refuseByte(control, real, 44, Reason.DAMAGED, d);
      refuseByte(control, real, 128, Reason.DAMAGED, d);
      for (int size : new int[] {0, 7, 9, 100, 127, 200, real.length - 1}) {
        Files.write(control, java.util.Arrays.copyOf(real, size));
        RingcastException e = assertThrows(RingcastException.class, () -> d.subscribe("t"), "size " + size);
        assertEquals(size < 8 ? Reason.NOT_OURS : Reason.DAMAGED, e.reason(), e.getMessage());
      }
      Files.delete(control);
    }
  }

  private static byte[] ring(Stage stage, Domain d) throws IOException {
    try (Subscription s = d.subscribe("t")) {
      return Files.readAllBytes(stage.topics().resolve("t.ctl"));
    }
  }

  private static void refuseByte(Path file, byte[] real, int at, Reason reason, Domain d) throws IOException {
    byte[] changed = real.clone();
    changed[at] ^= 0x40;
    Files.write(file, changed);
    refuses(reason, "t.ctl", () -> d.subscribe("t"));
    Files.delete(file);
  }
}
