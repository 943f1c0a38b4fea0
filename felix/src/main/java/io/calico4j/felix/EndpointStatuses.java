package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.StatusKeys;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.felix.status.EndpointStatus;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;

/**
 * What is to be reported of endpoints.
 *
 * @param workloads this node's workload endpoints
 * @param programmed the keys of those whose rules are in the kernel
 * @param hosts the interfaces of this node's host endpoints, by key, whose rules are in the kernel;
 *     none of one that is not in force
 * @param bgpPeers the names of BGPPeers by the keys of the workload endpoints that are their peers
 */
record EndpointStatuses(
    List<Resource<WorkloadEndpointSpec>> workloads,
    Set<String> programmed,
    Map<String, SortedSet<String>> hosts,
    Map<String, String> bgpPeers) {
  /** The interface of a host endpoint that is for all that have none of their own. */
  private static final String ANY = "*";

  /** Returns the status of each endpoint by its status key, by the interfaces as they are now. */
  Map<String, EndpointStatus> now(String node, Kernel kernel) throws KernelException {
    try (Netlink netlink = kernel.netlink()) {
      return now(node, netlink.links());
    }
  }

  /** Returns the status of each endpoint by its status key. */
  Map<String, EndpointStatus> now(String node, List<Link> links) {
    Map<String, Boolean> interfaces = new HashMap<>();
    Set<String> up = new HashSet<>();
    for (Link link : links) {
      interfaces.put(link.name(), link.up());
      if (link.up() && link.group() == 0) {
        up.add(link.name());
      }
    }
    Map<String, EndpointStatus> statuses = new HashMap<>();
    for (Resource<WorkloadEndpointSpec> endpoint : workloads) {
      boolean isUp =
          programmed.contains(endpoint.key().path())
              && up.contains(String.valueOf(endpoint.spec().interfaceName()));
      String namespace = endpoint.metadata().namespace();
      WorkloadEndpointName.parse(endpoint.metadata().name())
          .ifPresent(
              name ->
                  statuses.put(
                      StatusKeys.workloadEndpoint(namespace == null ? "" : namespace, name),
                      isUp ? EndpointStatus.UP : EndpointStatus.DOWN));
    }
    hosts.forEach(
        (key, own) ->
            ResourceKey.parse(key)
                .ifPresent(
                    resource ->
                        statuses.put(
                            StatusKeys.hostEndpoint(node, resource.name()),
                            status(own, interfaces))));
    return statuses;
  }

  /** As upstream, the endpoint of all interfaces does not depend on any of them. */
  private static EndpointStatus status(Set<String> own, Map<String, Boolean> interfaces) {
    if (own.contains(ANY)) {
      return EndpointStatus.UP;
    }
    List<Boolean> present =
        own.stream().filter(interfaces::containsKey).map(interfaces::get).toList();
    if (present.isEmpty()) {
      return EndpointStatus.ERROR;
    }
    return present.contains(true) ? EndpointStatus.UP : EndpointStatus.DOWN;
  }
}
