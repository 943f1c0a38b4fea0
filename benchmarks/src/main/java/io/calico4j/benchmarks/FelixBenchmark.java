package io.calico4j.benchmarks;

import com.google.gson.JsonObject;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.kernel.NftMonitor;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NetworkSetSpec;
import io.calico4j.core.model.PolicySpec;
import io.calico4j.core.model.PortMatch;
import io.calico4j.core.model.Protocol;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.Rule;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.testbed.TestHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How long a change of the datastore takes into the kernel: from etcd's acknowledgement of a write
 * to the notification that nftables has committed what follows from it, with a real etcd and a real
 * calico-node, in clusters of 10, 1,000 and 10,000 endpoints on other nodes. Beside it, from the
 * same writes, when a watch of the benchmark's own hears of them: the part that is etcd's. Either
 * may come before the acknowledgement does, and is negative then; so both are also measured from
 * the moment when the write is sent. The agent is started anew for each size; what that takes, and
 * its memory, are printed too. Must run in private namespaces: {@code ./bench felix}. Arguments:
 * distribution, runs, json or table.
 *
 * <p>The periodic writing of the whole table is switched off: its transaction could not be told
 * from the one that is waited for.
 */
public final class FelixBenchmark {
  private static final int[] SIZES = {10, 1_000, PopulatedCluster.REMOTE};

  /** Changes of each kind before those that count. */
  private static final int WARM_UP = 20;

  /** Selectors that the label's change concerns: it leaves one half and enters the other. */
  private static final int SELECTORS = 100;

  /** Networks of the network set. */
  private static final int NETWORKS = 100;

  /** Local applications whose policies or endpoints the changes are about; one for each. */
  private static final int RULE_APP = 3;

  private static final int NETWORK_APP = 4;
  private static final int LABEL_APP = 5;
  private static final int NEW_APP = 6;

  /** Remote endpoints: their applications are let in to local ones. */
  private static final int LABEL_ENDPOINT = 1;

  private static final int ADDRESS_ENDPOINT = 2;
  private static final String GROUP = "group";

  /** No transaction for so long before a change: the next one belongs to it. */
  private static final long QUIET_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Path distribution;
  private final Path state;
  private final int runs;
  private final Map<Integer, Map<String, Latency>> latencies = new TreeMap<>();
  private final Map<Integer, Map<String, Double>> agent = new TreeMap<>();

  private FelixBenchmark(Path distribution, Path state, int runs) {
    this.distribution = distribution;
    this.state = state;
    this.runs = runs;
  }

  /** Runs the benchmark and prints its table, or one JSON object. */
  public static void main(String[] arguments) throws Exception {
    FelixBenchmark benchmark =
        new FelixBenchmark(
            Path.of(arguments[0]),
            Files.createTempDirectory("bench"),
            Integer.parseInt(arguments[1]));
    benchmark.run();
    System.out.println(
        arguments[2].equals("json") ? benchmark.json().toString() : benchmark.table());
  }

  private void run() throws Exception {
    TestHost host = TestHost.here(distribution, state);
    host.set("CALICO_JANITOR_SECONDS", "60");
    host.set("FELIX_NFTABLESREFRESHINTERVAL", "0");
    host.startAgent();
    EtcdConfig config =
        EtcdConfig.fromEnvironment(LocalEtcd.complete(Map.of(), host.state().resolve("lib")));
    TableEvents table = new TableEvents();
    WatchEvents events = new WatchEvents();
    NftMonitor monitor = new LinuxKernel().nftMonitor(NftablesDataplane.TABLE, table);
    try (Datastore etcd = EtcdDatastore.connect(config);
        Datastore watching = EtcdDatastore.connect(config)) {
      PopulatedCluster cluster = new PopulatedCluster(etcd);
      cluster.putPolicies();
      cluster.putLocal(host.name());
      Changes changes = new Changes(etcd, host.name());
      long revision = etcd.list(ResourceKind.TIER.prefix()).revision();
      Datastore.Watch own = watching.watch(ResourceKind.ROOT, revision + 1, events);
      for (int size : SIZES) {
        System.err.println("felix: " + size + " remote endpoints");
        cluster.growTo(size);
        changes.find();
        host.killAgent();
        Map<String, Double> figures = new LinkedHashMap<>();
        agent.put(size, figures);
        figures.put("ready s", AgentProcess.start(host));
        long pid = host.agentPid();
        figures.put("CPU s until ready", AgentProcess.cpuSeconds(pid));
        measure(size, etcd, changes, table, events);
        figures.put("CPU s until the end", AgentProcess.cpuSeconds(pid));
        figures.put("peak MB", AgentProcess.megabytes(pid, "VmHWM:"));
        figures.put("present MB", AgentProcess.megabytes(pid, "VmRSS:"));
      }
      own.close();
    } finally {
      monitor.close();
      host.close();
    }
  }

