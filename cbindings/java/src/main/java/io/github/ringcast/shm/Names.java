package io.github.ringcast.shm;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.Layout;

/** Names of topics, patterns over them, and which match: spec/segment.md, 10. */
public final class Names {
  private Names() {}

  /** Refuses what is not the name of a topic. */
  public static void checkTopic(String name) {
    if (!valid(name, false)) {
      throw new RingcastException(Reason.NAME, "topic " + shown(name)
          + ": want letters, digits, _ and -, with dots between, at most " + Layout.MAX_NAME + " bytes");
    }
  }

  /** Refuses what is neither a name nor a pattern. */
  public static void checkPattern(String pattern) {
    if (!valid(pattern, true)) {
      throw new RingcastException(Reason.NAME, "pattern " + shown(pattern)
          + ": want a topic's name, in which a token may be * and the last one >");
    }
  }

  static void checkDomain(String name) {
    if (!valid(name, false) || name.startsWith("$")) {
      throw new RingcastException(Reason.NAME, "domain " + shown(name) + ": want letters, digits, _ and -, with dots between");
    }
  }

  private static String shown(String name) {
    return name == null ? "null" : '"' + (name.length() > 64 ? name.substring(0, 64) + "..." : name) + '"';
  }

  /** Whether a name has wildcards. */
  public static boolean isPattern(String name) {
    return name != null && (name.indexOf('*') >= 0 || name.indexOf('>') >= 0);
  }

  /** Whether it is a name, or, where wildcards may be, a pattern. */
  public static boolean valid(String name, boolean wildcards) {
    if (name == null || name.isEmpty() || name.length() > Layout.MAX_NAME) {
      return false;
    }
    String[] tokens = name.split("\\.", -1);
    for (int i = 0; i < tokens.length; i++) {
      String token = tokens[i];
      boolean wild = wildcards && (token.equals("*") || token.equals(">") && i == tokens.length - 1);
      if (!wild && !plain(i == 0 && token.startsWith("$") ? token.substring(1) : token)) {
        return false;
      }
    }
    return true;
  }

  private static boolean plain(String token) {
    for (int i = 0; i < token.length(); i++) {
      char c = token.charAt(i);
      if (!(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-')) {
        return false;
      }
    }
    return !token.isEmpty();
  }

  /** Whether some name is matched by both; each may be a name or a pattern. */
  public static boolean overlap(String a, String b) {
    if (a.startsWith("$") != b.startsWith("$")) {
      return false; // a pattern that begins with $ spells the first token out
    }
    String[] p = a.split("\\.");
    String[] q = b.split("\\.");
    for (int i = 0; i < Math.min(p.length, q.length); i++) {
      if (p[i].equals(">") || q[i].equals(">")) {
        return true;
      }
      if (!p[i].equals(q[i]) && !p[i].equals("*") && !q[i].equals("*")) {
        return false;
      }
    }
    return p.length == q.length;
  }

  /** Whether a name matches a pattern; false for what is neither. */
  public static boolean matches(String pattern, String name) {
    if (!valid(pattern, true) || !valid(name, false)) {
      return false;
    }
    if (name.startsWith("$") != pattern.startsWith("$")) {
      return false;
    }
    String[] p = pattern.split("\\.");
    String[] n = name.split("\\.");
    for (int i = 0; i < p.length; i++) {
      if (i >= n.length) {
        return false;
      }
      if (p[i].equals(">")) {
        return true;
      }
      if (!p[i].equals("*") && !p[i].equals(n[i])) {
        return false;
      }
    }
    return p.length == n.length;
  }
}
