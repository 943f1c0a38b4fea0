package io.calico4j.testbed;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.calico4j.core.felix.FelixSource;
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
import io.calico4j.felix.calculation.HostInterface;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.felix.explain.NodeTrace;
import io.calico4j.felix.explain.NodeTrace.Trace;
import io.calico4j.felix.explain.Packet;
import io.calico4j.felix.explain.PacketEnd;
import io.calico4j.felix.rules.RulesetManager;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A program for a network namespace that is the host of endpoints, of workloads and its own:
 * programs the rules of random clusters, has packets sent, and prints the first one whose fate is
 * another one than policy says. Ends with the line {@code clusters, probes, passed}.
 */
final class KernelModel {
  static final String ADDRESS_OF_ETH0 = "192.0.2.1";
  static final String ADDRESS_OF_ETH1 = "192.0.2.2";

  /** How many seconds the prober waits for packets that ought to arrive: for many, and for one. */
  private static final double QUIET = 3;

  private static final double SOON = 0.3;

  private static final int RESOURCES = 40;
  private static final int UNTRACKED = 4;
  private static final List<Integer> PORTS = List.of(22, 80, 81, 443);

  private KernelModel() {}

  private record Probe(ModelEnd from, ModelEnd to, Packet packet) {
    List<ModelEnd> workloads() {
      return Stream.of(from, to).filter(ModelEnd::isWorkload).toList();
    }
  }

  /** Where a packet ought to arrive, and where it has, and its answer; null for nowhere. */
  private record Fate(@Nullable String expected, @Nullable String arrived) {
    boolean isOtherThanExpected() {
      return !Objects.equals(expected, arrived);
    }
  }

  /**
   * Follows packets by what is stored, as it is in the kernel too.
   *
   * @param workloads the keys of those that are stored
   * @param hostEndpoints the keys of those whose interface it is, by interface
   */
  private record Model(
      NodeTrace trace, Map<ModelEnd, String> workloads, Map<String, String> hostEndpoints) {
    Trace follow(Probe probe) {
      return trace.follow(end(probe.from()), end(probe.to()), probe.packet()).orElseThrow();
    }

    private PacketEnd end(ModelEnd end) {
      if (end == ModelEnd.HOST) {
        return new PacketEnd.Node();
      }
      return end.isWorkload()
          ? new PacketEnd.Workload(String.valueOf(workloads.get(end)))
          : new PacketEnd.Outside(hostEndpoints.get(end.interfaceName()));
    }
  }

  /**
   * Arguments: a command that runs the prober, the first seed, clusters, probes in each, and
   * whether connections are tracked, and answered.
   */
  public static void main(String[] arguments) throws Exception {
    List<String> prober = List.of(arguments[0].split(" ", -1));
    long first = Long.parseLong(arguments[1]);
    int clusters = Integer.parseInt(arguments[2]);
    int probes = Integer.parseInt(arguments[3]);
    boolean tracked = Boolean.parseBoolean(arguments[4]);
    Process process =
        new ProcessBuilder(prober).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    int passed = 0;
    int all = 0;
    try (PrintWriter to = new PrintWriter(process.outputWriter(StandardCharsets.UTF_8));
        BufferedReader from = process.inputReader(StandardCharsets.UTF_8)) {
      for (long seed = first; seed < first + clusters; seed++) {
        Random random = new Random(seed);
        Map<String, String> stored = cluster(random);
        if (tracked) {
          putUntracked(stored, random);
          withoutTranslation(stored);
        }
        Model model = program(stored);
        List<Probe> sent = probes(model, probes, tracked, random);
        List<Fate> fates = fates(model, sent, tracked, to, from);
        all += sent.size();
        passed += (int) fates.stream().filter(fate -> fate.arrived() != null).count();
        for (int id = 0; id < sent.size(); id++) {
          if (fates.get(id).isOtherThanExpected()) {
            System.out.println(
                "seed "
                    + seed
                    + ": "
                    + sent.get(id)
                    + " arrived at "
                    + fates.get(id).arrived()
                    + ", with "
                    + shrunk(stored, sent.get(id), tracked, to, from));
            System.exit(1);
          }
        }
      }
    }
    System.out.println(clusters + " clusters, " + all + " probes, " + passed + " passed");
    System.exit(0);
  }