  private void measure(
      int size, Datastore etcd, Changes changes, TableEvents table, WatchEvents events)
      throws DatastoreException, IOException, InterruptedException {
    Map<String, Latency> taken = new LinkedHashMap<>();
    Latency heard = new Latency();
    latencies.put(size, taken);
    events.forget();
    for (Kind kind : changes.kinds()) {
      Latency latency = new Latency();
      taken.put(kind.name(), latency);
      for (int i = -Math.min(WARM_UP, runs); i < runs; i++) {
        Transaction change = kind.change().prepare();
        table.awaitQuiet();
        long sent = System.nanoTime();
        long revision = etcd.commit(change);
        long acknowledged = System.nanoTime();
        long committed = table.awaitAfter(sent, kind.name());
        long event = events.await(revision);
        if (i >= 0) {
          latency.add(sent, acknowledged, committed);
          heard.add(sent, acknowledged, event);
        }
        Step undo = kind.undo();
        if (undo != null) {
          change = undo.prepare();
          table.awaitQuiet();
          sent = System.nanoTime();
          long unused = etcd.commit(change);
          long unusedTime = table.awaitAfter(sent, "the end of " + kind.name());
        }
      }
    }
    taken.put("etcd's watch", heard);
  }

  /** How long after a write something came. */
  private static final class Latency {
    final Samples sinceAcknowledged = new Samples();
    final Samples sinceSent = new Samples();

    void add(long sent, long acknowledged, long came) {
      sinceAcknowledged.add(came - acknowledged);
      sinceSent.add(came - sent);
    }
  }

  /** Hears of the table's transactions. */
  private static final class TableEvents implements NftMonitor.Listener {
    private final List<Long> times = new ArrayList<>();
    private boolean lost;

    @Override
    public synchronized void changed(int generation) {
      times.add(System.nanoTime());
      notifyAll();
    }

    @Override
    public synchronized void lost() {
      lost = true;
      times.add(System.nanoTime());
      notifyAll();
    }

