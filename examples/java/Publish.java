import io.github.ringcast.Domain;
import io.github.ringcast.Publisher;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Publishes each line of the standard input on a topic: java ... Publish.java greetings. */
public final class Publish {
  private Publish() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (Domain domain = Domain.open(); Publisher publisher = domain.publisher(args[0])) {
      if (!publisher.awaitSubscribers(1, 10_000_000_000L)) {
        System.err.println("nobody subscribes to " + args[0] + ": what is published now is for nobody");
      }
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        publisher.publish(line.getBytes(StandardCharsets.UTF_8));
      }
    }
  }
}
