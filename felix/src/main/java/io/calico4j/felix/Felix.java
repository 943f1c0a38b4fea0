package io.calico4j.felix;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.KeyspaceSyncer;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftMonitor;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.DataplaneUpdate;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.config.FelixSources;
import io.calico4j.felix.config.LogSeverity;
import io.calico4j.felix.dataplane.nft.ForeignForwarding;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.dataplane.nft.NftCalls;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.felix.flowlog.FlowLog;
import io.calico4j.felix.rules.RulesetManager;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent that turns policy into rules: one watch over all resources, so that updates come in the
 * order in which they were written; a calculation; one nftables transaction. State is guarded by
 * this object's monitor.
 */
public final class Felix implements EndpointReadiness, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Felix.class);
  private static final int TICK_SECONDS = 1;

  /**
   * Chains and sets that nothing leads to are removed when no rule has changed for this time: while
   * containers come and go, the next one needs what the last one did.
   */
  private static final Duration QUIET = Duration.ofSeconds(5);

  /** They are removed after this time at the latest. */
  private static final Duration LONGEST_UNUSED = Duration.ofMinutes(5);

  /**
   * While another program keeps changing the table, writing it again takes a tenth of the time at
   * most, and begins ten times in a second at most.
   */
  private static final int REPAIR_SHARE = 10;

  private static final long REPAIR_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** How often the chains of other programs are looked at. */
  private static final Duration FOREIGN = Duration.ofSeconds(10);

  private final String node;
  private final FelixSources sources;
  private final Kernel kernel;
  private final NftCalls nft;
  private final WorkMeter meter = new WorkMeter();
  private final NftablesDataplane dataplane;
  private final ValidationFilter filter =
      new ValidationFilter(
          damage -> log.error("damaged, what it concerns is closed or left out: {}", damage));
  private final Calculation calculation;
  private final RulesetManager ruleset;
  private final CounterReader counters;
  private final FlowLog flowLog;
  private final ForeignChains foreignChains;
  private final RouteLoop routes;
  private final Forwarding forwarding;
  private Set<String> refusedAddresses = Set.of();
  private final KeyspaceSyncer syncer;
  private final ScheduledExecutorService timer = Daemons.timer("felix-timer");

  private final ProgrammedEndpoints programmed = new ProgrammedEndpoints();
  private volatile Consumer<LogSeverity> severity = unused -> {};
  private @Nullable FelixConfig resolved;
  private boolean parametersChanged;
  private boolean inSync;
  private boolean dirty;
  private boolean ready;
  private volatile boolean published;
  private volatile String refused = "";

  /** What the host's loopback interface has, as of the last look. */
  private Set<Cidr> hostLoopback = Set.of();

  /** Whether host endpoints have changed since the host's interfaces were read. */
  private boolean interfacesStale = true;

  /** Whether another program has changed the table since it was written last. */
  private boolean tableChanged;

  /** When the table may be written again for that reason, on the clock of System.nanoTime. */
  private long nextRepair = System.nanoTime();

  private long tableRepairs;
  private long unusedSince;
  private long lastApplied;
  private long foreignChecked;
  private long rulesRefreshed;
  private long routesRefreshed;
  private volatile long lastTick = System.nanoTime();

  /** How long a tick may take; 0 for ever. */
  private volatile long watchdogNanos = FelixConfig.DEFAULTS.watchdogTimeout().toNanos();

  /** The interfaces of host endpoints whose rules are in the kernel. */
  private Map<String, SortedSet<String>> hostEndpoints = Map.of();

  private final StatusLoop status;
  private final ConnectionPurge connections;
  private final NftMonitor monitor;

  /**
   * Makes a Felix; nothing is touched before {@link #start}.
   *
   * @param datastoreAddresses what etcd is reached by; no floating address takes them
   */
  public Felix(
      String node,
      Map<String, String> environment,
      Datastore datastore,
      Kernel kernel,
      Set<IpAddress> datastoreAddresses)
      throws KernelException {
    this.node = node;
    calculation = new Calculation(node, filter, datastoreAddresses);
    sources = FelixSources.ofHost(environment);
    this.kernel = kernel;
    connections = new ConnectionPurge(kernel);
    monitor = kernel.nftMonitor(NftablesDataplane.TABLE, new TableListener());
    nft = new NftCalls(new LibNftables(), kernel.nftSets());
    dataplane = new NftablesDataplane(nft, nft, monitor::generation, kernel::awaitPackets);
    foreignChains = new ForeignChains(new ForeignForwarding(nft, nft));
    ruleset = new RulesetManager(dataplane.table());
    counters = new CounterReader(ruleset.counters(), kernel);
    flowLog = new FlowLog(kernel, ruleset.denials());
    routes = new RouteLoop(kernel, this::routed, this::forwardingChanged);
    forwarding = new Forwarding(kernel);
    status = new StatusLoop(node, datastore, kernel, this::statusNow);
    syncer =
        new KeyspaceSyncer(
            datastore,
            List.of(ResourceKind.ROOT, IpamKeys.HOSTS),
            new KeyspaceSyncer.Listener() {
              @Override
              public void onResync() {
                meter.resync();
              }

              @Override
              public void onUpdate(String key, @Nullable Entry entry) {
                update(key, entry);
              }

              @Override
              public void onInSync() {
                meter.inSync();
                synchronized (Felix.this) {
                  inSync = true;
                  dirty = true;
                }
                apply();
              }

              @Override
              public void onQuiet() {
                apply();
              }
            });
  }

  /**
   * Sets the listener that is told how severe something must be to be logged, each time that it
   * changes.
   */
  public void onLogSeverity(Consumer<LogSeverity> listener) {
    severity = listener;
  }

  /** Begins to watch and to program. */
  public void start() throws KernelException {
    rulesRefreshed = System.nanoTime();
    hostLoopback = HostLoopback.networks(kernel);
    syncer.start();
    var unused =
        timer.scheduleWithFixedDelay(this::tick, TICK_SECONDS, TICK_SECONDS, TimeUnit.SECONDS);
    connections.start();
    status.start();
  }

  /** Hands what the monitor's thread hears to Felix' own. */
  private final class TableListener implements NftMonitor.Listener {
    @Override
    public void changed(int generation) {
      handOver(() -> tableChanged(dataplane.isForeign(generation)));
    }

    @Override
    public void lost() {
      handOver(() -> tableChanged(dataplane.mayBeForeign()));
    }
  }

  private void tableChanged(boolean foreign) {
    // Before the first snapshot there is nothing to put back: it replaces whatever is there.
    if (!foreign || !ready) {
      return;
    }
    boolean pending = tableChanged;
    tableChanged = true;
    long pause = nextRepair - System.nanoTime();
    if (pause <= 0) {
      apply();
    } else if (!pending) {
      var unused = timer.schedule(this::apply, pause, TimeUnit.NANOSECONDS);
    }
  }

  private void readHostLoopback() {
    try {
      Set<Cidr> networks = HostLoopback.networks(kernel);
      dirty |= !networks.equals(hostLoopback);
      hostLoopback = networks;
    } catch (KernelException e) {
      log.error("the addresses of the loopback interface are not known now: {}", e.getMessage());
    }
  }

  /** Reads the host's interfaces where a host endpoint is found by the addresses they have. */
  private void readHostInterfaces() {
    try {
      if (calculation.asksForInterfaces()) {
        dirty |=
            calculation.putInterfaces(HostInterfaces.read(kernel, config().excludedInterfaces()));
      }
      interfacesStale = false;
    } catch (KernelException e) {
      log.error("the addresses of the host's interfaces are not known now: {}", e.getMessage());
    }
  }

  private synchronized void update(String key, @Nullable Entry entry) {
    boolean known = calculation.localEndpoints().containsKey(key);
    long since = System.nanoTime();
    boolean concerned = calculation.update(key, entry);
    meter.updated(since);
    if (concerned) {
      dirty = true;
      interfacesStale |= key.startsWith(ResourceKind.HOST_ENDPOINT.prefix());
      if (key.startsWith(ResourceKind.FELIX_CONFIGURATION.prefix())) {
        resolved = null;
        interfacesStale = true;
      }
      if (known && entry != null) {
        routes.endpointsChanged();
      }
    }
  }

  /** Repairs, once in an interval each, what another program has changed; retries what failed. */
  private synchronized void tick() {
    long now = System.nanoTime();
    lastTick = now;
    FelixConfig config = config();
    if (isDue(rulesRefreshed, now, config.rulesRefreshInterval())) {
      rulesRefreshed = now;
      dataplane.invalidate();
      dirty = true;
    }
    readHostLoopback();
    readHostInterfaces();
    if (dirty || tableChanged) {
      apply();
    }
    removeUnused(now);
    if (ready && isDue(foreignChecked, now, FOREIGN)) {
      foreignChecked = now;
      foreignChains.look();
    }
    if (ready && isDue(routesRefreshed, now, config.routeRefreshInterval())) {
      routesRefreshed = now;
      routes.refresh();
    }
  }

  /** Enables forwarding again, which another program may have disabled. */
  private void forwardingChanged() {
    handOver(
        () -> {
          forwarding.invalidate();
          dirty = true;
          apply();
        });
  }

  /** Has something done on Felix' own thread. */
  private void handOver(Runnable task) {
    try {
      timer.execute(
          () -> {
            synchronized (this) {
              task.run();
            }
          });
    } catch (RejectedExecutionException e) {
      log.debug("felix is being closed", e);
    }
  }

  private void removeUnused(long now) {
    if (!dataplane.hasUnused()) {
      unusedSince = 0;
    } else if (unusedSince == 0) {
      unusedSince = now;
    } else if (isDue(lastApplied, now, QUIET) || isDue(unusedSince, now, LONGEST_UNUSED)) {
      unusedSince = 0;
      try {
        dataplane.removeUnused();
      } catch (NftException e) {
        dirty = true;
        log.error("rules could not be tidied, will try again: {}", e.getMessage());
      }
    }
  }

  private synchronized Optional<StatusLoop.Now> statusNow() {
    return !ready
        ? Optional.empty()
        : Optional.of(
            new StatusLoop.Now(
                config().status(),
                new EndpointStatuses(
                    localEndpoints(), programmed.keys(), hostEndpoints, calculation.bgpPeers())));
  }

  private static boolean isDue(long last, long now, Duration interval) {
    return !interval.isZero() && (last == 0 || now - last >= interval.toNanos());
  }

  /** Resolves the parameters again only after a FelixConfiguration has changed. */
  private FelixConfig config() {
    FelixConfig known = resolved;
    if (known == null) {
      known = sources.resolve(calculation.configurations());
      resolved = known;
      watchdogNanos = known.watchdogTimeout().toNanos();
      severity.accept(known.logs().severity());
      parametersChanged = true;
    }
    if (inSync && parametersChanged) {
      parametersChanged = false;
      sources.nameWithoutEffect(calculation.configurations());
    }
    return known;
  }

  /** Returns this node's endpoints as they are known now; none before the first snapshot. */
  public synchronized List<Resource<WorkloadEndpointSpec>> localEndpoints() {
    return ready ? List.copyOf(calculation.localEndpoints().values()) : List.of();
  }

  /**
   * Returns this node's endpoints as they are known now, with the labels of their profiles beside
   * their own; none before the first snapshot.
   */
  public synchronized List<Resource<WorkloadEndpointSpec>> labelledEndpoints() {
    return ready ? calculation.labelledEndpoints() : List.of();
  }

  /** Returns this node's endpoints with those floating addresses that are put in force. */
  private synchronized List<Resource<WorkloadEndpointSpec>> routed() {
    if (!ready) {
      return List.of();
    }
    return calculation.localEndpoints().entrySet().stream()
        .map(
            own ->
                own.getValue()
                    .withSpec(
                        own.getValue()
                            .spec()
                            .withIpNats(calculation.floatingAddresses(own.getKey()))))
        .toList();
  }

  private void reportRefused(Set<String> refused) {
    refused.stream()
        .filter(text -> !refusedAddresses.contains(text))
        .forEach(text -> log.error("{}", text));
    refusedAddresses = Set.copyOf(refused);
  }

  private synchronized void apply() {
    if (!inSync || !dirty && !tableChanged) {
      return;
    }
    if (interfacesStale) {
      readHostInterfaces();
    }
    if (interfacesStale) {
      // Without them an interface might be left open.
      refused = "rules are not programmed: the addresses of the host's interfaces are not known";
      return;
    }
    try {
      lastApplied = System.nanoTime();
      boolean repairs = tableChanged;
      if (repairs) {
        log.warn("another program has changed the table inet calico: it is written again");
        tableRepairs++;
        dataplane.invalidate();
      }
      ruleset.configure(flowLog.configure(config()));
      List<DataplaneUpdate> updates = calculation.flush();
      meter.told(updates);
      ruleset.accept(updates);
      routes.accept(updates, config().tunnels(), config().routes());
      ruleset.putLoopback(hostLoopback, calculation.nodeAddresses());
      counters.apply(dataplane);
      if (config().ipForwarding()) {
        forwarding.enable(calculation::usesIpv6);
      }
      reportRefused(calculation.refusedAddresses());
      if (repairs) {
        long now = System.nanoTime();
        tableChanged = false;
        nextRepair = now + Math.max(REPAIR_PAUSE_NANOS, REPAIR_SHARE * (now - lastApplied));
      }
      dirty = false;
      refused =
          dataplane.refused().isEmpty()
              ? ""
              : "the kernel refuses the rules of "
                  + dataplane.refused().stream().map(ruleset::ownerOf).toList()
                  + ": they are closed";
      Map<String, Long> done = new HashMap<>();
      Map<String, Resource<WorkloadEndpointSpec>> own = calculation.localEndpoints();
      own.forEach((key, endpoint) -> done.put(key, endpoint.revision()));
      connections.present(own.values());
      programmed.publish(done);
      meter.applied(lastApplied);
      hostEndpoints = calculation.hostEndpoints();
      status.applied();
      if (!ready) {
        ready = true;
        published = true;
        log.info("first snapshot is in the kernel, endpoints={}", done.size());
      }
    } catch (KernelException e) {
      meter.failed();
      refused = "forwarding could not be enabled: " + e.getMessage();
      log.error("forwarding could not be enabled, will try again: {}", e.getMessage());
    } catch (NftException e) {
      meter.failed();
      refused = "rules could not be programmed: " + e.getMessage();
      log.error("rules could not be programmed, will try again: {}", e.getMessage());
    }
  }

  @Override
  public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    return programmed.awaitProgrammed(endpoint, revision, timeout);
  }

  @Override
  public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout)
      throws InterruptedException {
    return programmed.awaitRemoved(endpoint, revision, timeout);
  }

  /** Tells whether the first snapshot has been put into the kernel. */
  public synchronized boolean isReady() {
    return ready;
  }

  /** Returns the damaged resources of the datastore: key to reason. */
  public Map<String, String> damaged() {
    return filter.damaged();
  }

  /** Returns how much it knows and has done; it may be asked often. */
  public synchronized FelixFigures figures() {
    return new FelixFigures(
        node,
        meter.figures(),
        calculation.figures(),
        dataplane.figures(),
        nft.figures(),
        routes.figures(),
        counters.counts());
  }

  /** Returns how often the table was written again because another program had changed it. */
  public synchronized long tableRepairs() {
    return tableRepairs;
  }

  /**
   * Returns how often a route, a neighbour or a setting of an interface was put back because
   * another program had changed it.
   */
  public long routeRepairs() {
    return routes.repairs();
  }

  /**
   * Says which rules or routes that were asked for are not in the kernel, and why; empty when all
   * are. Does not wait for the kernel.
   */
  public Optional<String> problem() {
    String rules = refused;
    if (!rules.isEmpty()) {
      return Optional.of(rules);
    }
    if (!published) {
      return Optional.of("the first snapshot is not in the kernel yet");
    }
    return routes.problem();
  }

  /** Tells whether Felix still works: its clock has ticked within the watchdog's time-out. */
  public boolean isAlive() {
    long timeout = watchdogNanos;
    return timeout == 0 || System.nanoTime() - lastTick < timeout;
  }

  /** Stops; the rules stay as they are. */
  @Override
  public void close() {
    monitor.close();
    flowLog.close();
    timer.shutdownNow();
    status.close();
    syncer.close();
    routes.close();
    connections.close();
    synchronized (this) {
      counters.close();
      dataplane.close();
    }
  }
}
