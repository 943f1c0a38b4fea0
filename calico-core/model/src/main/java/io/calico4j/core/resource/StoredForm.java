package io.calico4j.core.resource;

import io.calico4j.core.model.BgpConfigurationSpec;
import io.calico4j.core.model.BgpFilterSpec;
import io.calico4j.core.model.BgpPeerSpec;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.selector.Selector;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What those who compute with a stored resource rely on, beyond its JSON: names that are those of
 * the key, fields that must be there, texts that can be read. Not whether a user may write it
 * ({@link ResourceValidator}): other programs and older versions have written what is stored.
 */
final class StoredForm {
  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");
  private static final int MAX_PORT = 65535;
  private static final Set<String> MODES = Set.of("Never", "Always", "CrossSubnet");

  private StoredForm() {}

  /** Checks a resource; an {@link IllegalArgumentException} says what is damaged. */
  static void check(Resource<?> resource, String path) {
    checkKey(resource, path);
    Object spec = resource.spec();
    if (spec instanceof WorkloadEndpointSpec endpoint) {
      check(endpoint);
    } else if (spec instanceof IpPoolSpec pool) {
      check(pool);
    } else if (spec instanceof NodeSpec node) {
      check(node);
    } else if (spec instanceof BgpPeerSpec peer) {
      BgpStoredForm.check(peer);
    } else if (spec instanceof BgpConfigurationSpec configuration) {
      BgpStoredForm.check(configuration);
    } else if (spec instanceof BgpFilterSpec filter) {
      BgpStoredForm.check(filter);
    }
  }

  private static void checkKey(Resource<?> resource, String path) {
    Optional<ResourceKey> key = ResourceKey.parse(path);
    if (key.isEmpty()) {
      return;
    }
    boolean policy =
        resource.kind().equals(ResourceKind.NETWORK_POLICY)
            || resource.kind().equals(ResourceKind.GLOBAL_NETWORK_POLICY);
    String name = resource.metadata().name();
    // A policy's user may have named it with or without the name of its tier.
    require(policy || name.equals(key.get().name()), "metadata.name", name);
    if (resource.kind().namespaced()) {
      String namespace = key.get().namespace();
      require(NAMESPACE.matcher(namespace).matches(), "the key's namespace", namespace);
      require(
          namespace.equals(resource.metadata().namespace()),
          "metadata.namespace",
          resource.metadata().namespace());
    }
  }

  private static void check(WorkloadEndpointSpec endpoint) {
    require(isGiven(endpoint.node()), "spec.node", endpoint.node());
    require(isGiven(endpoint.endpoint()), "spec.endpoint", endpoint.endpoint());
    require(isGiven(endpoint.orchestrator()), "spec.orchestrator", endpoint.orchestrator());
    endpoint.ipNetworks().forEach(text -> requireNetwork("spec.ipNetworks", text));
    for (WorkloadEndpointSpec.NamedPort port : endpoint.ports()) {
      require(
          isGiven(port.name()) && port.protocol() != null && isPort(port.port()),
          "spec.ports",
          port);
    }
  }

  private static void check(IpPoolSpec pool) {
    Cidr network = requireNetwork("spec.cidr", pool.cidr());
    int size = pool.effectiveBlockSize();
    boolean v4 = network.address().isV4();
    require(
        size >= network.prefix() && size >= (v4 ? 20 : 116) && size <= (v4 ? 32 : 128),
        "spec.blockSize",
        pool.blockSize());
    require(isMode(pool.vxlanMode()), "spec.vxlanMode", pool.vxlanMode());
    require(isMode(pool.ipipMode()), "spec.ipipMode", pool.ipipMode());
  }

  /** Tells whether it says how the pool's addresses are reached: hosts must agree on that. */
  private static boolean isMode(@Nullable String mode) {
    return !isGiven(mode) || MODES.contains(mode);
  }

  private static void check(NodeSpec node) {
    NodeSpec.Bgp bgp = node.bgp();
    if (bgp != null) {
      requireAddress("spec.bgp.ipv4Address", bgp.ipv4Address());
      requireAddress("spec.bgp.ipv6Address", bgp.ipv6Address());
      BgpStoredForm.requireAs("spec.bgp.asNumber", bgp.asNumber());
      String cluster = bgp.routeReflectorClusterID();
      require(
          !isGiven(cluster)
              || IpAddress.tryParse(String.valueOf(cluster)).filter(IpAddress::isV4).isPresent(),
          "spec.bgp.routeReflectorClusterID",
          cluster);
    }
  }

  static void requireSelector(String field, @Nullable String text) {
    try {
      if (isGiven(text)) {
        var unused = Selector.parse(String.valueOf(text));
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(field + ": " + e.getMessage(), e);
    }
  }

  static Cidr requireNetwork(String field, @Nullable String text) {
    return Cidr.tryParse(String.valueOf(text))
        .orElseThrow(() -> new IllegalArgumentException(damaged(field, text)));
  }

  private static void requireAddress(String field, @Nullable String text) {
    if (isGiven(text)) {
      var unused = requireNetwork(field, text);
    }
  }

  static boolean isGiven(@Nullable String text) {
    return text != null && !text.isEmpty();
  }

  static boolean isPort(int number) {
    return number > 0 && number <= MAX_PORT;
  }

  static void require(boolean holds, String field, @Nullable Object value) {
    if (!holds) {
      throw new IllegalArgumentException(damaged(field, value));
    }
  }

  private static String damaged(String field, @Nullable Object value) {
    return field + " is " + (value == null ? "missing" : "\"" + value + "\"");
  }
}
