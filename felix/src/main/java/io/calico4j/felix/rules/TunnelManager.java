package io.calico4j.felix.rules;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepUpdate;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.calculation.Tunnel;
import io.calico4j.felix.config.TunnelParameters;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Lets the outer packets of tunnels in from the cluster's other nodes only, and out to them, before
 * the policy of host endpoints is asked; and gives what the host itself sends into a tunnel the
 * tunnel's address. The sets have upstream's names.
 */
final class TunnelManager {
  /** The chain for the outer packets that the host receives. */
  static final String INPUT = "filter-cali-tunnel-input";

  /** The chain for those that it sends. */
  static final String OUTPUT = "filter-cali-tunnel-output";

  /** The chain that takes the outer packets out of connection tracking. */
  static final String UNTRACKED = "raw-cali-tunnel-untracked";

  /** The chain for what goes into a tunnel. */
  static final String MASQUERADE = "nat-cali-tunnel-masquerade";

  private static final List<Tunnel> VXLAN = List.of(Tunnel.VXLAN, Tunnel.VXLAN_V6);

  private final TableWriter table;
  private final Set<Tunnel> present = EnumSet.noneOf(Tunnel.class);
  private final Map<String, IpAddress> vteps = new HashMap<>();
  private final Map<IpAddress, Integer> hosts = new HashMap<>();
  private TunnelParameters parameters = TunnelParameters.DEFAULTS;

  TunnelManager(TableWriter table) {
    this.table = table;
    for (Tunnel tunnel : VXLAN) {
      table.putSet(vtepSet(tunnel.family()), SetType.addresses(tunnel.family()));
    }
    putChains();
  }

  private static String vtepSet(IpFamily family) {
    return family == IpFamily.IPV4 ? "cali40all-vxlan-net" : "cali60all-vxlan-net";
  }

  /** Takes over the parameters. */
  void configure(TunnelParameters changed) {
    parameters = changed;
    putChains();
  }

  /** Takes over that this node has an end of a tunnel. */
  void update(LocalTunnelUpdate end) {
    if (present.add(end.tunnel())) {
      putChains();
    }
  }

  /** Takes over that it has none any more. */
  void remove(Tunnel tunnel) {
    if (present.remove(tunnel)) {
      putChains();
    }
  }

  /** Takes over another node's end. */
  void update(VtepUpdate vtep) {
    put(vtep.tunnel() + " " + vtep.node(), vtep.host());
  }

  /** Takes over that another node has no end any more. */
  void remove(VtepRemoved vtep) {
    drop(vteps.remove(vtep.tunnel() + " " + vtep.node()));
  }

  private void put(String vtep, IpAddress host) {
    IpAddress before = vteps.put(vtep, host);
    if (host.equals(before)) {
      return;
    }
    if (hosts.merge(host, 1, Integer::sum) == 1) {
      table.addMember(vtepSet(host.family()), new Member.Network(host.toCidr()));
    }
    drop(before);
  }

  private void drop(@Nullable IpAddress host) {
    if (host != null
        && hosts.computeIfPresent(host, (h, count) -> count == 1 ? null : count - 1) == null) {
      table.removeMember(vtepSet(host.family()), new Member.Network(host.toCidr()));
    }
  }

  private Optional<String> externalNodes(Tunnel tunnel) {
    List<String> nodes =
        parameters.externalNodes().stream()
            .filter(network -> network.family() == tunnel.family())
            .map(Cidr::toString)
            .toList();
    return nodes.isEmpty() ? Optional.empty() : Optional.of("{ " + String.join(", ", nodes) + " }");
  }

  private void putChains() {
    List<String> input = new ArrayList<>();
    List<String> output = new ArrayList<>();
    List<String> untracked = new ArrayList<>();
    List<String> masquerade = new ArrayList<>();
    for (Tunnel tunnel : Tunnel.values()) {
      if (!present.contains(tunnel) || !parameters.allows(tunnel)) {
        continue;
      }
      String family = HostManager.keyword(tunnel.family());
      boolean vxlan = tunnel != Tunnel.IPIP;
      String packets = vxlan ? "udp dport " + parameters.vxlanPort() : "meta l4proto 4";
      String others = "@" + (vxlan ? vtepSet(tunnel.family()) : MasqueradeManager.HOSTS_V4);
      String ofFamily = "meta nfproto " + tunnel.family().keyName() + " " + packets;
      input.add(packets + " " + family + " saddr " + others + " fib daddr type local accept");
      input.add(ofFamily + " fib daddr type local drop");
      output.add(packets + " " + family + " daddr " + others + " fib saddr type local accept");
      externalNodes(tunnel)
          .ifPresent(
              nodes -> {
                input.add(
                    0, packets + " " + family + " saddr " + nodes + " fib daddr type local accept");
                output.add(
                    packets + " " + family + " daddr " + nodes + " fib saddr type local accept");
              });
      if (vxlan) {
        untracked.add(ofFamily + " notrack");
      }
      masquerade.add(
          "oifname \""
              + tunnel.device()
              + "\" fib saddr . oif type != local fib saddr type local masquerade");
    }
    table.putChain(INPUT, input);
    table.putChain(OUTPUT, output);
    table.putChain(UNTRACKED, untracked);
    table.putChain(MASQUERADE, masquerade);
  }
}
