package io.calico4j.felix.rules;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.DataplaneUpdate.HostAddressesUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.PoolsUpdate;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.config.NatOutgoing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Gives what workloads of pools with {@code natOutgoing} send out of all pools an address of the
 * host. The sets have upstream's names.
 */
final class MasqueradeManager {
  static final String NAT_OUTGOING = "nat-cali-nat-outgoing";

  private static final String MASQUERADED = "masq-ipam-pools";
  private static final String POOLS = "network-ip-pools";
  private static final String HOSTS = "all-hosts-net";

  /** The set of the nodes' IPv4 addresses. */
  static final String HOSTS_V4 = name(HOSTS, IpFamily.IPV4);

  private final TableWriter table;
  private final Map<String, NetworkCover> covers = new HashMap<>();
  private final Map<String, Set<Cidr>> networks = new HashMap<>();
  private NatOutgoing parameters = NatOutgoing.DEFAULTS;

  MasqueradeManager(TableWriter table) {
    this.table = table;
    for (IpFamily family : IpFamily.values()) {
      for (String set : List.of(MASQUERADED, POOLS)) {
        String name = name(set, family);
        table.putSet(name, SetType.networks(family));
        covers.put(name, new NetworkCover(writer(name)));
        networks.put(name, Set.of());
      }
      table.putSet(name(HOSTS, family), SetType.addresses(family));
    }
    putChain();
  }

  private NetworkCover.Listener writer(String set) {
    return new NetworkCover.Listener() {
      @Override
      public void onAdd(Cidr network) {
        table.addMember(set, new Member.Network(network));
      }

      @Override
      public void onRemove(Cidr network) {
        table.removeMember(set, new Member.Network(network));
      }
    };
  }

  private static String name(String set, IpFamily family) {
    return (family == IpFamily.IPV4 ? "cali40" : "cali60") + set;
  }

  /** Takes over the parameters. */
  void configure(NatOutgoing changed) {
    parameters = changed;
    putChain();
  }

  /** Takes over the pools' networks. */
  void update(PoolsUpdate update) {
    for (IpFamily family : IpFamily.values()) {
      put(name(MASQUERADED, family), family, update.masqueraded());
      put(name(POOLS, family), family, update.all());
    }
    putChain();
  }

  private void put(String set, IpFamily family, Set<Cidr> wanted) {
    Set<Cidr> ofFamily = new HashSet<>(wanted);
    ofFamily.removeIf(network -> network.family() != family);
    Set<Cidr> present = networks.put(set, ofFamily);
    NetworkCover cover = covers.get(set);
    if (present == null || cover == null) {
      throw new IllegalStateException("set " + set + " was not put");
    }
    ofFamily.forEach(cover::add);
    present.stream().filter(network -> !ofFamily.contains(network)).forEach(cover::remove);
  }

  /** Takes over the nodes' addresses. */
  void update(HostAddressesUpdate update) {
    update.added().forEach(a -> table.addMember(name(HOSTS, a.family()), member(a)));
    update.removed().forEach(a -> table.removeMember(name(HOSTS, a.family()), member(a)));
  }

  private static Member member(IpAddress address) {
    return new Member.Network(address.toCidr());
  }

  private void putChain() {
    List<String> rules = new ArrayList<>();
    for (IpFamily family : IpFamily.values()) {
      if (!networks.getOrDefault(name(MASQUERADED, family), Set.of()).isEmpty()) {
        rules.addAll(rules(family));
      }
    }
    table.putChain(NAT_OUTGOING, rules);
  }

  private List<String> rules(IpFamily family) {
    String match =
        (parameters.interfaceFilter().isEmpty()
                ? ""
                : "oifname \"" + parameters.interfaceFilter().replace('+', '*') + "\" ")
            + HostManager.keyword(family)
            + " saddr . meta nfproto @"
            + name(MASQUERADED, family)
            + " "
            + HostManager.keyword(family)
            + " daddr . meta nfproto != @"
            + name(POOLS, family)
            + (parameters.excludesHosts()
                ? " " + HostManager.match(family, "daddr", "!= @" + name(HOSTS, family))
                : "");
    String ports = parameters.portRange();
    List<String> rules = new ArrayList<>();
    if (!ports.isEmpty()) {
      for (String protocol : List.of("tcp", "udp")) {
        rules.add(match + " meta l4proto " + protocol + " " + action(family, ":" + ports));
      }
    }
    rules.add(match + " " + action(family, ""));
    return rules;
  }

  private String action(IpFamily family, String ports) {
    if (family == IpFamily.IPV4 && !parameters.address().isEmpty()) {
      return "snat ip to " + parameters.address() + ports + " fully-random";
    }
    return "masquerade" + (ports.isEmpty() ? "" : " to " + ports) + " fully-random";
  }
}
