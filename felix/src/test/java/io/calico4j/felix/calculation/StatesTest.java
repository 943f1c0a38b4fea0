package io.calico4j.felix.calculation;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.rules.RecordingTable;
import io.calico4j.felix.rules.RulesetManager;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table depends on what is stored, never on the way there: after every step of a random
 * history, it equals the one that is calculated from the present values alone, in another order.
 */
class StatesTest {
  private static final int SEEDS = 60;
  private static final int STEPS = 120;

  private static final List<String> LABELS = List.of("a", "b", "c");
  private static final List<String> SELECTORS =
      List.of(
          "all()",
          "has(a)",
          "a == 'x'",
          "b in {'x','y'}",
          "has(a) && !has(b)",
          "c != 'x'",
          "pcns.team == 'x'");
  private static final List<String> NETS =
      List.of("10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.1.1.1/32", "fd00::/8", "fd00::1/128");

  /** A node's Felix without kernel and datastore. */
  private static final class Node {
    final Calculation calculation = new Calculation("here", ValidationFilter.silent(), Set.of());
    final RecordingTable table = new RecordingTable();
    final RulesetManager manager = new RulesetManager(table);

    void interfaces(Set<HostInterface> interfaces) {
      boolean unused = calculation.putInterfaces(interfaces);
    }

    void update(String key, @Nullable String json) {
      boolean unused = calculation.update(key, json == null ? null : new Entry(key, json, 1));
    }

    RecordingTable.Ruleset flush() {
      manager.accept(calculation.flush());
      manager.putLoopback(Set.of(), calculation.nodeAddresses());
      return table.snapshot();
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, SEEDS);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void theWayDoesNotMatter(long seed) {
    Random random = new Random(seed);
    Map<String, String> stored = new TreeMap<>();
    Node node = new Node();
    Set<HostInterface> interfaces = Set.of();
    for (int step = 0; step < STEPS; step++) {
      if (random.nextInt(10) == 0) {
        interfaces = interfaces(random);
        node.interfaces(interfaces);
      }
      String key = key(random);
      if (random.nextInt(4) == 0) {
        stored.remove(key);
        node.update(key, null);
      } else {
        String json =
            random.nextInt(25) == 0 ? "{" : value(ResourceKey.parse(key).orElseThrow(), random);
        stored.put(key, json);
        node.update(key, json);
      }
      if (random.nextInt(3) > 0) {
        continue;
      }
      Node fresh = new Node();
      fresh.interfaces(interfaces);
      List<String> keys = new ArrayList<>(stored.keySet());
      Collections.shuffle(keys, random);
      keys.forEach(k -> fresh.update(k, stored.get(k)));
      assertThat(node.flush()).as("seed %d, step %d", seed, step).isEqualTo(fresh.flush());
    }
    List.copyOf(stored.keySet()).forEach(key -> node.update(key, null));
    assertThat(node.flush()).as("seed %d, all deleted", seed).isEqualTo(new Node().flush());
    assertThat(node.calculation.flush()).isEmpty();
  }

  private static Set<HostInterface> interfaces(Random random) {
    Set<HostInterface> interfaces = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      interfaces.add(
          new HostInterface("eth" + i, Set.of(IpAddress.parse("192.0.2." + random.nextInt(3)))));
    }
    return interfaces;
  }

