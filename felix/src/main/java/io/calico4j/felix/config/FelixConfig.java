package io.calico4j.felix.config;

import io.calico4j.core.model.FelixConfigurationSpec;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Felix's parameters, as far as this Felix acts on them. Ascending precedence, as upstream's:
 * built-in, FelixConfiguration {@code default}, FelixConfiguration {@code node.NAME}, environment.
 *
 * @param endpointToHostAction DROP, RETURN or ACCEPT: workload to its host
 * @param logPrefix the prefix of Log rules
 * @param rulesRefreshInterval how often rules are written anew whatever is there; zero is never
 * @param routeRefreshInterval how often missing routes are put back; zero is never
 * @param reportingInterval how often Felix writes that it is alive; zero is never
 * @param reportingTtl how long that lasts
 * @param endpointReporting whether the status of each endpoint is written too
 */
public record FelixConfig(
    String endpointToHostAction,
    String logPrefix,
    Duration rulesRefreshInterval,
    Duration routeRefreshInterval,
    Duration reportingInterval,
    Duration reportingTtl,
    boolean endpointReporting) {
  private static final Logger log = LoggerFactory.getLogger(FelixConfig.class);

  /** What holds where nothing is configured. */
  public static final FelixConfig DEFAULTS =
      new FelixConfig(
          "DROP",
          "calico-packet",
          Duration.ofSeconds(180),
          Duration.ofSeconds(90),
          Duration.ofSeconds(30),
          Duration.ofSeconds(90),
          false);

  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}(\\.[0-9]+)?");
  private static final Pattern GO_PART = Pattern.compile("([0-9]{1,6}(?:\\.[0-9]+)?)(ms|s|m|h)");

  /**
   * Resolves the parameters; a value that makes no sense is logged and counts as not set.
   *
   * @param environment with FELIX_ variables in any case
   * @param specs the FelixConfiguration specs that apply, the stronger first
   */
  public static FelixConfig resolve(
      Map<String, String> environment, List<FelixConfigurationSpec> specs) {
    Map<String, String> variables = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    variables.putAll(environment);
    Source source = new Source(variables, specs);
    return new FelixConfig(
        source.find(
            "DefaultEndpointToHostAction",
            FelixConfigurationSpec::defaultEndpointToHostAction,
            FelixConfig::action,
            DEFAULTS.endpointToHostAction()),
        source.find(
            "LogPrefix", FelixConfigurationSpec::logPrefix, Optional::of, DEFAULTS.logPrefix()),
        source.find(
            "NftablesRefreshInterval",
            FelixConfigurationSpec::nftablesRefreshInterval,
            FelixConfig::duration,
            DEFAULTS.rulesRefreshInterval()),
        source.find(
            "RouteRefreshInterval",
            FelixConfigurationSpec::routeRefreshInterval,
            FelixConfig::duration,
            DEFAULTS.routeRefreshInterval()),
        source.find(
            "ReportingIntervalSecs",
            FelixConfigurationSpec::reportingInterval,
            FelixConfig::duration,
            DEFAULTS.reportingInterval()),
        source.find(
            "ReportingTTLSecs",
            FelixConfigurationSpec::reportingTTL,
            FelixConfig::duration,
            DEFAULTS.reportingTtl()),
        source.find(
            "EndpointReportingEnabled",
            spec -> Objects.toString(spec.endpointReportingEnabled(), null),
            FelixConfig::flag,
            DEFAULTS.endpointReporting()));
  }

  private record Source(Map<String, String> variables, List<FelixConfigurationSpec> specs) {
    <T> T find(
        String name,
        Function<FelixConfigurationSpec, String> field,
        Function<String, Optional<T>> parser,
        T otherwise) {
      String variable = variables.getOrDefault("FELIX_" + name, "");
      Optional<T> found = parse("FELIX_" + name, variable, parser);
      for (FelixConfigurationSpec spec : specs) {
        if (found.isEmpty()) {
          String value = field.apply(spec);
          found = parse("FelixConfiguration " + name, value == null ? "" : value, parser);
        }
      }
      return found.orElse(otherwise);
    }

    private static <T> Optional<T> parse(
        String name, String value, Function<String, Optional<T>> parser) {
      if (value.isEmpty()) {
        return Optional.empty();
      }
      Optional<T> parsed = parser.apply(value);
      if (parsed.isEmpty()) {
        log.error("{} \"{}\" is not understood and ignored", name, value);
      }
      return parsed;
    }
  }

  private static Optional<String> action(String text) {
    String upper = text.toUpperCase(Locale.ROOT);
    return List.of("DROP", "RETURN", "ACCEPT").contains(upper)
        ? Optional.of(upper)
        : Optional.empty();
  }

  private static Optional<Boolean> flag(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "1", "yes", "y", "t" -> Optional.of(true);
      case "false", "0", "no", "n", "f" -> Optional.of(false);
      default -> Optional.empty();
    };
  }

  /** Parses seconds ({@code 90}) or a Go duration ({@code 1m30s}). */
  private static Optional<Duration> duration(String text) {
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
    return end == text.length() ? Optional.of(millis(millis)) : Optional.empty();
  }

  private static Duration millis(double millis) {
    return Duration.ofMillis(Math.round(millis));
  }
}
