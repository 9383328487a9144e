package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** Counters, one row a label. */
final class CounterTest {
  @Test
  void aLabelIsOneCounter() throws IOException {
    try (Stage stage = new Stage()) {
      try (Domain d = stage.open()) {
        Counter c = d.counter("test.one: of one");
        c.increment();
        d.counter("test.one: of one").add(2);
        assertEquals(3, c.value());
        assertEquals("test.one: of one = 3", c.toString());
        byte[] file = Files.readAllBytes(stage.dir.resolve("default/counters/0.cnt"));
        assertTrue(new String(file, StandardCharsets.ISO_8859_1).contains("test.one: of one\0"), "tools see it");
        for (int i = 1; i < 256; i++) {
          assertEquals(0, d.counter("test." + i + ": of many").value());
        }
        assertEquals(Reason.TOO_LARGE, assertThrows(RingcastException.class, () -> d.counter("test.another: of none")).reason());
        assertEquals(3, d.counter("test.one: of one").value());
        for (String bad : new String[] {"", "x".repeat(49), "a\0b"}) {
          assertEquals(Reason.INVALID, assertThrows(RingcastException.class, () -> d.counter(bad)).reason());
        }
      }
      assertEquals(0, stage.files("counters").length);
    }
  }
}
