package io.calico4j.core.ipam.decision;

/**
 * A block's sequence numbers when its addresses were assigned, with the text of {@code
 * sequenceNumberForAllocation}: an assignment only adds to it.
 *
 * @param byOrdinal 0 where the address is free or the number is not known
 * @param text what is between the braces
 */
record Sequences(long[] byOrdinal, String text) {
  private static final int ENTRY = 32;

  static Sequences of(long[] byOrdinal) {
    StringBuilder text = new StringBuilder(ENTRY * byOrdinal.length);
    for (int ordinal = 0; ordinal < byOrdinal.length; ordinal++) {
      if (byOrdinal[ordinal] != 0) {
        append(text, ordinal, byOrdinal[ordinal]);
      }
    }
    return new Sequences(byOrdinal, text.toString());
  }

  /** Adds those of ordinals that were free. */
  Sequences plus(int[] ordinals, long sequence) {
    long[] after = byOrdinal.clone();
    StringBuilder longer = new StringBuilder(text.length() + ENTRY * ordinals.length).append(text);
    for (int ordinal : ordinals) {
      after[ordinal] = sequence;
      append(longer, ordinal, sequence);
    }
    return new Sequences(after, longer.toString());
  }

  private static void append(StringBuilder text, int ordinal, long sequence) {
    text.append(text.isEmpty() ? "\"" : ",\"").append(ordinal).append("\":").append(sequence);
  }
}
