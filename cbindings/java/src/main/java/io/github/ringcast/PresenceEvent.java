package io.github.ringcast;

/**
 * One change of who is there. Immutable.
 *
 * @param up whether it came; otherwise it went
 * @param first whether it was up already when watching began
 * @param died of what went: whether its process ended without leaving; otherwise it was taken back, or its process left in order
 * @param name the participant's, the topic's or pattern's, the service's
 * @param program the name of the participant that publishes, subscribes or serves
 * @param address the participant's
 * @param limit of an instance: how many requests it runs at a time
 */
public record PresenceEvent(PresenceKind kind, boolean up, boolean first, boolean died, String name, String program, Address address, int limit) {
  /** As {@code down instance pricing of desk, n7-1f03.12.5 (died)}. */
  @Override
  public String toString() {
    return (up ? "up " : "down ") + kind.name().toLowerCase(java.util.Locale.ROOT) + " " + name
        + (kind == PresenceKind.PARTICIPANT || program.isEmpty() ? "" : " of " + program) + ", " + address
        + (up ? "" : died ? " (died)" : " (left)");
  }
}
