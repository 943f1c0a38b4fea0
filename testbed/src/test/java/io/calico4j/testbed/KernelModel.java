package io.calico4j.testbed;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.testing.RandomCluster;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.DataplaneUpdate;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.felix.explain.Packet;
import io.calico4j.felix.explain.PolicyTrace;
import io.calico4j.felix.rules.RulesetManager;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A program for a network namespace that is the host of endpoints: programs the rules of random
 * clusters, has packets sent, and prints those whose fate is another one than policy says. Ends
 * with the line {@code clusters, probes, passed}.
 */
final class KernelModel {
  static final int ENDPOINTS = 5;
  static final String OUTSIDE = "out0";

  private static final String ROUTER_MAC = "02:00:00:00:01:0";
  private static final int RESOURCES = 40;
  private static final List<Integer> PORTS = List.of(22, 80, 81, 443);
  private static final List<String> FAR =
      List.of(
          "10.9.9.9", "192.0.2.1", "10.1.1.1", "10.1.2.1", "10.65.1.0", "10.65.1.1", "10.65.1.2");
  private static final List<String> FAR6 =
      List.of("2001:db8::1", "fd00::9", "fd00::1:0", "fd00::1:1");

  private KernelModel() {}

  /** One packet between two endpoints; a number below zero is the outside. */
  private record Probe(int from, int to, Packet packet) {}

  /** Follows packets by what is stored, as it is in the kernel too. */
  private record Model(PolicyTrace trace, Map<Integer, String> keys) {
    boolean passes(Probe probe) {
      return allows(probe.from(), false, probe.packet())
          && allows(probe.to(), true, probe.packet());
    }

    private boolean allows(int endpoint, boolean ingress, Packet packet) {
      return endpoint < 0
          || trace.follow(keys.get(endpoint), ingress, packet).orElseThrow().allowed();
    }
  }

  /** Names an end: the router's {@code caliN} is {@code wN} at the other end. */
  private static String link(int endpoint) {
    return endpoint < 0 ? "w" + OUTSIDE : "w" + endpoint;
  }

  static String routerMac(int endpoint) {
    return ROUTER_MAC + (endpoint < 0 ? 9 : endpoint);
  }

  static String address(int endpoint) {
    return "10.65.0." + endpoint;
  }

  static String address6(int endpoint) {
    return "fd00::" + (endpoint + 1);
  }

