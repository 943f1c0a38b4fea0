package io.calico4j.felix.calculation;

import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A node as the end of tunnels: what is missing or damaged of it is null, and then there is no
 * tunnel to it.
 *
 * @param node its name
 * @param spec the Node
 */
record TunnelEnds(String node, NodeSpec spec) {
  /** 'f' for Felix: a locally administered address, as upstream's. */
  private static final byte MAC_BEGIN = 0x66;

  /** Returns the node's own address of the tunnel's family. */
  @Nullable IpAddress host(Tunnel tunnel) {
    String text = network(tunnel);
    return text == null ? null : IpAddress.tryParse(text.replaceFirst("/.*", "")).orElse(null);
  }

  /** Returns the subnet of the node's own address. */
  @Nullable Cidr subnet(Tunnel tunnel) {
    String text = network(tunnel);
    return text == null ? null : Cidr.tryParse(text).orElse(null);
  }

  private @Nullable String network(Tunnel tunnel) {
    NodeSpec.Bgp bgp = spec.bgp();
    if (bgp == null) {
      return null;
    }
    return tunnel == Tunnel.VXLAN_V6 ? bgp.ipv6Address() : bgp.ipv4Address();
  }

  /** Returns the address of the node's end of the tunnel. */
  @Nullable IpAddress address(Tunnel tunnel) {
    NodeSpec.Bgp bgp = spec.bgp();
    String text =
        switch (tunnel) {
          case VXLAN -> spec.ipv4VXLANTunnelAddr();
          case VXLAN_V6 -> spec.ipv6VXLANTunnelAddr();
          case IPIP -> bgp == null ? null : bgp.ipv4IPIPTunnelAddr();
        };
    return text == null
        ? null
        : IpAddress.tryParse(text).filter(a -> a.family() == tunnel.family()).orElse(null);
  }

  /**
   * Returns the MAC address of the node's VTEP: that of the Node, else one made of the node's name
   * ({@code felix/calc/vxlan_resolver.go}); null for IP in IP.
   */
  @Nullable MacAddress mac(Tunnel tunnel) {
    return switch (tunnel) {
      case VXLAN -> mac(spec.vxlanTunnelMACAddr(), node);
      case VXLAN_V6 -> mac(spec.vxlanTunnelMACAddrV6(), node + "-v6");
      case IPIP -> null;
    };
  }

  private static MacAddress mac(@Nullable String stored, String name) {
    Optional<MacAddress> written = stored == null ? Optional.empty() : parse(stored);
    return written.orElseGet(() -> MacAddress.ofBytes(bytes(name)));
  }

  private static Optional<MacAddress> parse(String text) {
    try {
      return Optional.of(new MacAddress(text));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static byte[] bytes(String name) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1").digest(name.getBytes(StandardCharsets.UTF_8));
      byte[] mac = new byte[6];
      mac[0] = MAC_BEGIN;
      System.arraycopy(Arrays.copyOf(digest, 5), 0, mac, 1, 5);
      return mac;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
