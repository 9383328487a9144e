import io.github.ringcast.Claim;
import io.github.ringcast.Domain;
import io.github.ringcast.DomainConfig;
import io.github.ringcast.Publisher;
import io.github.ringcast.PublisherConfig;
import io.github.ringcast.RingcastException;
import io.github.ringcast.Subscription;
import io.github.ringcast.SubscriptionConfig;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** What the Java library refuses, and why: see doc.go; the list is that of refusals.go. */
final class Refusals {
  private static final long PATIENCE = 30_000_000_000L;
  private static final long BRIEF = 5_000_000L;

  /** Does what is refused; returns the word where the refusal is a result and no exception. */
  private interface Provocation {
    String of(String topic) throws InterruptedException;
  }

  private final Domain d;
  /** What was opened stays open. */
  private final Deque<AutoCloseable> kept = new ArrayDeque<>();
  private final Map<String, Provocation> all = new LinkedHashMap<>();

  private Refusals(Domain domain) {
    d = domain;
    domains();
    topics();
    messages();
    groups();
  }

  /** Prints a line for each. */
  static void print(Domain domain) throws Exception {
    Refusals r = new Refusals(domain);
    for (Map.Entry<String, Provocation> e : r.all.entrySet()) {
      System.out.println(e.getKey() + " " + word(e.getKey(), e.getValue()));
    }
    while (!r.kept.isEmpty()) {
      r.kept.pop().close();
    }
  }

  private static String word(String what, Provocation p) throws InterruptedException {
    try {
      return p.of(what);
    } catch (RingcastException e) {
      return e.reason().name().toLowerCase(Locale.ROOT);
    }
  }

  private <T extends AutoCloseable> T keep(T handle) {
    kept.push(handle);
    return handle;
  }

  private static PublisherConfig small() {
    return new PublisherConfig().slots(64).slotSize(64);
  }

  private Publisher opened(String topic, PublisherConfig config) {
    return keep(d.publisher(topic, config));
  }

  private Subscription joined(String topic, SubscriptionConfig config) {
    return keep(d.subscribe(topic, config));
  }

  private static SubscriptionConfig member() {
    return new SubscriptionConfig().group("g");
  }

  private void asks(String what, PublisherConfig config) {
    all.put(what, t -> opened(t, config) == null ? "" : "accepted");
  }

  private void joins(String what, String topic, SubscriptionConfig config) {
    all.put(what, t -> joined(topic, config) == null ? "" : "accepted");
  }

  /** Writes a topic and asks for it in another way. */
  private void asksAgain(String what, PublisherConfig config) {
    all.put(what, t -> {
      opened(t, small()).tryPublish(new byte[1]);
      opened(t, config);
      return "accepted";
    });
  }

  private void opens(String what, DomainConfig config) {
    all.put(what, t -> {
      Domain.open(config).close();
      return "accepted";
    });
  }

  private void domains() {
    opens("domain-name", new DomainConfig().domain("a/b"));
    opens("participant-name", new DomainConfig().name("x".repeat(65)));
    opens("domain-mode", new DomainConfig().domain("other").mode(0007));
    opens("domain-rights", new DomainConfig().mode(0660));
    opens("domain-node", new DomainConfig().node(8));
  }

  private void topics() {
    all.put("topic-name", t -> opened("a..b", small()).topic());
    all.put("topic-pattern", t -> opened("a.*", small()).topic());
    joins("bad-pattern", "a.>.b", new SubscriptionConfig());
    asks("slots", new PublisherConfig().slots(100));
    asks("few-slots", new PublisherConfig().slots(2));
    asks("slot-size", new PublisherConfig().slotSize((16 << 20) + 1));
    asks("history", new PublisherConfig().slots(64).history(33));
    asksAgain("other-shape", new PublisherConfig().slots(128));
    asksAgain("other-kind", new PublisherConfig().exclusive());
    asks("topic-mode", new PublisherConfig().fileMode(0007));
    asks("topic-owner", new PublisherConfig().owner("no-such-user"));
    asks("topic-group", new PublisherConfig().group("no-such-group"));
    asksAgain("topic-rights", new PublisherConfig().fileMode(0640));
    all.put("owned", t -> {
      opened(t, new PublisherConfig().exclusive());
      opened(t, new PublisherConfig());
      return "accepted";
    });
    asks("not-ours", new PublisherConfig());
    asks("other-version", new PublisherConfig());
    asks("damaged", new PublisherConfig());
    all.put("broken-of-pattern", t -> joined("spoiled.*", new SubscriptionConfig()).poll() == null ? "nothing" : "accepted");
    all.put("closed", t -> {
      Publisher p = d.publisher(t);
      p.close();
      return p.tryPublish(new byte[1]) ? "accepted" : "full";
    });
  }

  private void messages() {
    all.put("too-large", t -> opened(t, small()).tryPublish(new byte[2049]) ? "accepted" : "full");
    all.put("claim-too-large", t -> keep(opened(t, small()).claim(65)) == null ? "" : "accepted");
    all.put("full", t -> full(t).tryPublish(new byte[1]) ? "accepted" : "full");
    all.put("no-room-in-time", t -> full(t).publish(new byte[1], 0, 1, BRIEF) ? "accepted" : "timed_out");
    all.put("empty", t -> joined(t, new SubscriptionConfig()).poll() == null ? "nothing" : "accepted");
    all.put("none-in-time", t -> joined(t, new SubscriptionConfig()).next(BRIEF) == null ? "timed_out" : "accepted");
    all.put("claim-taken", this::claimTaken);
    all.put("second-claim", t -> {
      Publisher p = opened(t, small());
      keep(p.claim(1));
      keep(p.claim(1));
      return "accepted";
    });
    all.put("claim-ended", t -> {
      Claim c = opened(t, small()).claim(1);
      c.commit(1);
      c.commit(1);
      return "accepted";
    });
  }

  /** A topic without room, with a reader who takes nothing. */
  private Publisher full(String t) {
    Publisher p = opened(t, small());
    joined(t, new SubscriptionConfig());
    for (int i = 0; i < 64; i++) {
      if (!p.tryPublish(new byte[1])) {
        throw new IllegalStateException("full after " + i);
      }
    }
    return p;
  }

  private String claimTaken(String t) throws InterruptedException {
    Publisher p = opened(t, small());
    Publisher other = opened(t, small());
    Subscription s = joined(t, new SubscriptionConfig());
    Claim c = p.claim(1);
    other.publish(new byte[1]);
    s.next(PATIENCE);
    c.commit(1);
    return "accepted";
  }

  private void groups() {
    all.put("readers-full", t -> crowd(t, new SubscriptionConfig()));
    joins("group-name", "t", new SubscriptionConfig().group("a b"));
    joins("group-of-pattern", "t.*", member());
    joins("group-history", "t", member().history(1));
    all.put("group-of-latest", t -> {
      opened(t, new PublisherConfig().latest());
      joined(t, member());
      return "accepted";
    });
    all.put("group-fragments", t -> {
      Publisher p = opened(t, small());
      joined(t, member());
      return p.tryPublish(new byte[65]) ? "accepted" : "full";
    });
    all.put("group-crowd", t -> crowd(t, member()));
  }

  /** Subscribes until that is refused. */
  private String crowd(String t, SubscriptionConfig config) {
    for (int i = 0; i < 1000; i++) {
      joined(t, config);
    }
    return "accepted";
  }
}