  private static String key(Random random) {
    return switch (random.nextInt(12)) {
      case 10, 11 -> ResourceKey.of(ResourceKind.HOST_ENDPOINT, "h" + random.nextInt(4)).path();
      case 0, 1, 2 ->
          ResourceKind.WORKLOAD_ENDPOINT.prefix()
              + "default/"
              + (random.nextBoolean() ? "here" : "there")
              + "-cni-"
              + random.nextInt(5)
              + "-eth0";
      case 3 ->
          ResourceKey.of(
                  ResourceKind.PROFILE,
                  random.nextInt(4) == 0 ? "kns.default" : "p" + random.nextInt(2))
              .path();
      case 4, 5 ->
          random.nextBoolean()
              ? ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "g" + random.nextInt(3)).path()
              : ResourceKind.NETWORK_POLICY.prefix() + "default/n" + random.nextInt(2);
      case 6 ->
          random.nextBoolean()
              ? ResourceKey.of(ResourceKind.GLOBAL_NETWORK_SET, "s" + random.nextInt(3)).path()
              : ResourceKind.NETWORK_SET.prefix() + "default/s" + random.nextInt(2);
      case 7 -> ResourceKey.of(ResourceKind.IP_POOL, "pool" + random.nextInt(3)).path();
      case 8 -> ResourceKey.of(ResourceKind.NODE, random.nextBoolean() ? "here" : "there").path();
      default -> ResourceKey.of(ResourceKind.TIER, "t" + random.nextInt(2)).path();
    };
  }

  private static String value(ResourceKey key, Random random) {
    ResourceKind<?> kind = key.kind();
    String spec;
    if (kind.equals(ResourceKind.WORKLOAD_ENDPOINT)) {
      spec = endpoint(key, random);
    } else if (kind.equals(ResourceKind.HOST_ENDPOINT)) {
      spec = hostEndpoint(random);
    } else if (kind.equals(ResourceKind.PROFILE)) {
      spec =
          "{'labelsToApply':"
              + labels(key.name().startsWith("kns.") ? List.of("pcns.team") : LABELS, random)
              + ",'ingress':"
              + rules(random)
              + ",'egress':"
              + rules(random)
              + "}";
    } else if (kind.equals(ResourceKind.TIER)) {
      spec =
          "{'order':"
              + random.nextInt(3)
              + (random.nextBoolean() ? ",'defaultAction':'Pass'" : "")
              + "}";
    } else if (kind.equals(ResourceKind.IP_POOL)) {
      spec =
          "{'cidr':'"
              + NETS.get(random.nextInt(NETS.size()))
              + "','natOutgoing':"
              + random.nextBoolean()
              + "}";
    } else if (kind.equals(ResourceKind.NODE)) {
      spec = "{'bgp':{'ipv4Address':'10.65.0." + random.nextInt(3) + "/24'}}";
    } else if (kind.equals(ResourceKind.NETWORK_SET)
        || kind.equals(ResourceKind.GLOBAL_NETWORK_SET)) {
      spec = "{'nets':" + some(NETS, random) + "}";
    } else {
      spec = policy(kind, random);
    }
    String namespace = kind.namespaced() ? "'namespace':'default'," : "";
    return ("{'metadata':{'name':'"
            + key.name()
            + "',"
            + namespace
            + "'labels':"
            + labels(LABELS, random)
            + "},'spec':"
            + spec
            + "}")
        .replace('\'', '"')
        .replace('^', '\'');
  }

  private static String endpoint(ResourceKey key, Random random) {
    String number = key.name().replaceAll("[^0-9]", "").substring(0, 1);
    return "{'node':'"
        + key.name().substring(0, key.name().indexOf('-'))
        + "','orchestrator':'cni','containerID':'"
        + number
        + "','endpoint':'eth0','ipNetworks':['10.65.0."
        + random.nextInt(4)
        + "/32'],'interfaceName':'cali"
        + random.nextInt(5)
        + "','profiles':"
        + some(List.of("p0", "p1", "kns.default"), random)
        + (random.nextInt(3) == 0
            ? ",'ports':[{'name':'web','protocol':'TCP','port':" + (80 + random.nextInt(2)) + "}]"
            : "")
        + (random.nextInt(4) == 0
            ? ",'ipNATs':[{'internalIP':'10.65.0.1','externalIP':'10.65.0."
                + random.nextInt(8)
                + "'}]"
            : "")
        + "}";
  }

  private static String hostEndpoint(Random random) {
    return "{'node':'"
        + (random.nextInt(4) == 0 ? "there" : "here")
        + "',"
        + (random.nextBoolean()
            ? "'interfaceName':'" + List.of("*", "eth0", "eth1").get(random.nextInt(3)) + "',"
            : "")
        + "'expectedIPs':['192.0.2."
        + random.nextInt(3)
        + "'],'profiles':"
        + some(List.of("p0", "p1", "kns.default"), random)
        + ",'ports':[{'name':'web','protocol':'TCP','port':80}]}";
  }

  private static String policy(ResourceKind<?> kind, Random random) {
    StringBuilder spec = new StringBuilder("{'selector':'" + selector(random) + "'");
    if (random.nextBoolean()) {
      spec.append(",'order':").append(random.nextInt(3));
    }
    if (random.nextInt(3) == 0) {
      spec.append(",'tier':'t").append(random.nextInt(2)).append('\'');
    }
    boolean global = kind.equals(ResourceKind.GLOBAL_NETWORK_POLICY);
    int place = global ? random.nextInt(6) : 3;
    if (place < 3) {
      spec.append(",'applyOnForward':true");
      spec.append(List.of("", ",'doNotTrack':true", ",'preDNAT':true").get(place));
    }
    return spec.append(",'ingress':")
        .append(rules(random))
        .append(place == 2 ? ",'types':['Ingress'],'egress':" : ",'egress':")
        .append(place == 2 ? "[]" : rules(random))
        .append("}")
        .toString();
  }

  private static String selector(Random random) {
    return SELECTORS.get(random.nextInt(SELECTORS.size())).replace('\'', '^');
  }

  private static String rules(Random random) {
    List<String> rules = new ArrayList<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      StringBuilder peer = new StringBuilder("{");
      Consumer<String> add = field -> peer.append(peer.length() == 1 ? "" : ",").append(field);
      if (random.nextBoolean()) {
        add.accept("'selector':'" + selector(random) + "'");
      }
      if (random.nextInt(4) == 0) {
        add.accept("'notSelector':'" + selector(random) + "'");
      }
      if (random.nextInt(3) == 0) {
        add.accept("'nets':" + some(NETS.subList(0, 4), random));
      }
      if (random.nextInt(4) == 0) {
        add.accept("'ports':['web',443]");
      }
      rules.add(
          "{'action':'"
              + List.of("Allow", "Deny", "Pass", "Log").get(random.nextInt(4))
              + "','protocol':'TCP','"
              + (random.nextBoolean() ? "source" : "destination")
              + "':"
              + peer
              + "}}");
    }
    return "[" + String.join(",", rules) + "]";
  }

  private static String some(List<String> of, Random random) {
    List<String> chosen = of.stream().filter(text -> random.nextBoolean()).toList();
    return chosen.isEmpty() ? "[]" : "['" + String.join("','", chosen) + "']";
  }

  private static String labels(List<String> names, Random random) {
    List<String> labels = new ArrayList<>();
    for (String name : names) {
      if (random.nextBoolean()) {
        labels.add("'" + name + "':'" + List.of("x", "y").get(random.nextInt(2)) + "'");
      }
    }
    return "{" + String.join(",", labels) + "}";
  }
}
