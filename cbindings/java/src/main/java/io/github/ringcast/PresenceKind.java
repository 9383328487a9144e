package io.github.ringcast;

/** What came or went. */
public enum PresenceKind {
  /** A process in the domain. */
  PARTICIPANT,
  /** A participant that publishes a topic. */
  PUBLISHER,
  /** A participant that subscribes to a topic or a pattern. */
  SUBSCRIBER,
  /** A participant that serves a name. */
  INSTANCE
}
