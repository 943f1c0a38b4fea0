package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixParameters;
import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.Resource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where this host's Felix finds its parameters. Environment and felix.cfg are read once. Not for
 * several threads.
 */
public final class FelixSources {
  private static final Logger log = LoggerFactory.getLogger(FelixSources.class);

  private final List<FelixSource> local;
  private Set<String> named = Set.of();

  private FelixSources(List<FelixSource> local) {
    this.local = local;
  }

  /** Reads what is set on this host. */
  public static FelixSources ofHost(Map<String, String> environment) {
    return of(
        FelixSource.environment(environment),
        FelixSource.file(FelixSource.FILE, report -> log.error("{}", report)));
  }

  /** Takes what is set on this host, the stronger first. */
  static FelixSources of(FelixSource... local) {
    return new FelixSources(List.of(local));
  }

  /**
   * Resolves the parameters.
   *
   * @param configurations those that apply to this node, the stronger first
   */
  public FelixConfig resolve(List<Resource<FelixConfigurationSpec>> configurations) {
    return FelixConfig.resolve(with(configurations))
        .withRuleCounters(RuleCounting.isEnabled(configurations));
  }

  /** Logs, each time that it begins to be so, what is set and has no effect. */
  public void nameWithoutEffect(List<Resource<FelixConfigurationSpec>> configurations) {
    news(configurations).forEach(line -> log.warn("{}", line));
  }

  /** Returns what is without effect now and was not at the last call. */
  List<String> news(List<Resource<FelixConfigurationSpec>> configurations) {
    List<String> now = FelixParameters.withoutEffect(with(configurations));
    List<String> news = now.stream().filter(line -> !named.contains(line)).toList();
    named = new HashSet<>(now);
    return news;
  }

  private List<FelixSource> with(List<Resource<FelixConfigurationSpec>> configurations) {
    List<FelixSource> all = new ArrayList<>(local);
    configurations.forEach(configuration -> all.add(FelixSource.resource(configuration)));
    return all;
  }
}
