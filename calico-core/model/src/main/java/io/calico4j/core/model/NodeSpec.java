package io.calico4j.core.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Spec of a Node.
 *
 * @param bgp how the node speaks BGP; null when it does not
 * @param ipv4VXLANTunnelAddr the VTEP's address
 * @param vxlanTunnelMACAddr the VTEP's MAC address
 * @param ipv6VXLANTunnelAddr the IPv6 VTEP's address
 * @param vxlanTunnelMACAddrV6 the IPv6 VTEP's MAC address
 * @param addresses the node's addresses
 */
public record NodeSpec(
    @Nullable Bgp bgp,
    @Nullable String ipv4VXLANTunnelAddr,
    @Nullable String vxlanTunnelMACAddr,
    @Nullable String ipv6VXLANTunnelAddr,
    @Nullable String vxlanTunnelMACAddrV6,
    List<Address> addresses) {
  /** Copies the list; an absent one becomes empty. */
  public NodeSpec {
    addresses = Lists.copy(addresses);
  }

  /** Returns a copy with another address of tunl0; null for none. */
  public NodeSpec withIpipTunnelAddress(@Nullable String address) {
    Bgp old = bgp == null ? new Bgp(null, null, null, null, null) : bgp;
    return new NodeSpec(
        new Bgp(
            old.asNumber(),
            old.ipv4Address(),
            old.ipv6Address(),
            address,
            old.routeReflectorClusterID()),
        ipv4VXLANTunnelAddr,
        vxlanTunnelMACAddr,
        ipv6VXLANTunnelAddr,
        vxlanTunnelMACAddrV6,
        addresses);
  }

  /** Returns a copy with another address of the VTEP; null for none. */
  public NodeSpec withVxlanTunnelAddress(@Nullable String address) {
    return new NodeSpec(
        bgp, address, vxlanTunnelMACAddr, ipv6VXLANTunnelAddr, vxlanTunnelMACAddrV6, addresses);
  }

  /** Returns a copy with another address of the IPv6 VTEP; null for none. */
  public NodeSpec withVxlanV6TunnelAddress(@Nullable String address) {
    return new NodeSpec(
        bgp, ipv4VXLANTunnelAddr, vxlanTunnelMACAddr, address, vxlanTunnelMACAddrV6, addresses);
  }

  /** A node of which nothing but its name is known. */
  public static final NodeSpec EMPTY = new NodeSpec(null, null, null, null, null, List.of());

  /**
   * A node's BGP addresses.
   *
   * @param asNumber the node's AS number; null inherits the global one
   * @param ipv4Address address with its subnet's prefix length
   * @param ipv6Address address with its subnet's prefix length
   * @param ipv4IPIPTunnelAddr address of tunl0
   * @param routeReflectorClusterID makes the node a route reflector of that cluster
   */
  public record Bgp(
      @Nullable AsNumber asNumber,
      @Nullable String ipv4Address,
      @Nullable String ipv6Address,
      @Nullable String ipv4IPIPTunnelAddr,
      @Nullable String routeReflectorClusterID) {}

  /**
   * One address.
   *
   * @param address the address
   * @param type InternalIP, ExternalIP or CalicoNodeIP
   */
  public record Address(String address, @Nullable String type) {}
}
