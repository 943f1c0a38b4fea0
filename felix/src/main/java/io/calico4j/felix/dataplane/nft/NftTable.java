package io.calico4j.felix.dataplane.nft;

import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.rules.Ruleset;
import io.calico4j.felix.rules.RulesetBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Renders the transaction that takes the table {@code inet calico} from one ruleset to another.
 * Additions go sets, chains, dispatch; removals the reverse; all are committed at once, so no
 * packet ever meets half of them. Base chains send every packet of a workload interface through a
 * verdict map; an interface that is not in it is dropped. What every endpoint's chain begins with
 * is a chain that is always there, so that the kernel does not set connection tracking up and down
 * with the first and the last endpoint.
 */
final class NftTable {
  static final String NAME = "calico";
  static final String TABLE = "inet " + NAME;
  private static final String FROM = "filter-cali-from-wl-dispatch";
  private static final String TO = "filter-cali-to-wl-dispatch";

  private NftTable() {}

  /** Renders a transaction that replaces the whole table, whatever is there. */
  static String replaceAll(Ruleset desired) {
    return "add table "
        + TABLE
        + "\ndelete table "
        + TABLE
        + "\n"
        + skeleton()
        + change(Ruleset.EMPTY, desired);
  }

  private static String skeleton() {
    return """
        table inet calico {
          map filter-cali-from-wl-dispatch { type ifname : verdict; }
          map filter-cali-to-wl-dispatch { type ifname : verdict; }
          chain filter-cali-wl-to-host-action { }
          chain filter-cali-from-wl-checks {
            ct state established,related accept
            ct state invalid drop
            meta mark set meta mark and 0xfffcffff
            udp dport 4789 drop
            meta l4proto 4 drop
          }
          chain filter-cali-to-wl-checks {
            ct state established,related accept
            ct state invalid drop
            meta mark set meta mark and 0xfffcffff
          }
          chain raw-cali-allowed-sources { }
          chain nat-cali-dnat { }
          chain nat-cali-snat { }
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
          chain raw-PREROUTING {
            type filter hook prerouting priority raw; policy accept;
            iifname "cali*" jump raw-cali-loopback
            iifname "cali*" jump raw-cali-rpf
          }
          chain nat-PREROUTING {
            type nat hook prerouting priority dstnat; policy accept;
            jump nat-cali-dnat
          }
          chain nat-POSTROUTING {
            type nat hook postrouting priority srcnat; policy accept;
            jump nat-cali-snat
          }
          chain filter-INPUT {
            type filter hook input priority filter; policy accept;
            iifname "cali*" jump raw-cali-loopback
            iifname "cali*" goto filter-cali-wl-to-host
          }
          chain filter-FORWARD {
            type filter hook forward priority filter; policy accept;
            iifname "cali*" jump filter-cali-from-wl
            oifname "cali*" jump filter-cali-to-wl
          }
        }
        """;
  }

  /** Renders the transaction between two rulesets; empty when they are equal. */
  static String change(Ruleset actual, Ruleset desired) {
    StringBuilder text = new StringBuilder();
    desired
        .sets()
        .forEach(
            (name, set) -> {
              Ruleset.AddressSet old = actual.sets().get(name);
              if (old == null) {
                line(text, "add set " + TABLE + " " + name + " { " + set.declaration() + " }");
              }
              elements(
                  text,
                  "add",
                  name,
                  missing(set.members(), old == null ? new TreeSet<>() : old.members()));
            });
    desired.chains().keySet().stream()
        .filter(name -> !actual.chains().containsKey(name))
        .forEach(name -> line(text, "add chain " + TABLE + " " + name));
    desired
        .chains()
        .forEach(
            (name, rules) -> {
              List<String> old = actual.chains().get(name);
              if (!Objects.equals(old, rules)) {
                if (old != null) {
                  line(text, "flush chain " + TABLE + " " + name);
                }
                rules.forEach(rule -> line(text, "add rule " + TABLE + " " + name + " " + rule));
              }
            });
    Elements verdicts = verdicts(actual, desired);
    for (String map : List.of(FROM, TO)) {
      elements(text, "delete", map, members(verdicts.removed(), map, NftTable::quoted));
      elements(
          text,
          "add",
          map,
          members(verdicts.added(), map, v -> quoted(v) + " : goto " + v.chain()));
    }
    List<String> gone =
        actual.chains().keySet().stream()
            .filter(name -> !desired.chains().containsKey(name))
            .filter(name -> !name.equals(RulesetBuilder.TO_HOST))
            .toList();
    gone.forEach(name -> line(text, "flush chain " + TABLE + " " + name));
    gone.forEach(name -> line(text, "delete chain " + TABLE + " " + name));
    actual
        .sets()
        .forEach(
            (name, old) -> {
              Ruleset.AddressSet set = desired.sets().get(name);
              if (set == null) {
                line(text, "delete set " + TABLE + " " + name);
              } else {
                elements(text, "delete", name, missing(old.members(), set.members()));
              }
            });
    return text.toString();
  }

