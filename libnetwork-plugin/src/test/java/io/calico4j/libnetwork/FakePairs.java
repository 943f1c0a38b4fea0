package io.calico4j.libnetwork;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Pairs that are remembered: "shut", or the addresses that are routed to them. */
final class FakePairs implements Pairs {
  final Map<EndpointId, String> pairs = new ConcurrentHashMap<>();
  final Set<EndpointId> inContainers = ConcurrentHashMap.newKeySet();

  @Override
  public void make(EndpointId id, MacAddress mac, int mtu, boolean ipv6) {
    pairs.put(id, "shut");
  }

  @Override
  public boolean isShut(EndpointId id) {
    return "shut".equals(pairs.get(id));
  }

  @Override
  public void open(EndpointId id, List<IpAddress> addresses, Gateways gateways)
      throws KernelException {
    if (pairs.replace(id, addresses + " " + gateways.number()) == null) {
      throw new KernelException("find link", id.text(), KernelException.ENODEV, "none");
    }
  }

  @Override
  public void remove(EndpointId id) {
    pairs.remove(id);
  }

  @Override
  public boolean isInContainer(EndpointId id) {
    return inContainers.contains(id);
  }
}
