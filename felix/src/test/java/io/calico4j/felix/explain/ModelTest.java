package io.calico4j.felix.explain;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.testing.RandomCluster;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.HostInterface;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the calculation says of random packets in random clusters, against {@link NaivePolicy} and
 * {@link NaiveNode}. A difference names the seed and what is stored without what does not matter to
 * it. The variables {@code MODEL_CLUSTERS}, {@code MODEL_PROBES} (of each cluster) and {@code
 * MODEL_SEED} make a longer or another run.
 */
class ModelTest {
  private static final int CLUSTERS = number("MODEL_CLUSTERS", 200);
  private static final int SEED = number("MODEL_SEED", 0);
  private static final int RESOURCES = 40;
  private static final int PROBES = number("MODEL_PROBES", 5000);

  private static final List<String> ADDRESSES =
      List.of(
          "10.65.0.0",
          "10.65.0.1",
          "10.65.0.2",
          "10.65.0.3",
          "10.1.1.1",
          "10.1.2.1",
          "10.9.9.9",
          "192.0.2.1");
  private static final List<String> ADDRESSES6 =
      List.of("fd00::1", "fd00::2", "fd00::3", "2001:db8::1");
  private static final List<Integer> PORTS = List.of(22, 80, 81, 443);

  private static final SortedMap<String, String> INTERFACES =
      new TreeMap<>(Map.of("eth0", "192.0.2.1", "eth1", "192.0.2.2", "out0", "198.51.100.2"));

  private record Probe(String endpoint, boolean ingress, Packet packet) {}

  private static int number(String variable, int otherwise) {
    return Optional.ofNullable(System.getenv(variable)).map(Integer::valueOf).orElse(otherwise);
  }

  static LongStream seeds() {
    return LongStream.range(SEED, SEED + CLUSTERS);
  }

  private static Map<String, String> cluster(Random random) {
    Map<String, String> stored = new TreeMap<>();
    for (int i = 0; i < RESOURCES; i++) {
      String key = RandomCluster.key(random);
      stored.put(key, RandomCluster.value(ResourceKey.parse(key).orElseThrow(), random));
    }
    return stored;
  }

