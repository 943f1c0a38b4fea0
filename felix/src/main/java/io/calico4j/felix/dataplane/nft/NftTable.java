package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.kernel.NftSets.Verdict;
import io.calico4j.core.net.Cidr;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.dataplane.nft.TableState.Difference;
import io.calico4j.felix.dataplane.nft.TableState.Members;
import io.calico4j.felix.rules.SetType;
import io.calico4j.felix.rules.TableWriter.Direction;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Renders the transaction that takes the table {@code inet calico} to what it ought to be.
 * Additions go sets, chains, dispatch; removals the reverse; all are committed at once, so no
 * packet ever meets half of them. Base chains send every packet of a workload interface through a
 * verdict map; an interface that is not in it is dropped. What every endpoint's chain begins with
 * is a chain that is always there, so that the kernel does not set connection tracking up and down
 * with the first and the last endpoint.
 */
final class NftTable {
  static final String NAME = "calico";
  static final String TABLE = "inet " + NAME;

  /** The table that is in force while the other one is replaced. */
  private static final String HOLD = "inet calico-hold";

  /** Removes the table that is in force meanwhile. */
  static final String RELEASE = "add table " + HOLD + "\ndelete table " + HOLD + "\n";

  /** Succeeds as a check where the table is in the kernel. */
  static final String PRESENT = "delete table " + TABLE + "\n";

  private NftTable() {}

  /**
   * Renders a transaction that replaces the whole table, whatever is there.
   *
   * @param desired what differs from an empty one
   */
  static String replaceAll(Difference desired) {
    return "add table " + TABLE + "\ndelete table " + TABLE + "\n" + skeleton() + change(desired);
  }

  /**
   * Renders a second table that says the same: a packet passes where both let it pass. While the
   * first one is replaced, its new sets are without members for a moment, and rules that deny by
   * them would let packets pass.
   */
  static String hold(String replaceAll) {
    return replaceAll.replace(TABLE + " ", HOLD + " ").replace(TABLE + "\n", HOLD + "\n");
  }

