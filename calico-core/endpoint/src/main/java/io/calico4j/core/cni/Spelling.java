package io.calico4j.core.cni;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds what a name that is unknown was meant to be. */
final class Spelling {
  /** From this length on a name that differs in one letter is a slip. */
  private static final int ONE_LETTER = 7;

  /** From this length on one that differs in two. */
  private static final int TWO_LETTERS = 10;

  private Spelling() {}

  /** Returns the known name that is nearest to one. */
  static String nearest(String name, Collection<String> known) {
    return known.stream().min(Comparator.comparingInt(other -> distance(name, other))).orElse("");
  }

  /**
   * Returns the known name that an unknown one is a slip of: with other capitals, hyphens or
   * underscores, or a letter or two off where it is long enough; empty for a known name, and for
   * one that means something else.
   */
  static Optional<String> slip(String name, Collection<String> known) {
    if (known.contains(name)) {
      return Optional.empty();
    }
    String nearest = nearest(name, known);
    int length = Math.min(name.length(), nearest.length());
    int allowed = length >= TWO_LETTERS ? 2 : length >= ONE_LETTER ? 1 : 0;
    boolean near = distance(name, nearest) <= allowed;
    return near
        ? Optional.of(nearest)
        : known.stream().filter(other -> plain(other).equals(plain(name))).findFirst();
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
  }

  /** Counts the letters to insert, delete or replace that lead from one text to another. */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }
}
