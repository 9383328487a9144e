package io.github.ringcast.shm;

import java.util.List;

/**
 * What a living participant says of itself: spec/segment.md, 6.
 *
 * @param index of its record
 * @param generation of its record
 * @param language of {@link io.github.ringcast.fb.Language}
 * @param readable whether what it says could be read; the rest is empty otherwise
 */
public record Said(int index, int generation, int language, boolean readable, String name, String version, List<Info.Want> interests,
    List<Said.Serves> services) {
  /** One name that it answers to. */
  public record Serves(String name, int limit, int room) { }

  static Said unreadable(int index, int generation, int language) {
    return new Said(index, generation, language, false, "", "", List.of(), List.of());
  }
}
