package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.model.Resource;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.testbed.TestHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the start of a real calico-node costs in a cluster of isolated customers: each has an
 * endpoint, a profile and a policy, a hundred are on the agent's own node. Printed are the seconds
 * until the agent is ready, its processor time and its memory. The environment's {@code
 * CALICO_NODE_JAVA_OPTIONS} are the agent's. Must run in private namespaces: {@code ./bench start}.
 * Arguments: distribution, runs, json or table.
 */
public final class StartBenchmark {
  private static final int CUSTOMERS = 25_000;

  /** Etcd takes 128 changes in a transaction. */
  private static final int AT_ONCE = 120;

  private StartBenchmark() {}

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) throws Exception {
    Path state = Files.createTempDirectory("bench");
    TestHost host = TestHost.here(Path.of(arguments[0]), state);
    Map<String, List<Double>> figures = new TreeMap<>();
    try {
      host.startAgent();
      EtcdConfig config =
          EtcdConfig.fromEnvironment(LocalEtcd.complete(Map.of(), host.state().resolve("lib")));
      try (Datastore etcd = EtcdDatastore.connect(config)) {
        put(etcd, CalculationCluster.customers(CUSTOMERS, host.name()));
      }
      for (int run = 0; run < Integer.parseInt(arguments[1]); run++) {
        host.killAgent();
        add(figures, "ready s", AgentProcess.start(host));
        long pid = host.agentPid();
        add(figures, "CPU s", AgentProcess.cpuSeconds(pid));
        add(figures, "peak MB", AgentProcess.megabytes(pid, "VmHWM:"));
      }
    } finally {
      host.close();
    }
    if (arguments[2].equals("json")) {
      JsonObject json = new JsonObject();
      figures.forEach((name, samples) -> json.addProperty(name, median(samples)));
      System.out.println(json);
    } else {
      System.out.println(CUSTOMERS + " customers      median   (from to)");
      figures.forEach(
          (name, samples) ->
              System.out.printf(
                  "%-20s %8.2f   (%.2f %.2f)%n",
                  name, median(samples), Collections.min(samples), Collections.max(samples)));
    }
  }

  private static void add(Map<String, List<Double>> figures, String name, double value) {
    figures.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private static void put(Datastore etcd, List<Resource<?>> resources) throws DatastoreException {
    for (int from = 0; from < resources.size(); from += AT_ONCE) {
      Transaction.Builder transaction = Transaction.builder();
      for (Resource<?> each : resources.subList(from, Math.min(from + AT_ONCE, resources.size()))) {
        transaction.put(each.key().path(), ResourceCodec.encode(each));
      }
      long unused = etcd.commit(transaction.build());
    }
  }
}
