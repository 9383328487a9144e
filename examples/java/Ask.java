import io.github.ringcast.Client;
import io.github.ringcast.Domain;
import io.github.ringcast.Reply;
import io.github.ringcast.RingcastException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Asks a service with each line of the standard input, all of them at once, and prints the answers in order: java ... Ask.java squares. */
public final class Ask {
  private Ask() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (Domain domain = Domain.open()) {
      Client client = domain.client(args[0]);
      Queue<CompletableFuture<Reply>> open = new ArrayDeque<>();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        open.add(client.requestAsync(line.getBytes(StandardCharsets.UTF_8)));
      }
      for (CompletableFuture<Reply> f : open) {
        print(f);
      }
    }
  }

  private static void print(CompletableFuture<Reply> f) throws InterruptedException {
    try {
      System.out.println(f.get().text());
    } catch (ExecutionException e) {
      RingcastException why = (RingcastException) e.getCause();
      System.out.println(why.reason() + ": " + why.getMessage());
    }
  }
}
