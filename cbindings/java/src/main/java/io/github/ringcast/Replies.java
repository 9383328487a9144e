package io.github.ringcast;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The answers to one request or survey, as they come. Close them to leave early: the handler is told.
 *
 * <pre>{@code
 * try (Replies quotes = domain.client("quotes").stream(question)) {
 *   for (Reply r : quotes) {
 *     use(r.payload());
 *   }
 * }
 * }</pre>
 *
 * <p>For one thread.
 */
public final class Replies implements AutoCloseable, Iterable<Reply> {
  private final Desk desk;
  private final Call call;
  private boolean ended;

  /** A call of null has nobody to answer it. */
  Replies(Desk desk, Call call) {
    this.desk = desk;
    this.call = call;
    ended = call == null;
  }

  /** Waits for the next answer; null if there are no more. Throws the request's outcome if that is an error. */
  public Reply next() throws InterruptedException {
    if (ended) {
      return null;
    }
    boolean more = false;
    try {
      Reply r = desk.next(call);
      more = r != null;
      return r;
    } finally {
      if (!more) {
        close();
      }
    }
  }

  /** Iterates over the rest of them. hasNext waits; an interrupt is told as CANCELED, and stays. */
  @Override
  public Iterator<Reply> iterator() {
    return new Iterator<>() {
      private Reply ahead;

      @Override
      public boolean hasNext() {
        if (ahead == null) {
          try {
            ahead = Replies.this.next();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Codes.refusal(Reason.CANCELED, "replies");
          }
        }
        return ahead != null;
      }

      @Override
      public Reply next() {
        if (!hasNext()) {
          throw new NoSuchElementException("that was all");
        }
        Reply r = ahead;
        ahead = null;
        return r;
      }
    };
  }

  /** Returns the rest of them as a stream; closing it closes them. */
  public Stream<Reply> stream() {
    return StreamSupport.stream(Spliterators.spliteratorUnknownSize(iterator(), 0), false).onClose(this::close);
  }

  /** Gives the request up, if it is open. Closing twice is fine. */
  @Override
  public void close() {
    if (!ended) {
      ended = true;
      desk.finish(call);
    }
  }
}
