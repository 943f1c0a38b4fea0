package io.calico4j.core.model;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The addresses that the cluster itself needs, and that are therefore never a workload's. */
public final class ClusterAddresses {
  /** A peer's address may have a port behind it, as in {@code [2001:db8::1]:179}. */
  private static final Pattern WITH_PORT =
      Pattern.compile("\\[(?<v6>[^]]+)](:\\d+)?|(?<v4>[0-9.]+):\\d+");

  private ClusterAddresses() {}

  /** Returns a node's addresses: of BGP, of its tunnels, and the others it is known by. */
  public static Set<IpAddress> of(NodeSpec node) {
    Set<IpAddress> found = new LinkedHashSet<>();
    NodeSpec.Bgp bgp = node.bgp();
    if (bgp != null) {
      add(found, bgp.ipv4Address());
      add(found, bgp.ipv6Address());
      add(found, bgp.ipv4IPIPTunnelAddr());
    }
    add(found, node.ipv4VXLANTunnelAddr());
    add(found, node.ipv6VXLANTunnelAddr());
    node.addresses().forEach(address -> add(found, address.address()));
    return found;
  }

  /** Returns a BGP peer's address; empty where nodes are selected instead. */
  public static Optional<IpAddress> of(BgpPeerSpec peer) {
    String text = peer.peerIP();
    if (text == null) {
      return Optional.empty();
    }
    Matcher port = WITH_PORT.matcher(text);
    if (port.matches()) {
      text = port.group("v6") == null ? port.group("v4") : port.group("v6");
    }
    return IpAddress.tryParse(text);
  }

  private static void add(Set<IpAddress> found, @Nullable String text) {
    if (text != null) {
      Cidr.tryParse(text)
          .ifPresent(
              cidr -> IpAddress.tryParse(text.replaceFirst("/.*", "")).ifPresent(found::add));
    }
  }
}
