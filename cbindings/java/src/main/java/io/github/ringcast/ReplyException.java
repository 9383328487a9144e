package io.github.ringcast;

/** A handler's own error, its answer to the request. A handler that throws one chooses the code. */
public final class ReplyException extends RingcastException {
  private static final long serialVersionUID = 1;
  private final int code;

  /** Takes a code of the application's, 0 for none, unsigned up to 2^32 - 257. A null text means none. */
  public ReplyException(int code, String text) {
    super(Reason.APPLICATION, text == null ? "" : text);
    this.code = code;
  }

  /** Returns the handler's code; 0 if it gave none. */
  public int code() {
    return code;
  }
}
