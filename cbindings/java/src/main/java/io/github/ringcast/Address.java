package io.github.ringcast;

/**
 * Names a participant of the domain, or one of its publishers. It is valid on every node and never used
 * again. Immutable.
 *
 * @param node id of the node, unsigned
 * @param epoch of the node, unsigned
 * @param generation of the participant's record, unsigned
 * @param index of the participant's record
 * @param handle which publisher; 0: the participant itself
 */
public record Address(int node, int epoch, int generation, int index, int handle) {
  static Address of(long word0, long word1) {
    return new Address((int) word0, (int) (word0 >>> 32), (int) word1, (int) (word1 >>> 32) & 0xffff, (int) (word1 >>> 48) & 0xffff);
  }

  long word0() {
    return node & 0xffffffffL | (long) epoch << 32;
  }

  long word1() {
    return generation & 0xffffffffL | (long) index << 32 | (long) handle << 48;
  }

  /** Returns its text, such as {@code n7-1f03.12.5:1}; without the end if the handle is 0. */
  @Override
  public String toString() {
    return "n" + Integer.toUnsignedString(node) + "-" + Integer.toHexString(epoch) + "." + index + "." + Integer.toUnsignedString(generation)
        + (handle != 0 ? ":" + handle : "");
  }

  /** Parses such a text. Throws {@link RingcastException} (INVALID) for anything that would not be written so. */
  public static Address parse(String text) {
    try {
      int dash = text.indexOf('-');
      String[] parts = text.substring(dash + 1).split("[.:]");
      Address a = new Address(Integer.parseUnsignedInt(text.substring(1, dash)), Integer.parseUnsignedInt(parts[0], 16),
          Integer.parseUnsignedInt(parts[2]), Integer.parseInt(parts[1]), parts.length > 3 ? Integer.parseInt(parts[3]) : 0);
      if (a.index >= 0 && a.index <= 0xffff && a.handle >= 0 && a.handle <= 0xffff && a.toString().equals(text)) {
        return a;
      }
    } catch (RuntimeException e) {
      throw new RingcastException(Reason.INVALID, "address \"" + text + "\": want a text such as n7-1f03.12.5:1", e);
    }
    throw new RingcastException(Reason.INVALID, "address \"" + text + "\": want a text such as n7-1f03.12.5:1");
  }
}
