package io.github.ringcast;

import java.util.concurrent.CompletableFuture;

/** An open request: {@link #cancel} gives it up, and the handler is told. */
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

  /** Stages that depend on this one are not requests of their own. */
  @Override
  public <U> CompletableFuture<U> newIncompleteFuture() {
    return new CompletableFuture<>();
  }
}
