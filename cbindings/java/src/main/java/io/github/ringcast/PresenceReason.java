package io.github.ringcast;

/** Why something is down. */
public enum PresenceReason {
  /** It was taken back, or its process left the domain in order. */
  LEFT,
  /** Its process ended without leaving. */
  DIED,
  /** Its node is not heard any more, or has begun anew. */
  NODE_DOWN,
  /** No forwarder runs on this node, so nothing is known of others. */
  NO_FORWARDER,
  /** The forwarder of its node was stopped, and said so. */
  NODE_LEFT
}
