package io.calico4j.core.felix;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The table of all parameters, {@code felix-parameters.csv} beside this class. */
public final class FelixParameters {
  private static final List<FelixParameter> ALL = load();

  /** In characters: a value from the datastore must not flood the log. */
  private static final int LONGEST_VALUE = 100;

  private FelixParameters() {}

  private static List<FelixParameter> load() {
    try (InputStream in = FelixParameters.class.getResourceAsStream("felix-parameters.csv")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .skip(1)
          .map(FelixParameter::parse)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("the table of Felix' parameters is missing from the jar", e);
    }
  }

  /** Returns all parameters, by name. */
  public static List<FelixParameter> all() {
    return ALL;
  }

  /**
   * Says what is set and has no effect: one line for each parameter that is not acted upon here and
   * is set to something else than how this Felix behaves anyway, and one for each name that is no
   * parameter.
   *
   * @param sources where parameters are set, the strongest first
   */
  public static List<String> withoutEffect(List<FelixSource> sources) {
    List<String> lines = new ArrayList<>();
    for (FelixParameter parameter : ALL) {
      if (parameter.status() == FelixParameter.Status.ACTED) {
        continue;
      }
      sources.stream()
          .filter(source -> source.value(parameter).isPresent())
          .findFirst()
          .flatMap(source -> answer(parameter, source))
          .ifPresent(lines::add);
    }
    for (FelixSource source : sources) {
      source.given().keySet().stream()
          .filter(name -> !isKnown(source, name))
          .map(name -> source.describe(name) + " is no parameter of Felix: it has no effect")
          .forEach(lines::add);
    }
    return lines;
  }

  private static Optional<String> answer(FelixParameter parameter, FelixSource source) {
    String value = source.value(parameter).orElse("");
    boolean read =
        parameter.status() == FelixParameter.Status.CALICO_NODE
            && source.kind() == FelixSource.Kind.ENVIRONMENT;
    if (read || parameter.isInForce(value)) {
      return Optional.empty();
    }
    return Optional.of(
        "FelixConfiguration "
            + parameter.name()
            + " is not supported here, because "
            + parameter.status().reason()
            + ": "
            + source.describe(source.nameOf(parameter))
            + " \""
            + (value.length() > LONGEST_VALUE ? value.substring(0, LONGEST_VALUE) + "…" : value)
            + "\" has no effect");
  }

  private static boolean isKnown(FelixSource source, String name) {
    // All of the BPF dataplane means something only with BPFEnabled, which is in the table.
    return name.toLowerCase(Locale.ROOT).startsWith("bpf")
        || ALL.stream().anyMatch(parameter -> source.isNamed(parameter, name));
  }
}
