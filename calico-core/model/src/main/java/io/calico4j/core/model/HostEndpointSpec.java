package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a HostEndpoint: an interface of a host that policy applies to.
 *
 * @param node the node
 * @param interfaceName the interface, or {@code *} for all; may be absent with expectedIPs
 * @param expectedIPs addresses that identify the interface when no name is given
 * @param profiles profile names, in order
 * @param ports named ports
 */
public record HostEndpointSpec(
    String node,
    @Nullable String interfaceName,
    List<String> expectedIPs,
    List<String> profiles,
    List<WorkloadEndpointSpec.NamedPort> ports) {
  /** Copies the lists; absent ones become empty. */
  public HostEndpointSpec {
    expectedIPs = Lists.copy(expectedIPs);
    profiles = Lists.copy(profiles);
    ports = Lists.copy(ports);
  }
}
