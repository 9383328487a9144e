package io.github.ringcast;

/**
 * A call that could not do what it was asked for. The message says what happened, to what, and what to do;
 * {@link #reason} is for programs.
 */
public class RingcastException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final Reason reason;

  public RingcastException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public RingcastException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Returns why. Never null. */
  public Reason reason() {
    return reason;
  }
}