  /** Leaves resources out as long as the packet's fate still is another one than expected. */
  private static String shrunk(
      Map<String, String> stored, Probe probe, boolean tracked, PrintWriter to, BufferedReader from)
      throws Exception {
    Map<String, String> least = new TreeMap<>(stored);
    for (String key : stored.keySet()) {
      Map<String, String> without = new TreeMap<>(least);
      without.remove(key);
      Model model = program(without);
      if (probe.workloads().stream().allMatch(model.workloads()::containsKey)
          && fates(model, List.of(probe), tracked, to, from).get(0).isOtherThanExpected()) {
        least = without;
      }
    }
    return String.join(" ", least.values());
  }

  private static Map<String, String> cluster(Random random) {
    Map<String, String> stored = new TreeMap<>();
    for (int i = 0; i < RESOURCES; i++) {
      put(stored, RandomCluster.key(random), random);
    }
    for (int i = random.nextInt(4); i > 0; i--) {
      put(
          stored,
          ResourceKey.of(ResourceKind.HOST_ENDPOINT, "h" + random.nextInt(4)).path(),
          random);
    }
    if (random.nextBoolean()) {
      stored.put(
          ResourceKey.of(ResourceKind.FELIX_CONFIGURATION, "default").path(),
          RandomCluster.felixConfiguration(random));
    }
    return stored;
  }

  /** Puts more policies that are asked of answers, too. */
  private static void putUntracked(Map<String, String> stored, Random random) {
    for (int i = 0; i < UNTRACKED; i++) {
      String key = ResourceKey.of(ResourceKind.GLOBAL_NETWORK_POLICY, "u" + i).path();
      do {
        put(stored, key, random);
      } while (!String.valueOf(stored.get(key)).contains("\"doNotTrack\":true"));
    }
  }

  /** Leaves out what gives packets that are tracked other addresses. */
  private static void withoutTranslation(Map<String, String> stored) {
    stored.keySet().removeIf(key -> key.startsWith(ResourceKind.IP_POOL.prefix()));
    stored.replaceAll((key, json) -> json.replaceFirst(",\"ipNATs\":\\[[^]]*]", ""));
  }

  private static void put(Map<String, String> stored, String key, Random random) {
    stored.put(key, placed(key, RandomCluster.value(ResourceKey.parse(key).orElseThrow(), random)));
  }

  /** Puts the rules of what is stored into the kernel. */
  private static Model program(Map<String, String> stored) throws Exception {
    Calculation calculation = new Calculation("here", ValidationFilter.silent(), Set.of());
    stored.forEach(
        (key, json) -> {
          boolean unused = calculation.update(key, new Entry(key, json, 1));
        });
    boolean unused =
        calculation.putInterfaces(
            Set.of(
                new HostInterface("out0", Set.of()),
                new HostInterface("eth0", Set.of(IpAddress.parse(ADDRESS_OF_ETH0))),
                new HostInterface("eth1", Set.of(IpAddress.parse(ADDRESS_OF_ETH1)))));
    List<DataplaneUpdate> updates = calculation.flush();
    FelixConfig config =
        FelixConfig.resolve(
            calculation.configurations().stream().map(FelixSource::resource).toList());
    LinuxKernel kernel = new LinuxKernel();
    try (NftablesDataplane dataplane =
        new NftablesDataplane(new LibNftables(), kernel.nftSets(), () -> 0, kernel::awaitPackets)) {
      RulesetManager manager = new RulesetManager(dataplane.table());
      manager.configure(config);
      manager.accept(updates);
      dataplane.apply();
    }
    Map<ModelEnd, String> workloads = new EnumMap<>(ModelEnd.class);
    for (String key : stored.keySet()) {
      if (key.contains("/here-cni-")) {
        workloads.put(ModelEnd.workload(number(key)), key);
      }
    }
    Map<String, String> hostEndpoints = new TreeMap<>();
    calculation
        .hostEndpoints()
        .forEach((key, interfaces) -> interfaces.forEach(name -> hostEndpoints.put(name, key)));
    return new Model(new NodeTrace(updates, config), workloads, hostEndpoints);
  }

  private static List<Probe> probes(Model model, int probes, boolean tracked, Random random) {
    List<ModelEnd> ends =
        Stream.of(ModelEnd.values())
            .filter(end -> !end.isWorkload() || model.workloads().containsKey(end))
            .toList();
    List<Probe> made = new ArrayList<>();
    Set<Packet> connections = new HashSet<>();
    while (made.size() < probes) {
      ModelEnd from = ends.get(random.nextInt(ends.size()));
      ModelEnd to = ends.get(random.nextInt(ends.size()));
      Packet packet = packet(from, to, random);
      // What belongs to the connection of another packet is not the first of its own.
      if (from != to
          && (!tracked
              || !packet.protocol().hasPorts()
              || connections.add(packet) && !connections.contains(reversed(packet)))) {
        made.add(new Probe(from, to, packet));
      }
    }
    return made;
  }