  /** Arguments: a command that runs the prober, the first seed, clusters, probes in each. */
  public static void main(String[] arguments) throws Exception {
    List<String> prober = List.of(arguments[0].split(" ", -1));
    long first = Long.parseLong(arguments[1]);
    int clusters = Integer.parseInt(arguments[2]);
    int probes = Integer.parseInt(arguments[3]);
    Process process =
        new ProcessBuilder(prober).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    int passed = 0;
    int all = 0;
    try (PrintWriter to = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8));
        BufferedReader from = process.inputReader(StandardCharsets.UTF_8)) {
      for (long seed = first; seed < first + clusters; seed++) {
        Random random = new Random(seed);
        Map<String, String> stored = cluster(random);
        Model model = program(stored);
        List<Probe> sent = probes(model, probes, random);
        Map<Integer, String> arrived = send(model, sent, to, from);
        all += sent.size();
        passed += arrived.size();
        for (int id = 0; id < sent.size(); id++) {
          Probe probe = sent.get(id);
          if (isOtherThanExpected(model, probe, arrived.get(id))) {
            System.out.println(
                "seed "
                    + seed
                    + ": "
                    + probe
                    + " arrived at "
                    + arrived.get(id)
                    + ", with "
                    + shrunk(stored, probe, to, from));
            break;
          }
        }
      }
    }
    System.out.println(clusters + " clusters, " + all + " probes, " + passed + " passed");
    System.exit(0);
  }

  private static boolean isOtherThanExpected(Model model, Probe probe, @Nullable String arrived) {
    return !Objects.equals(model.passes(probe) ? link(probe.to()) : null, arrived);
  }

  /** Leaves resources out as long as the packet's fate still is another one than expected. */
  private static String shrunk(
      Map<String, String> stored, Probe probe, PrintWriter to, BufferedReader from)
      throws Exception {
    Map<String, String> least = new TreeMap<>(stored);
    for (String key : stored.keySet()) {
      Map<String, String> without = new TreeMap<>(least);
      without.remove(key);
      Model model = program(without);
      if (ends(probe).stream().allMatch(model.keys()::containsKey)
          && isOtherThanExpected(model, probe, send(model, List.of(probe), to, from).get(0))) {
        least = without;
      }
    }
    return String.join(" ", least.values());
  }

  private static List<Integer> ends(Probe probe) {
    return Stream.of(probe.from(), probe.to()).filter(end -> end >= 0).toList();
  }

  private static Map<String, String> cluster(Random random) {
    Map<String, String> stored = new TreeMap<>();
    for (int i = 0; i < RESOURCES; i++) {
      String key = RandomCluster.key(random);
      if (key.startsWith(ResourceKind.HOST_ENDPOINT.prefix())) {
        // What is followed is the policy of workloads alone.
        continue;
      }
      stored.put(
          key, placed(key, RandomCluster.value(ResourceKey.parse(key).orElseThrow(), random)));
    }
    return stored;
  }

  /** Puts the rules of what is stored into the kernel. */
  private static Model program(Map<String, String> stored) throws Exception {
    Calculation calculation = new Calculation("here", ValidationFilter.silent(), Set.of());
    stored.forEach(
        (key, json) -> {
          boolean unused = calculation.update(key, new Entry(key, json, 1));
        });
    List<DataplaneUpdate> updates = calculation.flush();
    LinuxKernel kernel = new LinuxKernel();
    try (NftablesDataplane dataplane =
        new NftablesDataplane(new LibNftables(), kernel.nftSets(), () -> 0, kernel::awaitPackets)) {
      RulesetManager manager = new RulesetManager(dataplane.table());
      manager.accept(updates);
      dataplane.apply();
    }
    Map<Integer, String> keys = new TreeMap<>();
    for (String key : stored.keySet()) {
      if (key.contains("/here-cni-")) {
        keys.put(number(key), key);
      }
    }
    return new Model(new PolicyTrace(updates), keys);
  }

  private static List<Probe> probes(Model model, int probes, Random random) {
    List<Integer> local = List.copyOf(model.keys().keySet());
    List<Probe> made = new ArrayList<>();
    for (int i = 0; i < probes && !local.isEmpty(); i++) {
      int from = random.nextInt(4) == 0 ? -1 : local.get(random.nextInt(local.size()));
      int to = from >= 0 && random.nextInt(4) == 0 ? -1 : local.get(random.nextInt(local.size()));
      if (from != to) {
        made.add(new Probe(from, to, packet(from, to, random)));
      }
    }
    return made;
  }

  private static int number(String key) {
    return key.charAt(key.length() - "0-eth0".length()) - '0';
  }

  /** Gives each endpoint an interface and addresses of its own. */
  private static String placed(String key, String json) {
    if (!key.contains("-cni-")) {
      return json;
    }
    int number = number(key);
    boolean here = key.contains("/here-");
    String networks =
        here
            ? "\"" + address(number) + "/32\",\"" + address6(number) + "/128\""
            : "\"10.65.1." + number + "/32\",\"fd00::1:" + number + "/128\"";
    return json.replaceFirst("\"ipNetworks\":\\[[^]]*]", "\"ipNetworks\":[" + networks + "]")
        .replaceFirst("\"interfaceName\":\"[^\"]*\"", "\"interfaceName\":\"cali" + number + "\"");
  }

  private static Packet packet(int from, int to, Random random) {
    boolean v6 = random.nextInt(3) == 0;
    Protocol protocol =
        List.of(Protocol.TCP, Protocol.UDP, v6 ? Protocol.ICMPV6 : Protocol.ICMP)
            .get(random.nextInt(3));
    boolean ports = protocol.hasPorts();
    return new Packet(
        protocol,
        IpAddress.parse(end(from, v6, random)),
        ports ? PORTS.get(random.nextInt(PORTS.size())) : 0,
        IpAddress.parse(end(to, v6, random)),
        ports ? PORTS.get(random.nextInt(PORTS.size())) : 0);
  }

  private static String end(int endpoint, boolean v6, Random random) {
    if (endpoint >= 0) {
      return v6 ? address6(endpoint) : address(endpoint);
    }
    List<String> far = v6 ? FAR6 : FAR;
    return far.get(random.nextInt(far.size()));
  }

  /** Sends packets; returns at which link each of those that pass has arrived, by its number. */
  private static Map<Integer, String> send(
      Model model, List<Probe> probes, PrintWriter to, BufferedReader from) throws IOException {
    List<Map<String, Object>> lines = new ArrayList<>();
    for (int id = 0; id < probes.size(); id++) {
      Probe probe = probes.get(id);
      Packet packet = probe.packet();
      lines.add(
          Map.of(
              "id", id,
              "link", link(probe.from()),
              "to", routerMac(probe.from()),
              "protocol", packet.protocol().number(),
              "source", packet.source().toString(),
              "sourcePort", packet.sourcePort(),
              "destination", packet.destination().toString(),
              "destinationPort", packet.destinationPort()));
    }
    long expected = probes.stream().filter(model::passes).count();
    to.println(new Gson().toJson(List.of(expected, lines)));
    to.flush();
    String answer = from.readLine();
    if (answer == null) {
      throw new IOException("the prober has ended");
    }
    Map<Integer, String> arrived = new HashMap<>();
    for (JsonElement element : JsonParser.parseString(answer).getAsJsonArray()) {
      JsonArray pair = element.getAsJsonArray();
      arrived.put(pair.get(0).getAsInt(), pair.get(1).getAsString());
    }
    return arrived;
  }
}
