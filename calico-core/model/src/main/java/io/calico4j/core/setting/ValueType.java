package io.calico4j.core.setting;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kind of value that is written as text.
 *
 * @param <T> what the text is read as
 * @param range the allowed texts in words; completes "must be"
 * @param parser reads a text; empty when it is not one of them
 * @param shown what of a text may be printed
 */
public record ValueType<T>(
    String range, Function<String, Optional<T>> parser, UnaryOperator<String> shown) {
  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}(\\.[0-9]+)?");
  private static final Pattern GO_PART = Pattern.compile("([0-9]{1,6}(?:\\.[0-9]+)?)(ms|s|m|h)");

  /** Makes a type from a parser that answers with empty what it does not understand. */
  public static <T> ValueType<T> of(String range, Function<String, Optional<T>> parser) {
    return new ValueType<>(range, parser, UnaryOperator.identity());
  }

  /** Makes a type from a parser that throws {@link IllegalArgumentException}. */
  public static <T> ValueType<T> strict(String range, Function<String, T> parser) {
    return of(
        range,
        text -> {
          try {
            return Optional.of(parser.apply(text));
          } catch (IllegalArgumentException e) {
            return Optional.empty();
          }
        });
  }

  /** Any text. */
  public static ValueType<String> text(String range) {
    return of(range, Optional::of);
  }

  /** Any text; it is never printed, because it may be a password. */
  public static ValueType<String> secret(String range) {
    return text(range).showing(text -> "…");
  }

  /** A text that matches as a whole. */
  public static ValueType<String> matching(String range, String pattern) {
    Pattern compiled = Pattern.compile(pattern);
    return of(range, text -> Optional.of(text).filter(t -> compiled.matcher(t).matches()));
  }

  /** A whole number within limits that are themselves allowed. */
  public static ValueType<Integer> integer(String range, int least, int most) {
    return of(
        range,
        text ->
            Optional.of(text)
                .filter(t -> t.matches("[0-9]{1,9}"))
                .map(Integer::valueOf)
                .filter(number -> number >= least && number <= most));
  }

  /** A TCP port; 0 is any free one. */
  public static ValueType<Integer> port() {
    return integer("a port, 0 to 65535", 0, 65535);
  }

  /** A file or directory, which need not be there. */
  public static ValueType<Path> path() {
    return strict("a path", Path::of);
  }

  /** Yes or no, in the words that upstream's Felix takes. */
  public static ValueType<Boolean> flag() {
    return of(
        "true, 1, yes, y, t, or false, 0, no, n, f",
        text ->
            switch (text.toLowerCase(Locale.ROOT)) {
              case "true", "1", "yes", "y", "t" -> Optional.of(true);
              case "false", "0", "no", "n", "f" -> Optional.of(false);
              default -> Optional.empty();
            });
  }

  /** One of a few words, in any case; read as it is written here. */
  public static ValueType<String> oneOf(String... words) {
    List<String> allowed = List.of(words);
    return of(
        "one of " + String.join(", ", allowed),
        text -> allowed.stream().filter(text::equalsIgnoreCase).findFirst());
  }

  /** Seconds ({@code 90}) or a Go duration ({@code 1m30s}). */
  public static ValueType<Duration> duration() {
    return of("seconds such as 90, or a duration such as 1m30s", ValueType::parseDuration);
  }

  private static Optional<Duration> parseDuration(String text) {
    if (SECONDS.matcher(text).matches()) {
      return Optional.of(millis(Double.parseDouble(text) * 1000));
    }
    Matcher part = GO_PART.matcher(text);
    double millis = 0;
    int end = 0;
    while (part.find() && part.start() == end) {
      double unit =
          switch (part.group(2)) {
            case "ms" -> 1;
            case "s" -> 1000;
            case "m" -> 60_000;
            default -> 3_600_000;
          };
      millis += Double.parseDouble(part.group(1)) * unit;
      end = part.end();
    }
    return end > 0 && end == text.length() ? Optional.of(millis(millis)) : Optional.empty();
  }

  private static Duration millis(double millis) {
    return Duration.ofMillis(Math.round(millis));
  }

  /** Returns a copy of which only a part of each text may be printed. */
  public ValueType<T> showing(UnaryOperator<String> part) {
    return new ValueType<>(range, parser, part);
  }

  /** Reads a text; empty when it is not understood. */
  public Optional<T> parse(String text) {
    return parser.apply(text);
  }
}