  private static SortedSet<String> missing(SortedSet<String> wanted, SortedSet<String> present) {
    SortedSet<String> missing = new TreeSet<>(wanted);
    missing.removeAll(present);
    return missing;
  }

  private static void elements(
      StringBuilder text, String verb, String set, SortedSet<String> members) {
    if (!members.isEmpty()) {
      line(
          text, verb + " element " + TABLE + " " + set + " { " + String.join(", ", members) + " }");
    }
  }

  /**
   * What differs between two rulesets, where it is nothing but elements.
   *
   * @param removed elements that go, before
   * @param added elements that come
   */
  record Elements(List<NftSets.Element> removed, List<NftSets.Element> added) {}

  /** Compares two rulesets; empty when more differs than addresses in sets and verdict maps. */
  static Optional<Elements> elements(Ruleset actual, Ruleset desired) {
    if (!desired.chains().equals(actual.chains())
        || !desired.sets().keySet().equals(actual.sets().keySet())) {
      return Optional.empty();
    }
    Elements elements = verdicts(actual, desired);
    for (Map.Entry<String, Ruleset.AddressSet> set : desired.sets().entrySet()) {
      Ruleset.AddressSet old = Objects.requireNonNull(actual.sets().get(set.getKey()));
      if (!set.getValue().equals(old)) {
        if (!set.getValue().holdsAddresses()) {
          return Optional.empty();
        }
        addresses(set.getKey(), old, set.getValue(), elements.removed());
        addresses(set.getKey(), set.getValue(), old, elements.added());
      }
    }
    return Optional.of(elements);
  }

  private static void addresses(
      String name,
      Ruleset.AddressSet wanted,
      Ruleset.AddressSet present,
      List<NftSets.Element> missing) {
    missing(wanted.members(), present.members())
        .forEach(text -> missing.add(new NftSets.Address(name, IpAddress.parse(text))));
  }

  private static Elements verdicts(Ruleset actual, Ruleset desired) {
    Elements verdicts = new Elements(new ArrayList<>(), new ArrayList<>());
    verdicts(FROM, actual.fromWorkload(), desired.fromWorkload(), verdicts.removed());
    verdicts(TO, actual.toWorkload(), desired.toWorkload(), verdicts.removed());
    verdicts(FROM, desired.fromWorkload(), actual.fromWorkload(), verdicts.added());
    verdicts(TO, desired.toWorkload(), actual.toWorkload(), verdicts.added());
    return verdicts;
  }

  private static void verdicts(
      String map,
      Map<String, String> wanted,
      Map<String, String> present,
      List<NftSets.Element> missing) {
    wanted.forEach(
        (name, chain) -> {
          if (!chain.equals(present.get(name))) {
            missing.add(new NftSets.Verdict(map, name, chain));
          }
        });
  }

  private static SortedSet<String> members(
      List<NftSets.Element> elements, String map, Function<NftSets.Verdict, String> format) {
    SortedSet<String> members = new TreeSet<>();
    for (NftSets.Element element : elements) {
      if (element instanceof NftSets.Verdict verdict && verdict.set().equals(map)) {
        members.add(format.apply(verdict));
      }
    }
    return members;
  }

  private static String quoted(NftSets.Verdict verdict) {
    return "\"" + verdict.interfaceName() + "\"";
  }

  private static void line(StringBuilder text, String command) {
    text.append(command).append('\n');
  }
}
