package io.github.ringcast;

/**
 * One change of who is there. Immutable.
 *
 * @param up whether it came; otherwise it went
 * @param first whether it was up already when watching began
 * @param reason why it is down; null of what is up
 * @param name the node's, the participant's, the topic's or pattern's, the service's
 * @param program the name of the participant that publishes, subscribes or serves
 * @param address the participant's; of a node, and of a subscriber that its node does not name, node and epoch alone are set
 * @param limit of an instance: how many requests it runs at a time
 */
public record PresenceEvent(PresenceKind kind, boolean up, boolean first, PresenceReason reason, String name, String program, Address address, int limit) {
  /** Of what went: whether its process ended without leaving. */
  public boolean died() {
    return reason == PresenceReason.DIED;
  }

  /** As {@code down instance pricing of desk, n7-1f03.12.5 (died)}. */
  @Override
  public String toString() {
    return (up ? "up " : "down ") + kind.name().toLowerCase(java.util.Locale.ROOT) + " " + name
        + (kind == PresenceKind.PARTICIPANT || kind == PresenceKind.NODE || program.isEmpty() ? "" : " of " + program) + ", " + address
        + (up ? "" : " (" + reason.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ') + ")");
  }
}
