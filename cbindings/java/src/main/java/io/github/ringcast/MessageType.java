package io.github.ringcast;

/** What stands in a stream. Programs pass over what they do not know. */
public enum MessageType {
  /** A message. */
  MESSAGE,
  /** Positions of the ring passed this reader by: an upper bound of the messages it missed. */
  LAGGED,
  /** Messages of one source will not come. */
  LOSS,
  /** A slot has impossible bytes; reading goes on behind it. */
  DAMAGED,
  /** The taker of a message of a queue group died with it in hand. */
  ABANDONED
}
