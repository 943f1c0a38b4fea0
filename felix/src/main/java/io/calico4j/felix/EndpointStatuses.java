package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.StatusKeys;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Whether endpoints are up: their rules are in the kernel and their interface is up. */
final class EndpointStatuses {
  private EndpointStatuses() {}

  /**
   * Looks at the interfaces.
   *
   * @param programmed the keys of the endpoints whose rules are in the kernel
   * @return whether each endpoint is up, by its status key
   */
  static Map<String, Boolean> of(
      Collection<Resource<WorkloadEndpointSpec>> endpoints, Set<String> programmed, Kernel kernel)
      throws KernelException {
    Set<String> up = new HashSet<>();
    try (Netlink netlink = kernel.netlink()) {
      netlink.links().stream()
          .filter(link -> link.up() && link.group() == 0)
          .map(Link::name)
          .forEach(up::add);
    }
    Map<String, Boolean> statuses = new HashMap<>();
    for (Resource<WorkloadEndpointSpec> endpoint : endpoints) {
      boolean isUp =
          programmed.contains(endpoint.key().path())
              && up.contains(String.valueOf(endpoint.spec().interfaceName()));
      String namespace = endpoint.metadata().namespace();
      WorkloadEndpointName.parse(endpoint.metadata().name())
          .ifPresent(
              name ->
                  statuses.put(
                      StatusKeys.workloadEndpoint(namespace == null ? "" : namespace, name), isUp));
    }
    return statuses;
  }
}
