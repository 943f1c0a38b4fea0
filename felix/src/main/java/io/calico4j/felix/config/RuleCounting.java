package io.calico4j.felix.config;

import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.Resource;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether rules count: an annotation of FelixConfiguration, because upstream has no parameter for
 * it (its rules always count), and its tools would drop a field that they do not know.
 */
final class RuleCounting {
  /** The annotation: Enabled or Disabled. */
  static final String ANNOTATION = "io.calico4j/rule-counters";

  private static final Logger log = LoggerFactory.getLogger(RuleCounting.class);

  private RuleCounting() {}

  /**
   * Returns what the strongest says that says something.
   *
   * @param configurations those that apply to this node, the stronger first
   */
  static boolean isEnabled(List<Resource<FelixConfigurationSpec>> configurations) {
    for (Resource<FelixConfigurationSpec> configuration : configurations) {
      String value = configuration.metadata().annotations().get(ANNOTATION);
      if (value != null && value.equalsIgnoreCase("Enabled")) {
        return true;
      }
      if (value != null && value.equalsIgnoreCase("Disabled")) {
        return false;
      }
      if (value != null) {
        log.error(
            "FelixConfiguration {} annotation {} \"{}\" must be Enabled or Disabled: it is ignored"
                + " until it is changed",
            configuration.metadata().name(),
            ANNOTATION,
            value);
      }
    }
    return false;
  }
}
