package io.calico4j.libnetwork;

import io.calico4j.core.model.ReservedLabels;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A container's labels as its endpoint's: those that begin with {@code org.projectcalico.label.},
 * without that, as upstream's libnetwork-plugin takes them.
 */
final class ContainerLabels {
  private static final Logger log = LoggerFactory.getLogger(ContainerLabels.class);
  private static final String PREFIX = "org.projectcalico.label.";
  private static final int MOST = 128;
  private static final Pattern KEY =
      Pattern.compile(
          "([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?");
  private static final Pattern VALUE =
      Pattern.compile("([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?");

  private ContainerLabels() {}

  /**
   * Returns the endpoint's labels. The container runs already, so that what cannot be a label is
   * left out and named in the log.
   */
  static Map<String, String> of(DockerApi.Container container) {
    Map<String, String> labels = new TreeMap<>();
    container.labels().entrySet().stream()
        .filter(label -> label.getKey().startsWith(PREFIX))
        .sorted(Map.Entry.comparingByKey())
        .forEach(
            label -> {
              String key = label.getKey().substring(PREFIX.length());
              String problem = problem(key, label.getValue(), labels.size());
              if (problem.isEmpty()) {
                labels.put(key, label.getValue());
              } else {
                log.warn(
                    "label {} of container {} is left out: {}",
                    label.getKey(),
                    container.name(),
                    problem);
              }
            });
    return labels;
  }

  private static String problem(String key, String value, int count) {
    if (ReservedLabels.contain(key)) {
      return "no container sets labels that begin with "
          + String.join(", ", ReservedLabels.PREFIXES);
    }
    if (!KEY.matcher(key).matches()) {
      return "its name must be 1 to 63 letters, digits, dots, _ and dashes, a letter or digit at"
          + " both ends";
    }
    if (!VALUE.matcher(value).matches()) {
      return "its value must be at most 63 letters, digits, dots, _ and dashes, a letter or digit"
          + " at both ends";
    }
    return count < MOST ? "" : "an endpoint has at most " + MOST;
  }
}
