package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.PortMatch;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.setting.ValueType;
import java.util.List;
import java.util.Optional;

/**
 * How traffic is masqueraded that leaves the pools with {@code natOutgoing}.
 *
 * @param portRange the source ports that TCP and UDP get, as {@code 1024-65535}; empty for any
 * @param address the IPv4 address that it gets; empty for that of the interface it leaves by
 * @param excludesHosts whether traffic to the cluster's nodes is not masqueraded
 * @param interfaceFilter the interface it leaves by, {@code +} at the end for any rest; empty for
 *     all
 */
public record NatOutgoing(
    String portRange, String address, boolean excludesHosts, String interfaceFilter) {
  /** Upstream's. */
  public static final NatOutgoing DEFAULTS = new NatOutgoing("", "", false, "");

  private static final Parameter<String> NAT_PORTS =
      Parameter.of(
          "NATPortRange",
          "natPortRange",
          ValueType.of("a port such as 5000, or a range such as 32768:65535", NatOutgoing::ports),
          "",
          "any port",
          "source ports of masqueraded TCP and UDP");

  private static final Parameter<String> NAT_ADDRESS =
      Parameter.of(
          "NATOutgoingAddress",
          "natOutgoingAddress",
          ValueType.of("an IPv4 address", NatOutgoing::ipv4),
          "",
          "the address of the interface that the traffic leaves by",
          "source address of masqueraded IPv4 traffic");

  private static final Parameter<String> NAT_EXCLUSIONS =
      Parameter.of(
          "NATOutgoingExclusions",
          "natOutgoingExclusions",
          ValueType.oneOf("IPPoolsOnly", "IPPoolsAndHostIPs"),
          "IPPoolsOnly",
          "IPPoolsOnly",
          "what traffic of pools with natOutgoing is not masqueraded to: the pools, or also the"
              + " nodes' addresses");

  private static final Parameter<String> NAT_INTERFACE =
      Parameter.of(
          "IptablesNATOutgoingInterfaceFilter",
          "iptablesNATOutgoingInterfaceFilter",
          ValueType.matching(
              "an interface such as eth0 or eth+", "[a-zA-Z0-9:._-]{1,14}[a-zA-Z0-9:._+-]"),
          "",
          "all interfaces",
          "only traffic that leaves by this interface is masqueraded");

  /** The parameters of this group, in the README's order. */
  static final List<Parameter<?>> PARAMETERS =
      List.of(NAT_PORTS, NAT_ADDRESS, NAT_EXCLUSIONS, NAT_INTERFACE);

  /** Resolves the parameters of this group. */
  static NatOutgoing resolve(List<FelixSource> sources) {
    return new NatOutgoing(
        NAT_PORTS.find(sources),
        NAT_ADDRESS.find(sources),
        NAT_EXCLUSIONS.find(sources).equals("IPPoolsAndHostIPs"),
        NAT_INTERFACE.find(sources));
  }

  /** Reads {@code 5000} or {@code 32768:65535}, and returns it as nftables has it. */
  private static Optional<String> ports(String text) {
    try {
      PortMatch ports = PortMatch.parse(text);
      return ports.name() != null
          ? Optional.empty()
          : Optional.of(
              ports.first() == ports.last()
                  ? String.valueOf(ports.first())
                  : ports.first() + "-" + ports.last());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> ipv4(String text) {
    return IpAddress.tryParse(text).filter(IpAddress::isV4).map(IpAddress::toString);
  }
}
