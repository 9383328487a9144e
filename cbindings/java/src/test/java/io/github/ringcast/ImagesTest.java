package io.github.ringcast;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.flatbuffers.Struct;
import io.github.ringcast.fb.Interest;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Reads every golden image of codec/golden through the generated accessors. */
final class ImagesTest {
  private final Path folder;
  private final Map<String, String> nested = new HashMap<>();

  ImagesTest() throws IOException {
    Path golden = Path.of("../../codec/golden");
    folder = golden.resolve("testdata");
    for (String line : Files.readAllLines(golden.resolve("nested_generated.txt"))) {
      String[] parts = line.split(" ");
      nested.put(parts[0], parts[1]);
    }
  }

  @Test
  void accessorsAndRuntimeAreOfOneVersion() {
    Interest.ValidateVersion();
  }

  @TestFactory
  Stream<DynamicTest> images() throws IOException {
    List<String> names = names();
    assertTrue(names.size() > 30, "only " + names.size() + " images");
    return names.stream().map(name -> DynamicTest.dynamicTest(name, () -> assertNull(check(name))));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".bin"))
          .map(name -> name.substring(0, name.length() - ".bin".length()))
          .sorted()
          .collect(Collectors.toList());
    }
  }

  /** Returns what is wrong with the image, or null. */
  private String check(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(folder.resolve(name + ".bin"));
    ByteBuffer image = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (String line : Files.readAllLines(folder.resolve(name + ".txt"))) {
      String[] parts = line.split(" ");
      try {
        long got = read(image, name, parts[0]);
        if (got != Long.parseUnsignedLong(parts[1])) {
          return parts[0] + " = " + Long.toUnsignedString(got) + ", want " + parts[1];
        }
      } catch (ReflectiveOperationException e) { // a missing accessor is a result, not an end
        return parts[0] + ": " + e;
      }
    }
    return null;
  }

  /** Returns the value of one field of the image, by its path. */
  private long read(ByteBuffer image, String name, String path) throws ReflectiveOperationException {
    Struct here = accessor(name);
    here.getClass().getMethod("__init", int.class, ByteBuffer.class).invoke(here, 0, image);
    String[] fields = path.split("\\.");
    for (int i = 0; i < fields.length - 1; i++) {
      String inner = nested.get(name + "." + fields[i]);
      here = (Struct) method(here, fields[i]).invoke(here);
      name = inner;
    }
    return ((Number) method(here, fields[fields.length - 1]).invoke(here)).longValue();
  }

  private static Struct accessor(String name) throws ReflectiveOperationException {
    return (Struct) Class.forName("io.github.ringcast.fb." + name).getDeclaredConstructor().newInstance();
  }

  /** Finds the accessor of a field; a field that is a word of Java bears an underscore behind it. */
  private static Method method(Struct owner, String field) throws NoSuchMethodException {
    StringBuilder name = new StringBuilder();
    for (String part : field.split("_")) {
      name.append(name.length() == 0 ? part : Character.toUpperCase(part.charAt(0)) + part.substring(1));
    }
    try {
      Method method = owner.getClass().getMethod(name.toString());
      if (method.getDeclaringClass() == owner.getClass()) {
        return method;
      }
    } catch (NoSuchMethodException e) {
      // look for the other form
    }
    return owner.getClass().getMethod(name + "_");
  }
}
