import io.github.ringcast.Domain;
import io.github.ringcast.Message;
import io.github.ringcast.Subscription;
import java.nio.charset.StandardCharsets;

/** Prints what comes on a topic, or on all that match a pattern; so many messages: java ... Subscribe.java greetings 10. */
public final class Subscribe {
  private Subscribe() {}

  public static void main(String[] args) {
    long left = args.length > 1 ? Long.parseLong(args[1]) : Long.MAX_VALUE;
    try (Domain domain = Domain.open(); Subscription subscription = domain.subscribe(args[0])) {
      System.out.println("subscribed to " + args[0]);
      for (Message message : subscription) {
        if (!message.isMessage()) {
          System.out.println(message); // something passed us by: this says what
          continue;
        }
        System.out.println(message.topic() + " " + message.sequence() + ": " + StandardCharsets.UTF_8.decode(message.payload()));
        if (--left == 0) {
          return;
        }
      }
    }
  }
}