  private static List<Probe> probes(Map<String, String> stored, Random random) {
    List<String> local =
        stored.keySet().stream().filter(key -> key.contains("/here-cni-")).toList();
    List<Probe> probes = new ArrayList<>();
    for (int i = 0; i < PROBES && !local.isEmpty(); i++) {
      probes.add(
          new Probe(local.get(random.nextInt(local.size())), random.nextBoolean(), packet(random)));
    }
    return probes;
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void theyAgree(long seed) {
    Random random = new Random(seed);
    Map<String, String> stored = cluster(random);
    PolicyTrace trace = trace(stored);
    NaivePolicy model = new NaivePolicy(stored);
    for (Probe probe : probes(stored, random)) {
      if (isAllowed(trace, probe) != isAllowed(model, probe)) {
        throw new AssertionError("seed " + seed + ": " + shrunk(stored, probe));
      }
    }
  }

  /** A comparison in which nothing passes would say little. */
  @Test
  void ofTheProbesManyPassAndManyDoNot() {
    int allowed = 0;
    int all = 0;
    for (long seed = 0; seed < CLUSTERS / 2; seed++) {
      Random random = new Random(seed);
      Map<String, String> stored = cluster(random);
      PolicyTrace trace = trace(stored);
      for (Probe probe : probes(stored, random)) {
        all++;
        allowed += isAllowed(trace, probe) ? 1 : 0;
      }
    }
    assertThat(allowed).isBetween(all / 40, all - all / 10);
  }

  /** Of workloads, interfaces with and without host endpoint, and the host itself. */
  @ParameterizedTest
  @MethodSource("seeds")
  void theyAgreeOnHosts(long seed) {
    Random random = new Random(seed);
    Map<String, String> stored = hostCluster(random);
    HostCase compared = HostCase.of(stored);
    for (Way way : ways(stored, random)) {
      if (compared.differs(way)) {
        throw new AssertionError("seed " + seed + ": " + shrunk(stored, way));
      }
    }
  }

  @Test
  void ofThoseOnHostsManyPassAndManyDoNot() {
    int allowed = 0;
    int all = 0;
    for (long seed = 0; seed < CLUSTERS / 10; seed++) {
      Random random = new Random(seed);
      Map<String, String> stored = hostCluster(random);
      HostCase compared = HostCase.of(stored);
      for (Way way : ways(stored, random)) {
        all++;
        allowed += compared.isAllowed(way) ? 1 : 0;
      }
    }
    assertThat(allowed).isBetween(all / 10, all - all / 10);
  }

  /** A packet between two ends: a workload's key, an interface, or empty for the host. */
  private record Way(String from, String to, Packet packet) {}

  private record HostCase(
      NodeTrace trace, Map<String, SortedSet<String>> hostEndpoints, NaiveNode model) {
    static HostCase of(Map<String, String> stored) {
      Calculation calculation = calculation(stored);
      Set<HostInterface> interfaces = new HashSet<>();
      INTERFACES.forEach(
          (name, address) ->
              interfaces.add(new HostInterface(name, Set.of(IpAddress.parse(address)))));
      boolean unused = calculation.putInterfaces(interfaces);
      NodeTrace trace = new NodeTrace(calculation);
      return new HostCase(trace, calculation.hostEndpoints(), new NaiveNode(stored, INTERFACES));
    }

    boolean isAllowed(Way way) {
      return trace.follow(end(way.from()), end(way.to()), way.packet()).orElseThrow().arrives();
    }

    boolean differs(Way way) {
      return isAllowed(way) != model.passes(way.from(), way.to(), way.packet());
    }

    private PacketEnd end(String name) {
      if (name.isEmpty()) {
        return new PacketEnd.Node();
      }
      return name.startsWith("/")
          ? new PacketEnd.Workload(name)
          : new PacketEnd.Outside(
              hostEndpoints.entrySet().stream()
                  .filter(host -> host.getValue().contains(name))
                  .map(Map.Entry::getKey)
                  .findFirst()
                  .orElse(null));
    }
  }

  private static Map<String, String> hostCluster(Random random) {
    Map<String, String> stored = cluster(random);
    for (int i = random.nextInt(4); i > 0; i--) {
      String key = ResourceKey.of(ResourceKind.HOST_ENDPOINT, "h" + random.nextInt(4)).path();
      stored.put(key, RandomCluster.value(ResourceKey.parse(key).orElseThrow(), random));
    }
    if (random.nextBoolean()) {
      stored.put(
          ResourceKey.of(ResourceKind.FELIX_CONFIGURATION, "default").path(),
          RandomCluster.felixConfiguration(random));
    }
    return stored;
  }

  private static List<Way> ways(Map<String, String> stored, Random random) {
    List<String> ends = new ArrayList<>(INTERFACES.keySet());
    ends.addAll(List.of("", ""));
    stored.keySet().stream().filter(key -> key.contains("/here-cni-")).forEach(ends::add);
    List<Way> ways = new ArrayList<>();
    while (ways.size() < PROBES / 5) {
      String from = ends.get(random.nextInt(ends.size()));
      String to = ends.get(random.nextInt(ends.size()));
      if (!from.equals(to)) {
        ways.add(new Way(from, to, packet(random)));
      }
    }
    return ways;
  }

  private static String shrunk(Map<String, String> stored, Way way) {
    Map<String, String> least = new TreeMap<>(stored);
    for (String key : new ArrayList<>(stored.keySet())) {
      Map<String, String> without = new TreeMap<>(least);
      without.remove(key);
      if (!key.equals(way.from()) && !key.equals(way.to()) && HostCase.of(without).differs(way)) {
        least = without;
      }
    }
    return way
        + " is "
        + (HostCase.of(least).isAllowed(way) ? "allowed" : "denied")
        + " by the calculation, not by the model, with\n"
        + String.join("\n", least.values());
  }

  private static Packet packet(Random random) {
    Protocol protocol = List.of(Protocol.TCP, Protocol.UDP, Protocol.ICMP).get(random.nextInt(3));
    List<String> addresses =
        protocol.equals(Protocol.ICMP) || random.nextInt(3) > 0 ? ADDRESSES : ADDRESSES6;
    boolean ports = protocol.hasPorts();
    return new Packet(
        protocol,
        IpAddress.parse(addresses.get(random.nextInt(addresses.size()))),
        ports ? PORTS.get(random.nextInt(PORTS.size())) : 0,
        IpAddress.parse(addresses.get(random.nextInt(addresses.size()))),
        ports ? PORTS.get(random.nextInt(PORTS.size())) : 0);
  }

  private static boolean isAllowed(PolicyTrace trace, Probe probe) {
    return trace.follow(probe.endpoint(), probe.ingress(), probe.packet()).orElseThrow().allowed();
  }

  private static boolean isAllowed(NaivePolicy model, Probe probe) {
    return model.allows(probe.endpoint(), probe.ingress(), probe.packet());
  }

  private static PolicyTrace trace(Map<String, String> stored) {
    return new PolicyTrace(calculation(stored).flush());
  }

  private static Calculation calculation(Map<String, String> stored) {
    Calculation calculation = new Calculation("here", ValidationFilter.silent(), Set.of());
    stored.forEach(
        (key, json) -> {
          boolean unused = calculation.update(key, new Entry(key, json, 1));
        });
    return calculation;
  }

  /** Leaves resources out as long as the two still differ. */
  private static String shrunk(Map<String, String> stored, Probe probe) {
    Map<String, String> least = new TreeMap<>(stored);
    for (String key : new ArrayList<>(stored.keySet())) {
      Map<String, String> without = new TreeMap<>(least);
      without.remove(key);
      if (!key.equals(probe.endpoint())
          && isAllowed(trace(without), probe) != isAllowed(new NaivePolicy(without), probe)) {
        least = without;
      }
    }
    return probe
        + " is "
        + (isAllowed(trace(least), probe) ? "allowed" : "denied")
        + " by the calculation, not by the model, with\n"
        + String.join("\n", least.values());
  }
}
