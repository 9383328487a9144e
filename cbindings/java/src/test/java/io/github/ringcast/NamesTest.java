package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.ringcast.shm.Names;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class NamesTest {
  @ParameterizedTest
  @ValueSource(strings = {"a", "a.b", "A-1_2.z", "$sys.x"})
  void names(String name) {
    assertTrue(Names.valid(name, false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "a.", ".a", "a..b", "a b", "a/b", "a.$b", "$", "ü", "*", "a.>"})
  void notNames(String name) {
    assertFalse(Names.valid(name, false));
  }

  @ParameterizedTest
  @CsvSource({"a.*,a.b,true", "a.*,a.b.c,false", "a.>,a.b.c,true", "a.>,a,false", ">,a.b,true", "*,$a,false", "$a.>,$a.b,true", ">,$a.b,false", "*.b,a.b,true",
      "a.b,a.b,true", "a.b,a.c,false", "a.*.c,a.b.c,true"})
  void patterns(String pattern, String name, boolean matches) {
    assertEquals(matches, Names.matches(pattern, name));
  }

  @Test
  void longestName() {
    assertTrue(Names.valid("a".repeat(200), false));
    assertFalse(Names.valid("a".repeat(201), false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"n7-1f03.12.5:1", "n4294967295-ffffffff.65535.4294967295", "n1-1.0.1"})
  void addresses(String text) {
    assertEquals(text, Address.parse(text).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "n7", "n07-1.1.1", "n7-1F.1.1", "n7-1.1.1:0", "n7-1.65536.1", "7-1.1.1", "n7-1.1", "n7-1.1.1:70000"})
  void notAddresses(String text) {
    assertEquals(Reason.INVALID, assertThrows(RingcastException.class, () -> Address.parse(text)).reason());
  }
}
