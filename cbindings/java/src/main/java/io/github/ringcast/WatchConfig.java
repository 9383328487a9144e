package io.github.ringcast;

import java.util.EnumSet;
import java.util.Set;

/** What to watch; the default is everything. Each method returns the object itself. */
public final class WatchConfig {
  Set<PresenceKind> kinds = EnumSet.allOf(PresenceKind.class);
  String name;

  /** Watches only these. */
  public WatchConfig kinds(PresenceKind first, PresenceKind... rest) {
    kinds = EnumSet.of(first, rest);
    return this;
  }

  /**
   * Watches only publishers, subscriptions and instances that have a name in common with this name or
   * pattern. Nodes and participants are always told of.
   */
  public WatchConfig name(String nameOrPattern) {
    name = nameOrPattern;
    return this;
  }
}
