package io.calico4j.benchmarks;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.testbed.Await;
import io.calico4j.testbed.Namespace;
import io.calico4j.testbed.Orchestrator;
import io.calico4j.testbed.TestHost;
import io.calico4j.testbed.Workload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What policy costs what is forwarded: the throughput of a TCP connection and the new TCP
 * connections per second between two workloads of one host, beside the same between two namespaces
 * that a third one joins by plain veth pairs and routes, without a table and without connection
 * tracking. Both are measured in alternation, with 0, 10 and 1,000 policies that select the
 * workloads, of which the last one allows, and with 10 and 500 endpoints of the host. Must run in
 * private namespaces: {@code ./bench forwarding}. Arguments: distribution, rounds, json or table.
 */
public final class ForwardingBenchmark {
  private static final int[] ENDPOINTS = {10, 500};
  private static final int[] POLICIES = {0, 10, 1_000};

  /** What is measured in a round, and how long. */
  private static final String IPERF_SECONDS = "2";

  private static final String CONNECT_SECONDS = "1.5";
  private static final int BATCH = 100;
  private static final int PATIENCE_SECONDS = 30;
  private static final int PORT = 9000;
  private static final String SELECTOR = "role == 'measured'";
  private static final String PYTHON = "/usr/bin/python3";

  private static final String ACCEPT =
      """
      import socket,sys
      l=socket.socket(); l.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)
      l.bind(('0.0.0.0',int(sys.argv[1]))); l.listen(1024)
      while True: l.accept()[0].close()
      """;

  /** Ends each connection by a reset: none waits for its end, so that no port runs out. */
  private static final String CONNECT =
      """
      import socket,struct,sys,time
      to=(sys.argv[1],int(sys.argv[2])); n=0; start=time.monotonic(); end=start+float(sys.argv[3])
      while time.monotonic()<end:
        s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_LINGER,struct.pack('ii',1,0))
        s.connect(to); s.close(); n+=1
      print(n/(time.monotonic()-start))
      """;

  private final Path distribution;
  private final Path state;
  private final int rounds;
  private final List<Process> servers = new ArrayList<>();
  private final Map<String, Case> cases = new LinkedHashMap<>();
  private int endpoints = 2;
  private int policies;
  private int markers;

