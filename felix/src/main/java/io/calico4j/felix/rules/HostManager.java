package io.calico4j.felix.rules;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.config.WorkloadChecks;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** What the host's own addresses and the parameters decide for all endpoints. */
final class HostManager {
  /** The chain that holds what happens to packets from a workload to its host. */
  static final String TO_HOST = "filter-cali-wl-to-host-action";

  /**
   * The chain that every endpoint's begins with, from the workload: accepts what belongs to a known
   * connection, drops what belongs to none, clears the verdict's bits in the mark, and drops VXLAN
   * and IP in IP, which are the hosts' own.
   */
  static final String FROM_CHECKS = "filter-cali-from-wl-checks";

  /** Like {@link #FROM_CHECKS}, to the workload, without the rules about encapsulation. */
  static final String TO_CHECKS = "filter-cali-to-wl-checks";

  /** Drops what is for an address that the host has on its loopback interface. */
  static final String HOST_LOOPBACK = "raw-cali-host-loopback";

  private final TableWriter table;
  private final Map<IpFamily, Set<Member>> members = new EnumMap<>(IpFamily.class);

  HostManager(TableWriter table) {
    this.table = table;
    for (IpFamily family : IpFamily.values()) {
      table.putSet(loopbackSet(family), SetType.addresses(family));
      members.put(family, new HashSet<>());
    }
  }

  /** Puts what is done to packets from a workload to its host: ACCEPT, RETURN or DROP. */
  void putEndpointToHostAction(String action) {
    table.putChain(
        TO_HOST,
        List.of(
            switch (action) {
              case "ACCEPT" -> "accept";
              case "RETURN" -> "return";
              default -> "drop";
            }));
  }

  /** Puts what every endpoint's chain begins with. */
  void putChecks(WorkloadChecks checks) {
    List<String> common = new ArrayList<>();
    common.add("ct state established,related accept");
    if (checks.dropInvalid()) {
      common.add("ct state invalid drop");
    }
    common.add("meta mark set meta mark and 0xfffcffff");
    table.putChain(TO_CHECKS, common);
    List<String> from = new ArrayList<>(common);
    if (!checks.allowVxlan()) {
      from.add("udp dport " + checks.vxlanPort() + " drop");
    }
    if (!checks.allowIpip()) {
      from.add("meta l4proto 4 drop");
    }
    table.putChain(FROM_CHECKS, from);
  }

  /**
   * Closes the addresses of the host's loopback interface.
   *
   * @param loopback its addresses and networks
   * @param own the node's own addresses: these are the host's, not the loopback's
   */
  void putLoopback(Set<Cidr> loopback, Set<IpAddress> own) {
    List<String> rules = new ArrayList<>();
    SortedSet<Cidr> networks = new TreeSet<>();
    loopback.stream().filter(network -> !network.isSingle()).forEach(networks::add);
    for (IpFamily family : IpFamily.values()) {
      Set<Member> wanted = new HashSet<>();
      for (Cidr cidr : loopback) {
        if (cidr.isSingle() && cidr.family() == family && !own.contains(cidr.address())) {
          wanted.add(new Member.Network(cidr));
        }
      }
      Set<Member> present = members.put(family, wanted);
      putMembers(loopbackSet(family), present == null ? Set.of() : present, wanted);
      rules.add(keyword(family) + " daddr @" + loopbackSet(family) + " drop");
    }
    own.stream()
        .filter(address -> networks.stream().anyMatch(network -> network.contains(address)))
        .sorted()
        .forEach(
            address -> rules.add(match(address.family(), "daddr", address.toString()) + " return"));
    for (Cidr network : networks) {
      rules.add(match(network.family(), "daddr", network.toString()) + " drop");
    }
    table.putChain(HOST_LOOPBACK, rules);
  }

  private void putMembers(String set, Set<Member> present, Set<Member> wanted) {
    wanted.stream().filter(m -> !present.contains(m)).forEach(m -> table.addMember(set, m));
    present.stream().filter(m -> !wanted.contains(m)).forEach(m -> table.removeMember(set, m));
  }

  private static String loopbackSet(IpFamily family) {
    return family == IpFamily.IPV4 ? "cali40host-loopback" : "cali60host-loopback";
  }

  /** Returns the word for a family in rules. */
  static String keyword(IpFamily family) {
    return family == IpFamily.IPV4 ? "ip" : "ip6";
  }

  /** Returns a match of an address field. */
  static String match(IpFamily family, String field, String value) {
    return keyword(family) + " " + field + " " + value;
  }
}
