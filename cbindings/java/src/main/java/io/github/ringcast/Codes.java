package io.github.ringcast;

import java.nio.charset.StandardCharsets;

/** Codes of answers of kind Error: spec/messaging.md, 9. */
final class Codes {
  static final int NO_SERVICE = 1;
  static final int INSTANCE_DIED = 3;
  static final int DEADLINE = 5;
  static final int CANCELED = 6;
  static final int NO_REPLY = 7;
  static final int TOO_LARGE = 8;
  static final int REQUEST_TOO_LARGE = 10;
  static final int APPLICATION = 256;

  private static final Reason[] REASONS = {null, Reason.NO_SERVICE, Reason.OVERLOADED, Reason.INSTANCE_DIED, Reason.NODE_DOWN, Reason.DEADLINE,
      Reason.CANCELED, Reason.NO_REPLY, Reason.REPLY_TOO_LARGE, Reason.GONE};

  private Codes() {}

  /** What an answer of kind Error says. */
  static RingcastException outcome(int code, byte[] text, String asked) {
    if (code > 0 && code < REASONS.length) {
      return new RingcastException(REASONS[code], asked + ": " + words(REASONS[code]));
    }
    int own = Integer.compareUnsigned(code, APPLICATION) < 0 ? code : code - APPLICATION;
    return new ReplyException(own, new String(text, StandardCharsets.UTF_8));
  }

  /** The application's code n as an answer's. */
  static int application(int n) {
    return Integer.compareUnsigned(n, -1 - APPLICATION) > 0 ? -1 : n + APPLICATION;
  }

  static RingcastException refusal(Reason reason, String asked) {
    return new RingcastException(reason, asked + ": " + words(reason));
  }

  private static String words(Reason reason) {
    switch (reason) {
      case NO_SERVICE: return "no instance of the service: start one";
      case OVERLOADED: return "overloaded: ask later";
      case INSTANCE_DIED: return "its instance died with the request in hand: nobody knows whether it ran";
      case NODE_DOWN: return "no way to the node";
      case DEADLINE: return "the time was over: nobody knows whether it ran";
      case CANCELED: return "the request was given up";
      case NO_REPLY: return "the handler gave no reply";
      case REPLY_TOO_LARGE: return "the reply does not fit the caller's inbox: ask for larger slots (DomainConfig.inboxSlotSize)";
      case GONE: return "the participant is gone";
      case NO_INBOX: return "the participant reads no inbox";
      default: return reason.name();
    }
  }
}
