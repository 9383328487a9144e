package io.github.ringcast;

/**
 * One change of who is there. Immutable.
 *
 * @param up whether it came; otherwise it went
 * @param first whether it was up already when watching began
 * @param reason why it is down; null if it is up
 * @param name of the node, participant, topic, pattern or service
 * @param program the name of the participant that publishes, subscribes or serves
 * @param address the participant's; for a node, and for a subscriber that its node does not name, only node and epoch are set
 * @param limit of an instance: how many requests it runs at a time
 */
public record PresenceEvent(PresenceKind kind, boolean up, boolean first, PresenceReason reason, String name, String program, Address address, int limit) {
  /** Returns whether it is down because its process ended without leaving. */
  public boolean died() {
    return reason == PresenceReason.DIED;
  }

  /** Returns its text, such as {@code down instance pricing of desk, n7-1f03.12.5 (died)}. */
  @Override
  public String toString() {
    return (up ? "up " : "down ") + kind.name().toLowerCase(java.util.Locale.ROOT) + " " + name
        + (kind == PresenceKind.PARTICIPANT || kind == PresenceKind.NODE || program.isEmpty() ? "" : " of " + program) + ", " + address
        + (up ? "" : " (" + reason.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ') + ")");
  }
}
