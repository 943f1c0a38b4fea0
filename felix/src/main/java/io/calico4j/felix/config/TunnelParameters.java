package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.setting.ValueType;
import io.calico4j.felix.calculation.Tunnel;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * How the tunnels between hosts are made.
 *
 * @param vxlan whether VXLAN is used where a pool asks for it
 * @param ipip likewise IP in IP
 * @param vxlanId the network identifier (VNI), 1 to 16,777,215
 * @param vxlanPort the UDP port
 * @param vxlanMtu the MTU of the IPv4 device, in bytes; 0 is that of the interface below, less the
 *     header
 * @param vxlanMtuV6 likewise of the IPv6 device
 * @param ipipMtu likewise of tunl0
 * @param externalNodes hosts outside the cluster that may send through tunnels; none lies in
 *     another
 */
public record TunnelParameters(
    boolean vxlan,
    boolean ipip,
    int vxlanId,
    int vxlanPort,
    int vxlanMtu,
    int vxlanMtuV6,
    int ipipMtu,
    List<Cidr> externalNodes) {
  /** Upstream's. */
  public static final TunnelParameters DEFAULTS =
      new TunnelParameters(true, true, 4096, 4789, 0, 0, 0, List.of());

  private static final Parameter<Integer> VXLAN_PORT =
      Parameter.of(
          "VXLANPort",
          "vxlanPort",
          ValueType.integer("a port, 1 to 65535", 1, 65535),
          WorkloadChecks.DEFAULTS.vxlanPort(),
          "4789",
          "the UDP port of the tunnels between hosts, to which workloads may not send");

  private static final Parameter<Boolean> VXLAN =
      Parameter.of(
          "VXLANEnabled",
          "vxlanEnabled",
          ValueType.flag(),
          true,
          "as the pools ask",
          "false: no VXLAN device is made, and what its pools hold of other nodes is not reached");

  private static final Parameter<Integer> VXLAN_ID =
      Parameter.of(
          "VXLANVNI",
          "vxlanVNI",
          ValueType.integer("a network identifier, 1 to 16777215", 1, 16777215),
          DEFAULTS.vxlanId(),
          "4096",
          "the VNI of the VXLAN devices");

  private static final Parameter<Integer> VXLAN_MTU =
      mtu("VXLANMTU", "vxlanMTU", "vxlan.calico, 0 is the MTU of the interface below less 50");

  private static final Parameter<Integer> VXLAN_MTU_V6 =
      mtu(
          "VXLANMTUV6",
          "vxlanMTUV6",
          "vxlan-v6.calico, 0 is the MTU of the interface below less 70");

  private static final Parameter<Boolean> IPIP =
      Parameter.of(
          "IpInIpEnabled",
          "ipipEnabled",
          ValueType.flag(),
          true,
          "as the pools ask",
          "false: tunl0 is not used, and what its pools hold of other nodes is not reached");

  private static final Parameter<Integer> IPIP_MTU =
      mtu("IpInIpMtu", "ipipMTU", "tunl0, 0 is the MTU of the interface below less 20");

  private static final Parameter<List<Cidr>> EXTERNAL_NODES =
      Parameter.of(
          "ExternalNodesCIDRList",
          "externalNodesList",
          ValueType.of("networks with commas between them", TunnelParameters::networks),
          List.of(),
          "none",
          "hosts outside the cluster that may send through tunnels and be sent to");

  /** The parameters of this group, in the README's order. */
  static final List<Parameter<?>> PARAMETERS =
      List.of(VXLAN_PORT, VXLAN, VXLAN_ID, VXLAN_MTU, VXLAN_MTU_V6, IPIP, IPIP_MTU, EXTERNAL_NODES);

  /** Resolves the parameters of this group. */
  static TunnelParameters resolve(List<FelixSource> sources) {
    return new TunnelParameters(
        VXLAN.find(sources),
        IPIP.find(sources),
        VXLAN_ID.find(sources),
        VXLAN_PORT.find(sources),
        VXLAN_MTU.find(sources),
        VXLAN_MTU_V6.find(sources),
        IPIP_MTU.find(sources),
        EXTERNAL_NODES.find(sources));
  }

  /** Returns the UDP port of VXLAN, 1 to 65535. */
  static int vxlanPort(List<FelixSource> sources) {
    return VXLAN_PORT.find(sources);
  }

  private static Parameter<Integer> mtu(String name, String field, String device) {
    return Parameter.of(
        name,
        field,
        ValueType.integer("0 to 65535 bytes", 0, 65535),
        0,
        "0",
        "the MTU of " + device);
  }

  /** Reads a list of networks, and leaves out those that lie in another one. */
  private static Optional<List<Cidr>> networks(String text) {
    TreeSet<Cidr> networks = new TreeSet<>();
    for (String each : text.split(",", -1)) {
      Optional<Cidr> network = Cidr.tryParse(each.strip());
      if (network.isPresent()) {
        networks.add(network.get());
      } else if (!each.isBlank() && !each.strip().equalsIgnoreCase("none")) {
        return Optional.empty();
      }
    }
    return Optional.of(
        networks.stream()
            .filter(
                network ->
                    networks.stream()
                        .noneMatch(other -> !other.equals(network) && other.contains(network)))
            .toList());
  }

  /** Tells whether a tunnel may be used. */
  public boolean allows(Tunnel tunnel) {
    return tunnel == Tunnel.IPIP ? ipip : vxlan;
  }

  /** Returns the MTU that a tunnel's device shall have; 0 leaves it to the interface below. */
  public int mtu(Tunnel tunnel) {
    return switch (tunnel) {
      case VXLAN -> vxlanMtu;
      case VXLAN_V6 -> vxlanMtuV6;
      case IPIP -> ipipMtu;
    };
  }
}
