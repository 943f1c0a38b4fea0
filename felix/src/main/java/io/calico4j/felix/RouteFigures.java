package io.calico4j.felix;

import io.calico4j.core.model.Resource;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The routes that there ought to be.
 *
 * @param routes to workloads and through tunnels, by family
 * @param interfaces how many interfaces of workloads have routes, by family
 * @param resyncs how often all of it was compared with the kernel's, and the seconds it took
 */
public record RouteFigures(
    Map<IpFamily, Integer> routes, Map<IpFamily, Integer> interfaces, Sum resyncs) {
  /** Copies the maps. */
  public RouteFigures {
    routes = Map.copyOf(routes);
    interfaces = Map.copyOf(interfaces);
  }

  /**
   * Counts them.
   *
   * @param endpoints this node's endpoints with the floating addresses that are in force
   * @param tunnels routes of tunnels, by family
   */
  static RouteFigures of(
      Collection<Resource<WorkloadEndpointSpec>> endpoints,
      Map<IpFamily, Integer> tunnels,
      Sum resyncs) {
    Map<IpFamily, Integer> routes = new EnumMap<>(IpFamily.class);
    Map<IpFamily, Integer> interfaces = new EnumMap<>(IpFamily.class);
    for (IpFamily family : IpFamily.values()) {
      routes.put(family, tunnels.getOrDefault(family, 0));
      Set<String> names = new HashSet<>();
      for (Resource<WorkloadEndpointSpec> endpoint : endpoints) {
        for (Cidr destination : WorkloadRoutes.destinations(endpoint.spec())) {
          if (destination.family() == family) {
            routes.merge(family, 1, Integer::sum);
            names.add(String.valueOf(endpoint.spec().interfaceName()));
          }
        }
      }
      interfaces.put(family, names.size());
    }
    return new RouteFigures(routes, interfaces, resyncs);
  }
}