  private static Packet reversed(Packet packet) {
    return new Packet(
        packet.protocol(),
        packet.destination(),
        packet.destinationPort(),
        packet.source(),
        packet.sourcePort());
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
    ModelEnd end = ModelEnd.workload(number);
    String networks =
        key.contains("/here-")
            ? "\""
                + end.addresses(false).get(0)
                + "/32\",\""
                + end.addresses(true).get(0)
                + "/128\""
            : "\"10.65.1." + number + "/32\",\"fd00::1:" + number + "/128\"";
    return json.replaceFirst("\"ipNetworks\":\\[[^]]*]", "\"ipNetworks\":[" + networks + "]")
        .replaceFirst("\"interfaceName\":\"[^\"]*\"", "\"interfaceName\":\"cali" + number + "\"");
  }

  private static Packet packet(ModelEnd from, ModelEnd to, Random random) {
    boolean v6 = random.nextInt(3) == 0;
    Protocol protocol =
        List.of(Protocol.TCP, Protocol.UDP, v6 ? Protocol.ICMPV6 : Protocol.ICMP)
            .get(random.nextInt(3));
    boolean ports = protocol.hasPorts();
    return new Packet(
        protocol,
        address(from, v6, random),
        ports ? PORTS.get(random.nextInt(PORTS.size())) : 0,
        address(to, v6, random),
        ports ? PORTS.get(random.nextInt(PORTS.size())) : 0);
  }

  private static IpAddress address(ModelEnd end, boolean v6, Random random) {
    List<String> addresses = end.addresses(v6);
    return IpAddress.parse(addresses.get(random.nextInt(addresses.size())));
  }

  /** Sends packets; where connections are tracked, also the answers of those that have arrived. */
  private static List<Fate> fates(
      Model model, List<Probe> probes, boolean tracked, PrintWriter to, BufferedReader from)
      throws IOException {
    if (tracked) {
      String unused = Command.of("conntrack", "--flush").mustRun();
    }
    List<Trace> traces = probes.stream().map(model::follow).toList();
    Map<Integer, Probe> sent = new TreeMap<>();
    probes.forEach(probe -> sent.put(sent.size(), probe));
    long expected = traces.stream().filter(Trace::arrives).count();
    Map<Integer, String> arrived = send(sent, expected, to, from);
    Map<Integer, String> answered = Map.of();
    if (tracked) {
      sent.keySet().retainAll(arrived.keySet());
      sent.replaceAll((id, probe) -> new Probe(probe.to(), probe.from(), probe.packet().answer()));
      expected = sent.keySet().stream().filter(id -> traces.get(id).answered()).count();
      answered = send(sent, expected, to, from);
    }
    List<Fate> fates = new ArrayList<>();
    for (int id = 0; id < probes.size(); id++) {
      Trace trace = traces.get(id);
      Probe probe = probes.get(id);
      fates.add(
          new Fate(
              fate(
                  trace.arrives() ? probe.to().link() : null,
                  tracked && trace.answered() ? probe.from().link() : null),
              fate(arrived.get(id), answered.get(id))));
    }
    return fates;
  }

  private static @Nullable String fate(@Nullable String arrived, @Nullable String answered) {
    return answered == null ? arrived : arrived + ", the answer at " + answered;
  }

  /** Sends packets; returns at which link each of those that pass has arrived, by its number. */
  private static Map<Integer, String> send(
      Map<Integer, Probe> probes, long expected, PrintWriter to, BufferedReader from)
      throws IOException {
    List<Map<String, Object>> lines = new ArrayList<>();
    probes.forEach(
        (id, probe) -> {
          Packet packet = probe.packet();
          lines.add(
              Map.of(
                  "id", id,
                  "link", probe.from().link(),
                  "to", probe.from().routerMac(),
                  "protocol", packet.protocol().number(),
                  "source", packet.source().toString(),
                  "sourcePort", packet.sourcePort(),
                  "destination", packet.destination().toString(),
                  "destinationPort", packet.destinationPort(),
                  "answer", packet.isAnswer()));
        });
    to.println(new Gson().toJson(List.of(expected, probes.size() > 1 ? QUIET : SOON, lines)));
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