  private static String skeleton() {
    return """
        table inet calico {
          map filter-cali-from-wl-dispatch { type ifname : verdict; }
          map filter-cali-to-wl-dispatch { type ifname : verdict; }
          map filter-cali-from-hep-dispatch { type ifname : verdict; }
          map filter-cali-to-hep-dispatch { type ifname : verdict; }
          map filter-cali-from-hep-forward-dispatch { type ifname : verdict; }
          map filter-cali-to-hep-forward-dispatch { type ifname : verdict; }
          map raw-cali-from-hep-dispatch { type ifname : verdict; }
          map raw-cali-to-hep-dispatch { type ifname : verdict; }
          map mangle-cali-from-hep-dispatch { type ifname : verdict; }
          chain filter-cali-wl-to-host-action { }
          chain filter-cali-from-wl-checks { }
          chain filter-cali-to-wl-checks { }
          chain raw-cali-allowed-sources { }
          chain nat-cali-dnat { }
          chain nat-cali-snat { }
          chain nat-cali-nat-outgoing { }
          chain nat-cali-tunnel-masquerade { }
          chain raw-cali-tunnel-untracked { }
          chain filter-cali-tunnel-input { }
          chain filter-cali-tunnel-output { }
          chain filter-cali-from-wl {
            iifname vmap @filter-cali-from-wl-dispatch
            drop
          }
          chain filter-cali-to-wl {
            oifname vmap @filter-cali-to-wl-dispatch
            drop
          }
          chain filter-cali-wl-to-host {
            icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, \
        nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
            jump filter-cali-from-wl
            goto filter-cali-wl-to-host-action
          }
          chain raw-cali-loopback {
            ip daddr 127.0.0.0/8 drop
            ip saddr 127.0.0.0/8 drop
            ip6 daddr ::1 drop
            ip6 daddr ::ffff:0.0.0.0/96 drop
            ip6 saddr ::1 drop
            ip6 saddr ::ffff:0.0.0.0/96 drop
            jump raw-cali-host-loopback
          }
          chain raw-cali-host-loopback { }
          chain raw-cali-rpf {
            ip6 saddr fe80::/10 return
            ip6 saddr :: icmpv6 type { mld-listener-report, nd-neighbor-solicit } return
            jump raw-cali-allowed-sources
            fib saddr . iif oif 0 drop
          }
          chain filter-cali-hep-invalid { }
          chain filter-cali-failsafe-in { }
          chain filter-cali-failsafe-out { }
          chain raw-cali-failsafe-in { }
          chain raw-cali-failsafe-out { }
          chain filter-cali-from-hep-any { }
          chain filter-cali-to-hep-any { }
          chain filter-cali-from-hep-forward-any { }
          chain filter-cali-to-hep-forward-any { }
          chain raw-cali-from-hep-any { }
          chain raw-cali-to-hep-any { }
          chain mangle-cali-from-hep-any { }
          chain filter-cali-from-hep {
            iifname vmap @filter-cali-from-hep-dispatch
            goto filter-cali-from-hep-any
          }
          chain filter-cali-to-hep {
            oifname vmap @filter-cali-to-hep-dispatch
            goto filter-cali-to-hep-any
          }
          chain filter-cali-from-hep-forward {
            iifname vmap @filter-cali-from-hep-forward-dispatch
            goto filter-cali-from-hep-forward-any
          }
          chain filter-cali-to-hep-forward {
            oifname vmap @filter-cali-to-hep-forward-dispatch
            goto filter-cali-to-hep-forward-any
          }
          chain raw-cali-from-hep {
            iifname vmap @raw-cali-from-hep-dispatch
            goto raw-cali-from-hep-any
          }
          chain raw-cali-to-hep {
            oifname vmap @raw-cali-to-hep-dispatch
            goto raw-cali-to-hep-any
          }
          chain mangle-cali-from-hep {
            iifname vmap @mangle-cali-from-hep-dispatch
            goto mangle-cali-from-hep-any
          }
          chain raw-cali-clear-marks {
            meta mark and 0x000f0000 != 0 meta mark set meta mark and 0xfff0ffff
          }
          chain raw-PREROUTING {
            type filter hook prerouting priority raw; policy accept;
            jump raw-cali-clear-marks
            iifname "cali*" jump raw-cali-loopback
            iifname "cali*" jump raw-cali-rpf
            iifname != "cali*" jump raw-cali-tunnel-untracked
            iifname != "cali*" jump raw-cali-from-hep
          }
          chain raw-OUTPUT {
            type filter hook output priority raw; policy accept;
            jump raw-cali-clear-marks
            oifname != "cali*" jump raw-cali-tunnel-untracked
            oifname != "cali*" jump raw-cali-to-hep
          }
          chain mangle-PREROUTING {
            type filter hook prerouting priority mangle; policy accept;
            ct state established,related accept
            meta mark and 0x00040000 == 0 jump mangle-cali-from-hep
          }
          chain mangle-POSTROUTING {
            type filter hook postrouting priority mangle; policy accept;
            meta mark and 0x00080000 == 0 accept
            meta mark set meta mark and 0xfff7ffff
            oifname "cali*" accept
            jump filter-cali-to-hep
          }
          chain nat-PREROUTING {
            type nat hook prerouting priority dstnat; policy accept;
            jump nat-cali-dnat
          }
          chain nat-POSTROUTING {
            type nat hook postrouting priority srcnat; policy accept;
            jump nat-cali-snat
            jump nat-cali-nat-outgoing
            jump nat-cali-tunnel-masquerade
          }
          chain filter-INPUT {
            type filter hook input priority filter; policy accept;
            iifname "cali*" jump raw-cali-loopback
            iifname "cali*" jump filter-cali-wl-to-host
            jump filter-cali-tunnel-input
            meta mark and 0x00040000 == 0 jump filter-cali-from-hep
          }
          chain filter-OUTPUT {
            type filter hook output priority filter; policy accept;
            meta mark and 0x00040000 != 0 accept
            ct status dnat meta mark set meta mark or 0x00080000 accept
            oifname "cali*" accept
            jump filter-cali-tunnel-output
            jump filter-cali-to-hep
          }
          chain filter-FORWARD {
            type filter hook forward priority filter; policy accept;
            meta mark and 0x00040000 == 0 jump filter-cali-from-hep-forward
            iifname "cali*" jump filter-cali-from-wl
            oifname "cali*" jump filter-cali-to-wl
            jump filter-cali-to-hep-forward
          }
        }
        """;
  }

  /** Returns the name of the verdict map of a direction. */
  static String map(Direction direction) {
    return switch (direction) {
      case FROM_WORKLOAD -> "filter-cali-from-wl-dispatch";
      case TO_WORKLOAD -> "filter-cali-to-wl-dispatch";
      case FROM_HOST -> "filter-cali-from-hep-dispatch";
      case TO_HOST -> "filter-cali-to-hep-dispatch";
      case FROM_HOST_FORWARD -> "filter-cali-from-hep-forward-dispatch";
      case TO_HOST_FORWARD -> "filter-cali-to-hep-forward-dispatch";
      case FROM_HOST_UNTRACKED -> "raw-cali-from-hep-dispatch";
      case TO_HOST_UNTRACKED -> "raw-cali-to-hep-dispatch";
      case FROM_HOST_PRE_DNAT -> "mangle-cali-from-hep-dispatch";
    };
  }

