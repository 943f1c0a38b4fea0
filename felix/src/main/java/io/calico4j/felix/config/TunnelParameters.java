package io.calico4j.felix.config;

import io.calico4j.core.net.Cidr;
import io.calico4j.felix.calculation.Tunnel;
import java.util.List;

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
