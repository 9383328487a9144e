package io.github.ringcast;

/** What came or went. */
public enum PresenceKind {
  /** Another node, as this node's forwarder knows it. */
  NODE,
  /** A process in the domain. */
  PARTICIPANT,
  /** A participant that publishes a topic. */
  PUBLISHER,
  /** A participant, or another node, that subscribes to a topic or a pattern. */
  SUBSCRIBER,
  /** A participant that serves a name. */
  INSTANCE
}