  private ForwardingBenchmark(Path distribution, Path state, int rounds) {
    this.distribution = distribution;
    this.state = state;
    this.rounds = rounds;
  }

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) throws Exception {
    ForwardingBenchmark benchmark =
        new ForwardingBenchmark(
            Path.of(arguments[0]),
            Files.createTempDirectory("bench"),
            Integer.parseInt(arguments[1]));
    benchmark.run();
    System.out.println(
        arguments[2].equals("json") ? benchmark.json().toString() : benchmark.table());
  }

  /**
   * Two ends of a path.
   *
   * @param to the address of the server
   */
  private record Way(Namespace client, Namespace server, String to) {}

  /** What was measured for one number of endpoints and policies, a value of each round. */
  private record Case(
      List<Double> throughput,
      List<Double> plainThroughput,
      List<Double> connections,
      List<Double> plainConnections) {
    Case() {
      this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    }
  }

  private void run() throws Exception {
    TestHost host = TestHost.here(distribution, state);
    host.startAgent();
    try (Datastore etcd =
        EtcdDatastore.connect(
            EtcdConfig.fromEnvironment(
                LocalEtcd.complete(Map.of(), host.state().resolve("lib"))))) {
      Map<String, String> labels = Map.of("role", "measured");
      Workload client = host.start("client", Orchestrator.MESOS, "net", labels);
      Workload server = host.start("server", Orchestrator.MESOS, "net", labels);
      Way ours = new Way(client.sandbox(), server.sandbox(), server.address());
      Way plain = plain();
      serve(ours);
      serve(plain);
      for (int count : ENDPOINTS) {
        addEndpoints(etcd, host.name(), count);
        removePolicies(etcd);
        for (int some : POLICIES) {
          System.err.println("forwarding: " + count + " endpoints, " + some + " policies");
          addPolicies(etcd, some);
          awaitInForce(etcd, host);
          Case measured = new Case();
          cases.put(count + " endpoints, " + some + " policies", measured);
          for (int round = -1; round < rounds; round++) {
            measure(round, ours, plain, measured);
          }
        }
      }
    } finally {
      servers.forEach(Process::destroyForcibly);
      host.close();
    }
  }

  /** Makes two namespaces and a third one that forwards between them. */
  private static Way plain() throws IOException {
    Namespace router = Namespace.create("plain");
    Namespace client = Namespace.create("plain-client");
    Namespace server = Namespace.create("plain-server");
    router.command("sysctl", "-qw", "net.ipv4.ip_forward=1").mustRun();
    int network = 0;
    for (Namespace end : List.of(client, server)) {
      String link = "veth" + network;
      end.connect("eth0", router, link);
      router.ip("address", "add", "198.51.100." + (network + 1) + "/30", "dev", link);
      end.ip("address", "add", "198.51.100." + (network + 2) + "/30", "dev", "eth0");
      end.ip("route", "add", "default", "via", "198.51.100." + (network + 1));
      network += 4;
    }
    return new Way(client, server, "198.51.100.6");
  }

  private void serve(Way way) throws IOException {
    for (List<String> program :
        List.of(List.of("iperf3", "-s"), List.of(PYTHON, "-c", ACCEPT, "" + PORT))) {
      servers.add(
          new ProcessBuilder(way.server().enter(program))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start());
    }
    Await.until(
        "both servers listen",
        PATIENCE_SECONDS,
        () -> {
          String listening = way.server().command("ss", "-Hltn").mustRun();
          return listening.contains(":5201 ") && listening.contains(":" + PORT + " ");
        });
  }

  /** One round of both, in turns who is first; the first round of all only warms up. */
  private static void measure(int round, Way ours, Way plain, Case into) throws IOException {
    List<Way> ways = new ArrayList<>(List.of(ours, plain));
    if (round % 2 != 0) {
      Collections.reverse(ways);
    }
    for (Way way : ways) {
      double throughput = throughput(way);
      if (round >= 0) {
        (way.equals(ours) ? into.throughput() : into.plainThroughput()).add(throughput);
      }
    }
    for (Way way : ways) {
      double connections = connections(way);
      if (round >= 0) {
        (way.equals(ours) ? into.connections() : into.plainConnections()).add(connections);
      }
    }
  }

  /** Returns Gbit/s that arrive. */
  private static double throughput(Way way) throws IOException {
    String json =
        way.client().command("iperf3", "-J", "-c", way.to(), "-t", IPERF_SECONDS).mustRun();
    return JsonParser.parseString(json)
            .getAsJsonObject()
            .getAsJsonObject("end")
            .getAsJsonObject("sum_received")
            .get("bits_per_second")
            .getAsDouble()
        / 1e9;
  }

  /** Returns connections per second, one after the other. */
  private static double connections(Way way) throws IOException {
    return Double.parseDouble(
        way.client()
            .command(PYTHON, "-c", CONNECT, way.to(), "" + PORT, CONNECT_SECONDS)
            .mustRun()
            .strip());
  }

  /** Adds endpoints of this node until there are so many; they need no interface. */
  private void addEndpoints(Datastore etcd, String node, int count) throws DatastoreException {
    List<Resource<?>> added = new ArrayList<>();
    for (; endpoints < count; endpoints++) {
      String network = "198.18." + endpoints / 250 + "." + (1 + endpoints % 250) + "/32";
      added.add(PopulatedCluster.endpoint(node, endpoints, network, List.of()));
    }
    put(etcd, added);
  }

  /** Adds policies until there are so many; none but the last one says anything about TCP. */
  private void addPolicies(Datastore etcd, int count) throws DatastoreException {
    List<Resource<?>> added = new ArrayList<>();
    if (count > 0) {
      added.add(policy("last", SELECTOR, 1e6, null));
    }
    for (; policies < count - 1; policies++) {
      added.add(policy("policy-" + policies, SELECTOR, 100, policies));
    }
    put(etcd, added);
  }

  private void removePolicies(Datastore etcd) throws DatastoreException {
    Transaction.Builder batch = Transaction.builder();
    if (policies > 0) {
      long unused =
          etcd.commit(
              Transaction.builder().delete(policy("last", SELECTOR, 0, 0).key().path()).build());
    }
    for (int i = 1; i <= policies; i++) {
      batch.delete(policy("policy-" + (i - 1), SELECTOR, 0, 0).key().path());
      if (i % BATCH == 0 || i == policies) {
        long unused = etcd.commit(batch.build());
        batch = Transaction.builder();
      }
    }
    policies = 0;
  }

  /** Returns a policy for both directions that allows all, or denies a UDP port. */
  private static Resource<PolicySpec> policy(
      String name, String selector, double order, @Nullable Integer port) {
    Rule rule =
        new Rule(
            port == null ? Rule.Action.Allow : Rule.Action.Deny,
            null,
            port == null ? null : Protocol.UDP,
            null,
            null,
            null,
            null,
            Rule.Peer.ANY,
            port == null ? Rule.Peer.ANY : ports(10_000 + port));
    return Resource.create(
        ResourceKind.GLOBAL_NETWORK_POLICY,
        Metadata.named(null, name),
        new PolicySpec(
            null,
            order,
            selector,
            null,
            null,
            List.of("Ingress", "Egress"),
            List.of(rule),
            List.of(rule),
            null,
            null,
            null));
  }

  private static Rule.Peer ports(int port) {
    return new Rule.Peer(
        List.of(),
        List.of(),
        null,
        null,
        null,
        List.of(PortMatch.parse(Integer.toString(port))),
        List.of(),
        null,
        null);
  }

  private static void put(Datastore etcd, List<Resource<?>> resources) throws DatastoreException {
    ResourceClient client = new ResourceClient(etcd);
    Transaction.Builder batch = Transaction.builder();
    int batched = 0;
    for (Resource<?> resource : resources) {
      batch.put(resource.key().path(), ResourceCodec.encode(client.prepareCreate(resource)));
      if (++batched % BATCH == 0 || batched == resources.size()) {
        long unused = etcd.commit(batch.build());
        batch = Transaction.builder();
      }
    }
  }

  /** Waits until what was written is in the kernel, where it comes in the order of the writes. */
  private void awaitInForce(Datastore etcd, TestHost host) throws DatastoreException, IOException {
    int marker = 40_000 + markers++;
    put(etcd, List.of(policy("marker", "app == 'app-2'", 1, marker - 10_000)));
    Await.until(
        "the rules are in force", PATIENCE_SECONDS, () -> host.rules().contains("dport " + marker));
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  private static List<Double> ratios(List<Double> ours, List<Double> plain) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < ours.size(); i++) {
      ratios.add(Math.round(1000 * ours.get(i) / plain.get(i)) / 1000.0);
    }
    return ratios;
  }

  private static void add(
      JsonObject result, String name, List<Double> ours, List<Double> plain, String unit) {
    List<Double> ratios = ratios(ours, plain);
    member(result, unit).addProperty(name, median(ours));
    member(result, unit).addProperty(name + ", plain", median(plain));
    member(result, "ratio").addProperty(name + ", " + unit, median(ratios));
    JsonArray spread = new JsonArray();
    spread.add(Collections.min(ratios));
    spread.add(Collections.max(ratios));
    member(result, "spread").add(name + ", " + unit, spread);
  }

  private static JsonObject member(JsonObject of, String name) {
    if (!of.has(name)) {
      of.add(name, new JsonObject());
    }
    return Objects.requireNonNull(of.getAsJsonObject(name));
  }

  private JsonObject json() {
    JsonObject result = new JsonObject();
    result.addProperty("benchmark", "forwarding");
    result.addProperty("rounds", rounds);
    cases.forEach(
        (name, measured) -> {
          add(result, name, measured.throughput(), measured.plainThroughput(), "gbit_s");
          add(result, name, measured.connections(), measured.plainConnections(), "connections_s");
        });
    return result;
  }

  private String table() {
    StringBuilder text =
        new StringBuilder(
            "medians of "
                + rounds
                + " rounds           Gbit/s    plain   ratio (from to)"
                + "       conn/s    plain   ratio (from to)\n");
    cases.forEach(
        (name, measured) -> {
          text.append(String.format(Locale.ROOT, "%-28s", name));
          row(text, measured.throughput(), measured.plainThroughput(), "%9.2f%9.2f");
          row(text, measured.connections(), measured.plainConnections(), "%12.0f%9.0f");
          text.append('\n');
        });
    return text.toString();
  }

  private static void row(
      StringBuilder text, List<Double> ours, List<Double> plain, String format) {
    List<Double> ratios = ratios(ours, plain);
    text.append(String.format(Locale.ROOT, format, median(ours), median(plain)))
        .append(
            String.format(
                Locale.ROOT,
                "%8.3f (%.3f %.3f)",
                median(ratios),
                Collections.min(ratios),
                Collections.max(ratios)));
  }
}
