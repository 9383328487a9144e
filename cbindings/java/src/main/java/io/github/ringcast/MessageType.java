package io.github.ringcast;

/** What a stream contains. Programs skip what they do not know. */
public enum MessageType {
  /** A message. */
  MESSAGE,
  /** Positions of the ring passed this reader by: an upper bound of the messages it missed. */
  LAGGED,
  /** Messages of one source will not come. */
  LOSS,
  /** A slot has impossible bytes; reading goes on after it. */
  DAMAGED,
  /** A member of a queue group died with a message in hand. */
  ABANDONED
}
