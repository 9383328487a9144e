package io.github.ringcast;

/** Why something is down. */
public enum PresenceReason {
  /** It was closed, or its process left the domain in order. */
  LEFT,
  /** Its process ended without leaving. */
  DIED,
  /** Its node is no longer heard, or has begun anew. */
  NODE_DOWN,
  /** No forwarder runs on this node, so nothing is known of others. */
  NO_FORWARDER,
  /** The forwarder of its node was stopped, and said so. */
  NODE_LEFT
}
