package io.calico4j.core.endpoint;

import io.calico4j.core.kernel.Kernel.Sysctl;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.util.List;

/** What the host's end of every workload's veth pair has in common, whoever makes the pair. */
public final class HostEnd {
  /** The MAC address of every host end. */
  public static final MacAddress MAC = new MacAddress("ee:ee:ee:ee:ee:ee");

  /** The gateway of workloads, for which the host answers by proxy ARP. */
  public static final IpAddress GATEWAY_V4 = IpAddress.parse("169.254.1.1");

  /** The link-local address that belongs to {@link #MAC}. */
  public static final IpAddress GATEWAY_V6 = IpAddress.parse("fe80::ecee:eeff:feee:eeee");

  private HostEnd() {}

  /** Returns what must be set for any workload. */
  public static List<Sysctl> sysctls(InterfaceName name) {
    return List.of(
        Sysctl.optional("net/ipv4/neigh/" + name + "/proxy_delay", "0"),
        Sysctl.of(ipv4Conf(name, "proxy_arp"), "1"),
        Sysctl.of(ipv4Conf(name, "forwarding"), "1"),
        Sysctl.optional(ipv6Conf(name, "accept_ra"), "0"),
        // Before the other end is up: else its link-local address is useless for a second.
        Sysctl.optional(ipv6Conf(name, "accept_dad"), "0"));
  }

  /** Returns what must be set besides for a workload with IPv6 addresses. */
  public static List<Sysctl> sysctlsV6(InterfaceName name) {
    return List.of(
        Sysctl.of(ipv6Conf(name, "disable_ipv6"), "0"),
        Sysctl.of(ipv6Conf(name, "proxy_ndp"), "1"),
        Sysctl.of(ipv6Conf(name, "forwarding"), "1"));
  }

  private static String ipv4Conf(InterfaceName name, String key) {
    return "net/ipv4/conf/" + name + "/" + key;
  }

  private static String ipv6Conf(InterfaceName name, String key) {
    return "net/ipv6/conf/" + name + "/" + key;
  }
}
