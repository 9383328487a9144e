import io.github.ringcast.Domain;
import io.github.ringcast.Instance;
import io.github.ringcast.ReplyException;
import io.github.ringcast.Request;
import java.io.IOException;

/** Answers numbers with their squares until the standard input ends: java ... Serve.java squares. */
public final class Serve {
  private Serve() {}

  public static void main(String[] args) throws IOException {
    try (Domain domain = Domain.open()) {
      Instance instance = domain.serve(args[0], Serve::square);
      System.out.println("serving " + args[0] + "; end the input to stop");
      while (System.in.read() >= 0) { }
      instance.close(); // what was asked is answered
    }
  }

  private static void square(Request request) {
    try {
      long x = Long.parseLong(request.text().strip());
      request.reply(Long.toString(Math.multiplyExact(x, x)));
    } catch (NumberFormatException e) {
      throw new ReplyException(22, "not a number: " + request.text());
    }
  }
}
