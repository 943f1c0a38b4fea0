package io.calico4j.core.cni;

import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.name.HandleId;
import java.util.List;
import java.util.Map;

/** What STATUS tries: the addresses that a container of the network would get, never assigned. */
final class StatusProbe {
  private StatusProbe() {}

  static AssignRequest of(NetworkConfiguration configuration) throws CniError {
    boolean ours = !DelegatedIpam.isNamed(configuration);
    return new AssignRequest(
        AssignRequest.Use.Workload,
        new HandleId(configuration.name() + ".status"),
        ours && configuration.assignIpv4() ? 1 : 0,
        ours && configuration.assignIpv6() ? 1 : 0,
        configuration.ipv4Pools(),
        configuration.ipv6Pools(),
        List.of(),
        Map.of());
  }
}
