package io.calico4j.felix.config;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;

/**
 * Felix's parameters, as far as this Felix acts on them.
 *
 * @param node the node's name
 * @param endpointToHostAction DROP, RETURN or ACCEPT: workload to its host; the FelixConfiguration
 *     resources override it
 * @param logPrefix the prefix of Log rules
 * @param refreshInterval how often rules are written anew whatever is there
 */
public record FelixConfig(
    String node, String endpointToHostAction, String logPrefix, Duration refreshInterval) {

  /** Makes the defaults for a node. */
  public static FelixConfig forNode(String node) {
    return new FelixConfig(node, "DROP", "calico-packet", Duration.ofSeconds(90));
  }

  /** Reads FELIX_* variables over the defaults. */
  public static FelixConfig fromEnvironment(String node, Map<String, String> environment) {
    FelixConfig defaults = forNode(node);
    return new FelixConfig(
        node,
        environment
            .getOrDefault("FELIX_DEFAULTENDPOINTTOHOSTACTION", defaults.endpointToHostAction())
            .toUpperCase(Locale.ROOT),
        environment.getOrDefault("FELIX_LOGPREFIX", defaults.logPrefix()),
        defaults.refreshInterval());
  }
}