  /** Renders what differs; empty when nothing does. */
  static String change(Difference difference) {
    StringBuilder text = new StringBuilder();
    difference
        .newSets()
        .forEach(
            (name, type) ->
                line(text, "add set " + TABLE + " " + name + " { " + type.declaration() + " }"));
    // Before those are added that may hold or lie in them.
    difference.removed().forEach((set, members) -> elements(text, "delete", set, members));
    difference.added().forEach((set, members) -> elements(text, "add", set, members));
    difference.newChains().forEach(name -> line(text, "add chain " + TABLE + " " + name));
    difference
        .rules()
        .forEach(
            (name, rules) -> {
              if (!difference.newChains().contains(name)) {
                line(text, "flush chain " + TABLE + " " + name);
              }
              rules.forEach(rule -> line(text, "add rule " + TABLE + " " + name + " " + rule));
            });
    for (Direction direction : Direction.values()) {
      String map = map(direction);
      verdicts(text, "delete", map, difference.removedVerdicts(), NftTable::quoted);
      verdicts(
          text,
          "add",
          map,
          difference.addedVerdicts(),
          verdict -> quoted(verdict) + " : goto " + verdict.chain());
    }
    difference.goneChains().forEach(name -> line(text, "flush chain " + TABLE + " " + name));
    difference.goneChains().forEach(name -> line(text, "delete chain " + TABLE + " " + name));
    difference.goneSets().forEach(name -> line(text, "delete set " + TABLE + " " + name));
    return text.toString();
  }

  private static void elements(StringBuilder text, String verb, String set, Members some) {
    if (!some.members().isEmpty()) {
      line(
          text,
          some.members().stream()
              .map(member -> element(some.type(), member))
              .collect(
                  Collectors.joining(", ", verb + " element " + TABLE + " " + set + " { ", " }")));
    }
  }

  /** Prints a member as an element of a set of this type. */
  private static String element(SetType type, Member member) {
    if (member instanceof Member.Port port) {
      return port.address() + " . " + port.protocol().number() + " . " + port.port();
    }
    Cidr network = ((Member.Network) member).cidr();
    return switch (type) {
      case IPV4_NETWORKS, IPV6_NETWORKS -> network + " . " + type.family().keyName();
      default -> network.address().toString();
    };
  }

  private static void verdicts(
      StringBuilder text,
      String verb,
      String map,
      List<Verdict> verdicts,
      Function<Verdict, String> format) {
    List<String> elements =
        verdicts.stream().filter(verdict -> verdict.set().equals(map)).map(format).toList();
    if (!elements.isEmpty()) {
      line(
          text,
          verb + " element " + TABLE + " " + map + " { " + String.join(", ", elements) + " }");
    }
  }

  /** Returns what differs as elements for nfnetlink: first those that go. */
  static List<NftSets.Element> removed(Difference difference) {
    List<NftSets.Element> elements = new ArrayList<>(difference.removedVerdicts());
    difference.removed().forEach((set, some) -> addElements(set, some, elements));
    return elements;
  }

  /** Returns the elements that come. */
  static List<NftSets.Element> added(Difference difference) {
    List<NftSets.Element> elements = new ArrayList<>(difference.addedVerdicts());
    difference.added().forEach((set, some) -> addElements(set, some, elements));
    return elements;
  }

  private static void addElements(String set, Members some, List<NftSets.Element> elements) {
    for (Member member : some.members()) {
      elements.add(
          member instanceof Member.Port port
              ? new NftSets.Port(set, port.address(), port.protocol().number(), port.port())
              : nfnetlink(set, some.type(), ((Member.Network) member).cidr()));
    }
  }

  private static NftSets.Element nfnetlink(String set, SetType type, Cidr network) {
    return switch (type) {
      case IPV4_NETWORKS, IPV6_NETWORKS -> new NftSets.Network(set, network);
      default -> new NftSets.Address(set, network.address());
    };
  }

  private static String quoted(Verdict verdict) {
    return "\"" + verdict.interfaceName() + "\"";
  }

  private static void line(StringBuilder text, String command) {
    text.append(command).append('\n');
  }
}
