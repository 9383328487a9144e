package io.github.ringcast;

import java.util.EnumSet;
import java.util.Set;

/** What to watch; all of it if nobody says otherwise. Each method returns the object itself. */
public final class WatchConfig {
  Set<PresenceKind> kinds = EnumSet.allOf(PresenceKind.class);
  String name;

  /** Only these. */
  public WatchConfig kinds(PresenceKind first, PresenceKind... rest) {
    kinds = EnumSet.of(first, rest);
    return this;
  }

  /** Only publishers, subscriptions and instances that have a name in common with this name or pattern. Nodes and participants are told of in any case. */
  public WatchConfig name(String nameOrPattern) {
    name = nameOrPattern;
    return this;
  }
}
