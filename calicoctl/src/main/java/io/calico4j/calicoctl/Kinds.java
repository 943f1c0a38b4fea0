package io.calico4j.calicoctl;

import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Finds a kind by any of the names that upstream's calicoctl accepts. */
final class Kinds {
  private static final Map<String, String> SHORT =
      Map.of(
          "ipp", "ippool",
          "pool", "ippool",
          "wep", "workloadendpoint",
          "np", "networkpolicy",
          "policy", "networkpolicy",
          "gnp", "globalnetworkpolicy",
          "bgpconfig", "bgpconfiguration",
          "felixconfig", "felixconfiguration",
          "clusterinfo", "clusterinformation",
          "peer", "bgppeer");

  private Kinds() {}

  /** Returns the names of all kinds, for a message. */
  static List<String> names() {
    return Stream.concat(
            ResourceKind.all().stream().map(ResourceKind::kind),
            Arrays.stream(IpamData.values()).map(IpamData::kind))
        .toList();
  }

  /**
   * Returns the key of a kind and a name on the command line.
   *
   * @throws ParameterException when there is no such kind
   */
  static ResourceKey key(CommandSpec spec, String kind, String namespace, String name) {
    return Namespaces.key(
        find(kind)
            .orElseThrow(
                () ->
                    new ParameterException(
                        spec.commandLine(), "kind \"" + kind + "\" is none of " + names())),
        namespace,
        name);
  }

  static Optional<ResourceKind<?>> find(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return ResourceKind.find(SHORT.getOrDefault(lower, lower));
  }
}
