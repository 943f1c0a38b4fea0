package io.calico4j.libnetwork;

import io.calico4j.core.endpoint.HostEnd;
import io.calico4j.core.net.IpAddress;
import java.util.Set;

/**
 * The gateways of one interface of a container. Docker gives each network of a container a route to
 * its gateway, and the kernel takes no two routes to the same address: so each interface of a
 * container has gateways of its own, which the host answers for alike.
 *
 * @param number 0 for the interface that comes first, with Calico's usual gateways
 */
record Gateways(int number) {
  private static final IpAddress FURTHER_V6 = IpAddress.parse("fe80::a9fe:1:0");
  private static final int MOST = 250;

  /** Returns those of an interface whose container has others with these numbers. */
  static Gateways besides(Set<Integer> taken) throws RefusedException {
    for (int number = 0; number < MOST; number++) {
      if (!taken.contains(number)) {
        return new Gateways(number);
      }
    }
    throw new RefusedException("a container can be in at most " + MOST + " Calico networks");
  }

  /** Returns the IPv4 gateway. */
  IpAddress ipv4() {
    return HostEnd.GATEWAY_V4.plus(number);
  }

  /** Returns the IPv6 gateway. */
  IpAddress ipv6() {
    return number == 0 ? HostEnd.GATEWAY_V6 : FURTHER_V6.plus(number + 1L);
  }
}
