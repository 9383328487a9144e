import com.google.flatbuffers.Struct;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Prints what the generated accessors show of every golden image. */
final class Images {
  private final Path folder;

  private Images(Path golden) {
    folder = golden.resolve("testdata");
  }

  static String print(String golden) {
    try {
      Images images = new Images(Path.of(golden));
      try (var files = Files.newDirectoryStream(images.folder, "*.txt")) { // which fields there are; not their values
        for (Path file : files) {
          images.print(file.getFileName().toString().replace(".txt", ""), file);
        }
      }
      return null;
    } catch (IOException | ReflectiveOperationException e) {
      return e.toString();
    }
  }

  private void print(String name, Path fields) throws IOException, ReflectiveOperationException {
    ByteBuffer image = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".bin"))).order(ByteOrder.LITTLE_ENDIAN);
    for (String line : Files.readAllLines(fields)) {
      String path = line.substring(0, line.indexOf(' '));
      System.out.println(name + "." + path + " " + Long.toUnsignedString(read(image, name, path)));
    }
  }

  private long read(ByteBuffer image, String name, String path) throws ReflectiveOperationException {
    Struct here = (Struct) Class.forName("io.github.ringcast.fb." + name).getDeclaredConstructor().newInstance();
    here.getClass().getMethod("__init", int.class, ByteBuffer.class).invoke(here, 0, image);
    String[] fields = path.split("\\.");
    for (int i = 0; i < fields.length - 1; i++) {
      here = (Struct) method(here, fields[i]).invoke(here);
    }
    return ((Number) method(here, fields[fields.length - 1]).invoke(here)).longValue();
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
