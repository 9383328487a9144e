package io.github.ringcast;

import java.util.concurrent.CompletableFuture;

/** A request that is open: {@link #cancel} gives it up, and the handler is told. */
final class RequestFuture extends CompletableFuture<Reply> {
  private final Desk desk;
  private final Call call;

  RequestFuture(Desk desk, Call call) {
    this.desk = desk;
    this.call = call;
  }

  @Override
  public boolean cancel(boolean mayInterrupt) {
    boolean first = super.cancel(mayInterrupt);
    if (first) {
      desk.finish(call);
    }
    return first;
  }

  /** Stages that hang on this one are no requests of their own. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
