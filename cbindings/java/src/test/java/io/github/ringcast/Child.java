package io.github.ringcast;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What another process of a test does. */
public final class Child {
  private Child() {}

  public static void main(String[] args) throws Exception {
    Domain domain = Domain.open(new DomainConfig().domain(System.getProperty("ringcast.test.domain")));
    switch (args[0]) {
      case "claim": // holds a claim until it is killed
        domain.publisher("t").claim(1);
        break;
      case "own": // owns an exclusive topic, with a claim open
        domain.publisher("t", new PublisherConfig().exclusive().slots(64)).claim(1);
        break;
      case "subscribe": // holds a reliable subscription and reads nothing
        domain.subscribe("t");
        break;
      case "hold": // a member of a group, with a message in hand
        Subscription member = domain.subscribe("t", new SubscriptionConfig().group("g"));
        System.out.println("ready");
        System.out.println("holding " + member.next().sequence());
        break;
      case "serve": // answers, and keeps what asks for that in hand until it is killed
        domain.serve("s", r -> {
          if (r.text().equals("hang")) {
            System.out.println("hangs");
            Thread.sleep(60_000);
          }
          r.reply("there");
        });
        break;
      case "ask": // waits for an answer until it is killed
        domain.client("s").within(60_000_000_000L).request("x");
        break;
      case "count": // publishes numbers
        count(domain, Integer.parseInt(args[1]));
        return;
      case "truncate":
        truncate(domain, args[1], Integer.parseInt(args[2]));
        return;
      default:
        throw new IllegalArgumentException(args[0]);
    }
    System.out.println("ready");
    Thread.sleep(60_000);
  }

  private static void count(Domain domain, int n) throws InterruptedException {
    try (Publisher p = domain.publisher("t")) {
      for (int i = 1; i <= n; i++) {
        p.publish(Integer.toString(i).getBytes());
      }
    }
    domain.close();
  }

  /** Publishes and reads while a file of the ring loses its bytes; says what came of it. */
  private static void truncate(Domain domain, String suffix, int warm) throws Exception {
    Publisher p = domain.publisher("t", new PublisherConfig().slots(1024));
    Subscription s = domain.subscribe("t");
    byte[] bytes = new byte[100];
    try {
      for (int i = 0; i < warm + 100_000; i++) {
        if (i == warm) {
          cut(Path.of(domain.directory()).resolve("topics"), suffix);
        }
        p.tryPublish(bytes);
        Message m = s.poll();
        if (m != null && m.isMessage()) {
          m.payload().get(m.payload().position());
        }
      }
      System.out.println("ended");
    } catch (InternalError | RuntimeException e) {
      System.out.println("threw " + e.getClass().getSimpleName());
    }
    System.out.flush();
    Runtime.getRuntime().halt(0); // nothing of this domain can be closed in order
  }

  private static void cut(Path topics, String suffix) throws Exception {
    try (Stream<Path> files = Files.list(topics)) {
      for (Path f : files.filter(f -> f.toString().endsWith(suffix)).toList()) {
        try (RandomAccessFile file = new RandomAccessFile(f.toFile(), "rw")) {
          file.setLength(0);
        }
      }
    }
  }
}
