package io.github.ringcast;

/**
 * Answers a request: once with {@link Request#reply}, or with an exception, which the caller gets as a
 * {@link ReplyException}. If it does neither, the caller gets NO_REPLY. The request is valid until the
 * handler returns.
 */
@FunctionalInterface
public interface Handler {
  void handle(Request request) throws Exception;
}
