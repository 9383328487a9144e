package io.github.ringcast;

/**
 * Answers a request: by {@link Request#reply}, once, or by an exception, which the caller gets as a {@link ReplyException}. Without
 * either the caller gets NO_REPLY. The request is valid until the handler returns.
 */
@FunctionalInterface
public interface Handler {
  void handle(Request request) throws Exception;
}
