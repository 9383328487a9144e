package io.github.ringcast.ring;

/** What a producer does with a queue group that holds it back: spec/ring.md, 14. */
final class Groups {
  private Groups() {}

  /** Placeholder until members are written. */
  static void moveGate(Ring r, int entry, long word) {
  }
}
