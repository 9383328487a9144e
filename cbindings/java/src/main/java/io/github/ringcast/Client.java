package io.github.ringcast;

import io.github.ringcast.fb.Content;
import io.github.ringcast.ring.Letter;
import io.github.ringcast.shm.Clock;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/**
 * Asks one service, or one participant's inbox. It needs no close, and is safe for use by several threads.
 *
 * <pre>{@code
 * Reply reply = domain.client("pricing").request(question);
 * domain.client("pricing").requestAsync(question).thenAccept(r -> use(r.payload()));
 * }</pre>
 *
 * <p>A domain keeps open the 256 services that it called last, and those that somebody waits for. So a
 * program may call any number of names.
 *
 * <p>A request runs at most once, unless it may run twice ({@link #idempotent}). What is thrown is a {@link
 * RingcastException}: NO_SERVICE, OVERLOADED, GONE, NO_INBOX, NODE_DOWN and TOO_LARGE at once, and it did
 * not run; INSTANCE_DIED as soon as that is seen; DEADLINE; NO_REPLY, REPLY_TOO_LARGE and {@link
 * ReplyException} from the handler; CLOSED.
 */
public final class Client {
  private final Domain domain;
  private final String service;
  private final Address address;
  private final long time;
  private final boolean twice;
  private final int content;
  private final int schema;

  Client(Domain domain, String service, Address address, long time, boolean twice) {
    this(domain, service, address, time, twice, Content.Raw, 0);
  }

  private Client(Domain domain, String service, Address address, long time, boolean twice, int content, int schema) {
    this.domain = domain;
    this.service = service;
    this.address = address;
    this.time = time;
    this.twice = twice;
    this.content = content;
    this.schema = schema;
  }

  /**
   * Returns a client that gives each request this many nanoseconds, which travel with it. Default 10 s, at
   * most 30 minutes.
   */
  public Client within(long nanos) {
    return new Client(domain, service, address, Math.min(nanos, Heading.MOST_TIME), twice, content, schema);
  }

  /**
   * Returns a client whose requests may run twice: if an instance dies with one in hand, or its node goes
   * down, it is sent again, within its time. Only {@link #request} does so.
   */
  public Client idempotent() {
    return new Client(domain, service, address, time, true, content, schema);
  }

  /**
   * Returns a client that marks what it sends as a FlatBuffer with the low half of its schema's hash (0:
   * unknown): {@code client.flatBuffers(hash).request(builder.sizedByteArray())}.
   */
  public Client flatBuffers(int schemaHash) {
    return new Client(domain, service, address, time, twice, Content.FlatBuffer, schemaHash);
  }

  private Call begin(Desk desk, long until, boolean many) throws InterruptedException {
    ServiceQueue queue = service == null ? null : domain.post().services.hold(service);
    boolean begun = false;
    try {
      Call c = desk.begin(until, queue, address, many, null, 0);
      c.content = content;
      c.schema = schema;
      begun = true;
      return c;
    } finally {
      if (!begun && queue != null) {
        queue.drop();
      }
    }
  }

  /**
   * Asks, and waits for the reply. It waits only for that and, if DomainConfig.inFlight requests are open,
   * for one of them.
   */
  public Reply request(byte[] payload) throws InterruptedException {
    long until = Clock.now() + time;
    Desk desk = domain.post().desk();
    for (;;) {
      Call c = begin(desk, until, false);
      desk.dispatch(c, payload);
      try {
        return desk.await(c);
      } catch (RingcastException e) {
        if (!twice || !mayBeElsewhere(e.reason())) {
          throw e;
        }
      }
    }
  }

  /** Whether whoever had the request is gone, and another may take it. An address has no other. */
  private boolean mayBeElsewhere(Reason reason) {
    return reason == Reason.INSTANCE_DIED || reason == Reason.NODE_DOWN && service != null;
  }

  /** Does the same with text, UTF-8. */
  public Reply request(String text) throws InterruptedException {
    return request(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Asks, and returns at once; only if DomainConfig.inFlight requests are open does it wait for one of
   * them. The future ends with the reply or with a {@link RingcastException}, also for what is refused at
   * once. Cancelling it gives the request up. Whatever depends on the future runs in the thread that reads
   * the answer, and keeps others from theirs: it may ask further, but should not wait for anything else.
   */
  public CompletableFuture<Reply> requestAsync(byte[] payload) {
    try {
      Desk desk = domain.post().desk();
      Call c = begin(desk, Clock.now() + time, false);
      RequestFuture f = desk.future(c);
      desk.dispatch(c, payload);
      return f;
    } catch (RingcastException e) {
      return CompletableFuture.failedFuture(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return CompletableFuture.failedFuture(Codes.refusal(Reason.CANCELED, "request"));
    }
  }

  /**
   * Asks a service for many replies, which are read as they come. Closing them gives the request up. The
   * handler is at most 15 ahead.
   */
  public Replies stream(byte[] payload) throws InterruptedException {
    if (service == null) {
      throw new RingcastException(Reason.INVALID, "stream from " + address + ": an inbox gives one reply: ask a service");
    }
    Desk desk = domain.post().desk();
    Call c = begin(desk, Clock.now() + time, true);
    desk.dispatch(c, payload);
    return new Replies(desk, c);
  }

  /**
   * Sends a message to any one instance of the service, or to the inbox, and waits for no answer. When it
   * returns, the message was put there; for another node, into the uplink.
   */
  public void send(byte[] payload) {
    Letter l = Letter.data(payload).marked(content, schema);
    if (service != null) {
      ServiceQueue queue = domain.post().services.hold(service);
      try {
        queue.put(l);
      } catch (RingcastException e) {
        domain.post().away.serve(queue, l, e);
      } finally {
        queue.drop();
      }
    } else {
      domain.post().send(address, false, l);
    }
  }
}
