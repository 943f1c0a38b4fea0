package io.calico4j.testbed;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/**
 * The demo of {@code ./quickstart}: three hosts, a router, Mesos tasks and rkt pods. Arguments:
 * distribution, state directory, and any of {@code keep} and {@code json}. Exits with 0 only when
 * every step showed what it had to; prints the steps on standard error.
 */
public final class Quickstart {
  private static final String POLICY =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: task1}
      spec:
        selector: app == 'task1'
        types: [Ingress]
        ingress:
          - {action: Allow, source: {selector: has(calico)}}
      """;

  private final Path state;
  private final Testbed testbed;
  private final List<Workload> workloads = new ArrayList<>();
  private final JsonArray steps = new JsonArray();
  private boolean failed;

  private Quickstart(Path distribution, Path state) throws IOException {
    this.state = state;
    testbed = new Testbed(distribution, state);
  }

  /** Runs the demo. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    List<String> options = List.of(arguments);
    long start = System.nanoTime();
    Quickstart demo = new Quickstart(Path.of(arguments[0]), Path.of(arguments[1]));
    boolean keep = options.contains("keep");
    demo.run(keep);
    String total = seconds(start);
    print(
        demo.failed
            ? "FAILED: see the steps above; the logs are below " + demo.state
            : "all steps showed what they had to, in " + total + " s");
    if (options.contains("json")) {
      JsonObject result = new JsonObject();
      result.addProperty("ok", !demo.failed);
      result.addProperty("seconds", Double.valueOf(total));
      result.add("steps", demo.steps);
      System.out.println(result);
    }
    if (keep) {
      print("cluster-is-up");
      new CountDownLatch(1).await();
    }
    System.exit(demo.failed ? 1 : 0);
  }

  private static void print(String text) {
    System.err.println(text);
  }

  private static String seconds(long start) {
    return String.format(Locale.ROOT, "%.1f", (System.nanoTime() - start) / 1e9);
  }

  /** Something a step shows; an exception is its failure. */
  private interface Step {
    void show() throws IOException;
  }

  private void step(String name, Step step) {
    print("==> " + name);
    long start = System.nanoTime();
    boolean good = true;
    try {
      step.show();
    } catch (IOException | IllegalStateException e) {
      good = false;
      print("    " + e.getMessage());
    }
    String took = seconds(start);
    print((good ? "    done in " : "    FAILED after ") + took + " s");
    JsonObject result = new JsonObject();
    result.addProperty("step", name);
    result.addProperty("ok", good);
    result.addProperty("seconds", Double.valueOf(took));
    steps.add(result);
    failed |= !good;
  }

  private void run(boolean keep) throws IOException {
    EtcdProcess[] etcd = new EtcdProcess[1];
    step(
        "a network of three hosts, a router and etcd",
        () -> {
          etcd[0] = testbed.startEtcd();
          testbed.addRouter();
          var unused1 = testbed.addHost("h1", 11, "64512");
          var unused2 = testbed.addHost("h2", 12, "64512");
          var unused3 = testbed.addFarHost("h3", 13, "64513");
          testbed.startRouting();
        });
    step("calico-node on each host: Felix, plugin server, bird", this::startAgents);
    step("BGP peers: every host with the router", this::addPeers);
    step("workloads: a Mesos task and an rkt pod on each host", this::startWorkloads);
    step("routes travel: every host and the router know every block", this::awaitRoutes);
    step("who reaches whom, by the networks alone", () -> matrix(Quickstart::sameNetwork));
    step(
        "a policy: only rkt pods may reach task1",
        () -> {
          apply(POLICY);
          matrix(Quickstart::withPolicy);
        });
    step("h1's agent is killed with SIGKILL and started again", this::killAgent);
    if (!keep) {
      step(
          "everything is deleted, and nothing is left",
          () -> {
            for (Workload workload : workloads) {
              host(workload).delete(workload);
            }
            for (TestHost host : testbed.hosts()) {
              host.mustBeClean();
            }
            Testbed.mustBeClean(etcd[0]);
          });
    }
  }

  private TestHost host(Workload workload) {
    int number = workload.name().charAt(workload.name().length() - 1) - '1';
    return testbed.hosts().get(number);
  }

  private void startAgents() throws IOException {
    testbed.hosts().get(0).startAgent();
    for (TestHost host : testbed.hosts().subList(1, testbed.hosts().size())) {
      host.beginAgent();
    }
    for (TestHost host : testbed.hosts()) {
      host.awaitReady();
    }
  }

  private void apply(String documents) throws IOException {
    Command.Outcome outcome = testbed.hosts().get(0).calicoctl(documents, "apply", "-f", "-");
    print("    " + outcome.output().strip());
    if (outcome.exitCode() != 0) {
      throw new IOException("calicoctl apply ended with " + outcome.exitCode());
    }
  }

  private void addPeers() throws IOException {
    StringBuilder peers = new StringBuilder();
    for (TestHost host : testbed.hosts()) {
      peers.append(
          """
          ---
          apiVersion: projectcalico.org/v3
          kind: BGPPeer
          metadata: {name: router-%s}
          spec: {node: %s, peerIP: %s, asNumber: %d}
          """
              .formatted(host.name(), host.name(), host.gateway(), Router.AS));
    }
    apply(peers.toString());
  }

  private void startWorkloads() throws IOException {
    for (TestHost host : testbed.hosts()) {
      String number = host.name().substring(1);
      String task = "task" + number;
      for (Workload workload :
          List.of(
              host.start(task, Orchestrator.MESOS, "calico-net", Map.of("app", task)),
              host.start("pod" + number, Orchestrator.RKT, "calico", Map.of()))) {
        print("    " + workload.name() + " on " + host.name() + " has " + workload.address());
        workloads.add(workload);
      }
    }
  }

  private void awaitRoutes() throws IOException {
    List<Namespace> places = new ArrayList<>(List.of(new Namespace("router")));
    testbed.hosts().forEach(host -> places.add(host.namespace()));
    for (Namespace place : places) {
      Await.until(
          place.name() + " has a route from BGP to each of three blocks",
          30,
          () ->
              place
                      .ip("route", "show", "proto", "bird")
                      .lines()
                      .filter(route -> route.matches("(blackhole )?10\\.65\\..*"))
                      .count()
                  >= testbed.hosts().size());
    }
  }

  private void matrix(ConnectivityMatrix.Expectation expectation) throws IOException {
    ConnectivityMatrix matrix = ConnectivityMatrix.probe(workloads);
    print(matrix.table().indent(4).stripTrailing());
    List<String> differences = matrix.differences(expectation);
    if (workloads.isEmpty() || !differences.isEmpty()) {
      throw new IOException(
          workloads.isEmpty() ? "there are no workloads" : String.join("; ", differences));
    }
  }

  private static boolean sameNetwork(Workload from, Workload to) {
    return from.network().equals(to.network());
  }

  private static boolean withPolicy(Workload from, Workload to) {
    return to.name().equals("task1")
        ? from.orchestrator() == Orchestrator.RKT
        : sameNetwork(from, to);
  }

  private void killAgent() throws IOException {
    if (workloads.size() != 2 * testbed.hosts().size()) {
      throw new IOException("not all workloads are there");
    }
    Workload pod3 = workloads.get(workloads.size() - 1);
    TestHost first = testbed.hosts().get(0);
    try (LongConnection connection = new LongConnection(pod3, workloads.get(0), state)) {
      first.killAgent();
      if (first.isReady()) {
        throw new IOException("the agent still answers");
      }
      connection.mustGoOn();
      matrix(Quickstart::withPolicy);
      first.startAgent();
      connection.mustGoOn();
      matrix(Quickstart::withPolicy);
      connection.mustGoOn();
      print("    the connection from pod3 to task1 has carried " + connection.lines() + " lines");
    }
  }
}
