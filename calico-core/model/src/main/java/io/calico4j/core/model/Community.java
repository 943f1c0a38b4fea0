package io.calico4j.core.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A value that tags a route: two numbers of 16 bits ({@code 64512:120}, RFC 1997), or three of 32
 * bits ({@code 64512:300:100}, a large community, RFC 8092).
 *
 * @param parts the two or three numbers
 */
public record Community(List<Long> parts) {
  private static final int STANDARD = 2;
  private static final int LARGE = 3;
  private static final long LARGEST_16 = 0xffffL;
  private static final long LARGEST_32 = 0xffffffffL;

  /** Checks the numbers. */
  public Community {
    parts = List.copyOf(parts);
    long most = parts.size() == STANDARD ? LARGEST_16 : LARGEST_32;
    if (parts.size() != STANDARD && parts.size() != LARGE
        || parts.stream().anyMatch(part -> part < 0 || part > most)) {
      throw new IllegalArgumentException(parts + " is no community");
    }
  }

  /** Reads {@code aa:nn} or {@code aa:nn:mm}; empty when the text is neither. */
  public static Optional<Community> tryParse(String text) {
    if (!text.matches("[0-9]{1,10}(:[0-9]{1,10}){1,2}")) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new Community(Arrays.stream(text.split(":", -1)).map(Long::valueOf).toList()));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Tells whether it is a large one. */
  public boolean isLarge() {
    return parts.size() == LARGE;
  }
}