    /** Waits until no transaction has come for a while, and forgets all. */
    synchronized void awaitQuiet() throws InterruptedException {
      long since = System.nanoTime();
      while (true) {
        for (long time : times) {
          since = Math.max(since, time);
        }
        times.clear();
        long left = QUIET_NANOS - (System.nanoTime() - since);
        if (left <= 0) {
          lost = false;
          return;
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
    }

    /** Returns when the first transaction after a moment was committed. */
    synchronized long awaitAfter(long moment, String what)
        throws IOException, InterruptedException {
      while (true) {
        if (lost) {
          throw new IOException("notifications of nftables were lost during " + what);
        }
        for (long time : times) {
          if (time > moment) {
            return time;
          }
        }
        long left = PATIENCE_NANOS - (System.nanoTime() - moment);
        if (left <= 0) {
          throw new IOException("no transaction of nftables follows from " + what);
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
    }
  }

  /** Hears of etcd's events by a watch, as the agent does by its own. */
  private static final class WatchEvents implements Datastore.WatchListener {
    private final Map<Long, Long> times = new TreeMap<>();
    private String end = "";

    @Override
    public synchronized void onPut(Entry entry) {
      times.putIfAbsent(entry.revision(), System.nanoTime());
      notifyAll();
    }

    @Override
    public void onDelete(String key, long revision) {
      // Only puts are measured.
    }

    @Override
    public synchronized void onEnd(DatastoreException cause) {
      end = cause.toString();
      notifyAll();
    }

    synchronized void forget() {
      times.clear();
    }

    synchronized long await(long revision) throws IOException, InterruptedException {
      long begun = System.nanoTime();
      while (true) {
        Long time = times.get(revision);
        if (time != null) {
          return time;
        }
        long left = PATIENCE_NANOS - (System.nanoTime() - begun);
        if (!end.isEmpty() || left <= 0) {
          throw new IOException("the watch does not tell of revision " + revision + " " + end);
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
    }
  }

  /** One change. */
  private interface Step {
    /** Returns what is to be written; each call changes something. */
    Transaction prepare();
  }

  /**
   * A kind of change.
   *
   * @param change what is measured
   * @param undo what is done after it and is not measured; null for nothing
   */
  private record Kind(String name, Step change, @Nullable Step undo) {}

  /** The changes, and the resources of their own that they need. */
  private static final class Changes {
    private final ResourceClient resources;
    private final String node;
    private Resource<PolicySpec> policy;
    private Resource<NetworkSetSpec> networks;
    private Resource<WorkloadEndpointSpec> labelled;
    private Resource<WorkloadEndpointSpec> addressed;
    private Resource<WorkloadEndpointSpec> added;
    private int number;

    /** Writes what must be there; the local endpoints and the policies must be there already. */
    Changes(Datastore datastore, String node) throws DatastoreException {
      resources = new ResourceClient(datastore);
      this.node = node;
      policy =
          resources.create(
              PopulatedCluster.policy(
                  "measured-rule", PopulatedCluster.app(RULE_APP), List.of(rule(0))));
      networks =
          resources.create(
              Resource.create(
                  ResourceKind.GLOBAL_NETWORK_SET,
                  Metadata.named(null, "measured").withLabels(Map.of("role", "measured")),
                  networkSet(0)));
      var unusedNetworks =
          resources.create(
              PopulatedCluster.policy(
                  "measured-networks",
                  PopulatedCluster.app(NETWORK_APP),
                  List.of(PopulatedCluster.allowFrom("role == 'measured'"))));
      List<Rule> rules = new ArrayList<>();
      for (int i = 0; i < SELECTORS; i++) {
        rules.add(
            PopulatedCluster.allowFrom(
                "%s == '%s' && app != 'none-%d'".formatted(GROUP, group(i), i)));
      }
      var unusedLabels =
          resources.create(
              PopulatedCluster.policy(
                  "measured-labels", PopulatedCluster.app(LABEL_APP), List.copyOf(rules)));
      labelled = PopulatedCluster.endpoint(node, NEW_APP, "198.19.0.1/32", List.of());
      addressed = labelled;
      added = labelled;
    }

    /** Reads the remote endpoints that are changed, which are of the smallest cluster. */
    void find() throws DatastoreException {
      labelled = remote(LABEL_ENDPOINT);
      addressed = remote(ADDRESS_ENDPOINT);
    }

    private Resource<WorkloadEndpointSpec> remote(int endpoint) throws DatastoreException {
      return resources
          .get(
              ResourceKind.WORKLOAD_ENDPOINT,
              "default",
              PopulatedCluster.endpointName(PopulatedCluster.remoteNode(endpoint), endpoint))
          .orElseThrow();
    }

    /** The one that leaves rules behind, which are tidied away in time, comes last. */
    List<Kind> kinds() {
      return List.of(
          new Kind("policy rule", this::changeRule, null),
          new Kind("network set", this::changeNetworks, null),
          new Kind("label, 100 selectors", this::changeLabel, null),
          new Kind("remote address", this::changeAddress, null),
          new Kind("new local endpoint", this::addEndpoint, this::removeEndpoint));
    }

    private static Transaction put(Resource<?> resource) {
      return Transaction.builder()
          .put(resource.key().path(), ResourceCodec.encode(resource))
          .build();
    }

    private Transaction changeRule() {
      PolicySpec before = policy.spec();
      policy =
          policy.withSpec(
              new PolicySpec(
                  before.tier(),
                  before.order(),
                  before.selector(),
                  before.namespaceSelector(),
                  before.serviceAccountSelector(),
                  before.types(),
                  List.of(rule(++number)),
                  before.egress(),
                  before.doNotTrack(),
                  before.preDNAT(),
                  before.applyOnForward()));
      return put(policy);
    }

    private Transaction changeNetworks() {
      networks = networks.withSpec(networkSet(++number));
      return put(networks);
    }

    private Transaction changeLabel() {
      Map<String, String> labels = new TreeMap<>(labelled.metadata().labels());
      labels.put(GROUP, group(++number));
      if (labels.equals(labelled.metadata().labels())) {
        labels.put(GROUP, group(++number));
      }
      labelled = labelled.withMetadata(labelled.metadata().withLabels(labels));
      return put(labelled);
    }

    private Transaction changeAddress() {
      addressed =
          addressed.withSpec(
              PopulatedCluster.endpoint(
                      addressed.spec().node(),
                      ADDRESS_ENDPOINT,
                      address(++number),
                      addressed.spec().profiles())
                  .spec());
      return put(addressed);
    }

    private Transaction addEndpoint() {
      int free = ++number * PopulatedCluster.POLICIES + NEW_APP;
      added =
          resources.prepareCreate(
              PopulatedCluster.endpoint(
                  node, PopulatedCluster.REMOTE * 2 + free, address(number), List.of()));
      return put(added);
    }

    private Transaction removeEndpoint() {
      return Transaction.builder().delete(added.key().path()).build();
    }

    private static String group(int number) {
      return number % 2 == 0 ? "even" : "odd";
    }

    private static String address(int number) {
      return "198.18." + number / 250 % 250 + "." + (1 + number % 250) + "/32";
    }

    private static Rule rule(int number) {
      Rule.Peer port =
          new Rule.Peer(
              List.of(),
              List.of(),
              null,
              null,
              null,
              List.of(PortMatch.parse(Integer.toString(1_000 + number % 10_000))),
              List.of(),
              null,
              null);
      return new Rule(
          Rule.Action.Allow, null, Protocol.TCP, null, null, null, null, Rule.Peer.ANY, port);
    }

    /** Returns networks of which the last one is another one for each number. */
    private static NetworkSetSpec networkSet(int number) {
      List<String> nets = new ArrayList<>();
      for (int i = 1; i < NETWORKS; i++) {
        nets.add("172.16." + i + ".0/24");
      }
      nets.add("172.17." + number % 250 + ".0/24");
      return new NetworkSetSpec(nets);
    }
  }

  private JsonObject json() {
    JsonObject milliseconds = new JsonObject();
    latencies.forEach(
        (size, kinds) ->
            kinds.forEach(
                (name, latency) -> {
                  add(milliseconds, size + " " + name, latency.sinceAcknowledged);
                  add(milliseconds, size + " " + name + ", since sent", latency.sinceSent);
                }));
    JsonObject agents = new JsonObject();
    agent.forEach(
        (size, figures) ->
            figures.forEach((name, figure) -> agents.addProperty(size + " " + name, figure)));
    JsonObject result = new JsonObject();
    result.addProperty("benchmark", "felix");
    result.addProperty("runs", runs);
    result.add("ratio", ratios(latency -> latency.sinceAcknowledged));
    result.add("ratio_since_sent", ratios(latency -> latency.sinceSent));
    result.add("milliseconds", milliseconds);
    result.add("agent", agents);
    return result;
  }

  private static void add(JsonObject to, String name, Samples samples) {
    to.addProperty(name + " p50", samples.percentile(0.5));
    to.addProperty(name + " p99", samples.percentile(0.99));
  }

  /**
   * Returns the quotients of the largest and the smallest cluster; none of what is not positive.
   */
  private JsonObject ratios(Function<Latency, Samples> since) {
    JsonObject ratios = new JsonObject();
    Map<String, Latency> large =
        Objects.requireNonNull(latencies.get(SIZES[SIZES.length - 1]), "largest");
    Objects.requireNonNull(latencies.get(SIZES[0]), "smallest")
        .forEach(
            (name, latency) -> {
              double small = since.apply(latency).percentile(0.5);
              double big = since.apply(Objects.requireNonNull(large.get(name))).percentile(0.5);
              if (small > 0 && big > 0) {
                ratios.addProperty(name, Math.round(1000 * big / small) / 1000.0);
              }
            });
    return ratios;
  }

  private String table() {
    StringBuilder text =
        new StringBuilder(
            "ms                             acknowledged to kernel     sent to kernel\n"
                + "remote  change                      p50       p99       p50       p99\n");
    latencies.forEach(
        (size, kinds) ->
            kinds.forEach(
                (name, latency) ->
                    text.append(
                        String.format(
                            Locale.ROOT,
                            "%6d  %-20s %9.2f %9.2f %9.2f %9.2f%n",
                            size,
                            name,
                            latency.sinceAcknowledged.percentile(0.5),
                            latency.sinceAcknowledged.percentile(0.99),
                            latency.sinceSent.percentile(0.5),
                            latency.sinceSent.percentile(0.99)))));
    text.append("\nremote  the agent\n");
    agent.forEach(
        (size, figures) ->
            figures.forEach(
                (name, figure) ->
                    text.append(
                        String.format(Locale.ROOT, "%6d  %-20s %9.2f%n", size, name, figure))));
    JsonObject json = json();
    text.append("p50 at 10,000 / p50 at 10, since acknowledged: ").append(json.get("ratio"));
    text.append("\np50 at 10,000 / p50 at 10, since sent: ").append(json.get("ratio_since_sent"));
    return text.toString();
  }
}
