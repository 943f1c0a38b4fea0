package io.calico4j.node;

import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.datastore.etcd.EtcdConfig;
import io.calico4j.core.datastore.etcd.EtcdDatastore;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.endpoint.Janitor;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.linux.LinuxKernel;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.plugin.PluginServer;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.setting.Settings;
import io.calico4j.felix.DataplaneLock;
import io.calico4j.felix.Felix;
import io.calico4j.libnetwork.LibnetworkPlugin;
import io.calico4j.libnetwork.LibnetworkSettings;
import io.calico4j.mesos.AgentApi;
import io.calico4j.mesos.MesosReconciler;
import io.calico4j.node.address.HostAddress;
import io.calico4j.node.address.UdpReach;
import io.calico4j.node.bird.BirdManager;
import io.calico4j.node.bird.BirdSettings;
import io.calico4j.node.etcd.EmbeddedEtcd;
import io.calico4j.node.etcd.EtcdFileWatch;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.logging.Level;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent of a host. Starts in the order in which the parts need each other: datastore, initial
 * data, Felix, BIRD, and last the plugin server, so that no container is attached before its policy
 * can be enforced. On SIGTERM it stops in the reverse order and leaves the dataplane, bird and an
 * etcd of its own as they are.
 */
public final class CalicoNode implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CalicoNode.class);
  private static final int ETCD_START_SECONDS = 60;
  private static final int LOCK_SECONDS = 15;
  private static final int STOP_SECONDS = 20;

  private final NodeSettings settings;
  private final EndpointStep.Observer steps;
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private final Readiness readiness = own(new Readiness());

  private CalicoNode(NodeSettings settings, EndpointStep.Observer steps) {
    this.settings = settings;
    this.steps = steps;
  }

  /**
   * Runs the agent until it is told to stop; exits with 1 when it cannot start. With arguments,
   * does what they say and exits.
   */
  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length > 0) {
      System.exit(NodeCommand.run(List.of(arguments), System.getenv(), System.out, System.err));
    }
    LogStream.install();
    run(EndpointStep.Observer.NONE);
  }

  /** Runs the agent with an observer of the steps of attaching and detaching. */
  public static void run(EndpointStep.Observer steps) throws InterruptedException {
    LogLines.install(Level.INFO);
    FatalFailures failures = new FatalFailures();
    Thread.setDefaultUncaughtExceptionHandler(failures);
    CountDownLatch stopped = new CountDownLatch(1);
    try {
      Settings.check(NodeTables.ALL, System.getenv(), warning -> log.warn("{}", warning));
      CalicoNode node =
          new CalicoNode(NodeSettings.of(System.getenv(), hostAddresses(), new UdpReach()), steps);
      Runtime.getRuntime().addShutdownHook(stopper(Thread.currentThread(), failures, stopped));
      try {
        node.start(System.getenv());
        log.info("Calico node started successfully");
        new CountDownLatch(1).await();
      } finally {
        boolean unused = Thread.interrupted();
        node.close();
        stopped.countDown();
      }
    } catch (InterruptedException e) {
      log.info("calico-node was told to stop");
    } catch (IOException | DatastoreException | KernelException | IllegalArgumentException e) {
      log.error("calico-node cannot start: {}", e.getMessage());
      stopped.countDown();
      System.exit(1);
    }
  }

  private static List<HostAddress> hostAddresses() throws KernelException {
    try (Netlink netlink = new LinuxKernel().netlink()) {
      return HostAddress.read(netlink);
    }
  }

  /** Makes a hook that interrupts the main thread, wherever it waits, and waits for its end. */
  private static Thread stopper(Thread main, FatalFailures failures, CountDownLatch stopped) {
    return new Thread(
        () -> {
          failures.stopping();
          main.interrupt();
          try {
            boolean unused = stopped.await(STOP_SECONDS, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        },
        "shutdown");
  }

  private void start(Map<String, String> environment)
      throws IOException, DatastoreException, KernelException, InterruptedException {
    Optional<MesosSettings> mesos = MesosSettings.of(environment);
    Optional<LibnetworkSettings> docker = DockerSettings.of(environment);
    own(new HeapWatch());
    Files.createDirectories(settings.runDirectory());
    Files.createDirectories(settings.libDirectory());
    own(AgentPresence.take(settings.runDirectory(), Duration.ofSeconds(LOCK_SECONDS)));
    takeDataplane();
    Map<String, String> etcdEnvironment = etcdEnvironment(environment);
    EtcdConfig etcd = EtcdConfig.fromEnvironment(etcdEnvironment);
    Datastore datastore = own(EtcdDatastore.connect(etcd));
    ResourceClient resources = new ResourceClient(datastore);
    awaitDatastore(resources);
    new ClusterInitializer(resources, settings).run();
    describe(resources, etcd);
    StandaloneSettings.write(settings.libDirectory(), settings.node(), etcdEnvironment);

    Kernel kernel = new LinuxKernel();
    Set<IpAddress> etcdAddresses = etcd.addresses();
    Felix felix =
        own(new Felix(settings.node().text(), environment, datastore, kernel, etcdAddresses));
    felix.onLogSeverity(LogLines::setSeverity);
    readiness.add("Felix", felix::problem);
    readiness.showDamaged(felix::damaged);
    Map<String, BooleanSupplier> living = Map.of("Felix", felix::isAlive);
    NodeRegistration registration = own(new NodeRegistration(resources, settings.node()));
    readiness.add("Datastore", registration::datastoreProblem);
    readiness.add("Node", registration::nodeProblem);
    AtomicReference<Supplier<Optional<String>>> plugins =
        new AtomicReference<>(() -> Optional.of("calico-node is still starting"));
    readiness.add("PluginServer", () -> Objects.requireNonNull(plugins.get()).get());
    List<BirdManager> birds = new ArrayList<>();
    if (settings.bird()) {
      BirdManager bird = own(new BirdManager(datastore, birdSettings(), felix::labelledEndpoints));
      readiness.add("Bird", bird::problem);
      birds.add(bird);
      bird.start();
    }
    HealthServer health =
        own(new HealthServer(settings.healthHost(), settings.healthPort(), living, readiness));
    registration.start();
    felix.start();
    TakeOver.nameRemains();

    Ipam ipam = own(Ipam.watching(datastore, settings.node()));
    TunnelAddressKeeper tunnels = own(new TunnelAddressKeeper(datastore, ipam));
    readiness.add("Tunnels", tunnels::problem);
    tunnels.start();
    NodeMaintenance maintenance = own(new NodeMaintenance(kernel, ipam, settings));
    maintenance.start();
    EndpointService endpoints =
        own(
            new EndpointService(
                datastore,
                kernel,
                felix,
                ipam,
                StandaloneSettings.endpoints(
                    EndpointSettings.forAgent(maintenance::mtu)
                        .withDatastoreAddresses(etcdAddresses),
                    environment),
                steps));
    PrometheusRegistry registry = new PrometheusRegistry();
    PluginMetrics metrics = new PluginMetrics(registry);
    PluginServer server =
        own(
            new PluginServer(
                settings.runDirectory().resolve("plugin.sock"),
                metrics.counting(Plugins.of(endpoints, ipam, kernel, resources, true))));
    while (!felix.isReady()) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    StaleConnections.delete(kernel, ipam);
    server.start();
    maintenance.clean(
        new Janitor(endpoints, Plugins.orchestrators(settings.rktDirectory())),
        felix::localEndpoints);
    Metrics.register(registry, felix, endpoints);
    birds.forEach(bird -> BirdMetrics.register(registry, bird::sessions));
    if (mesos.isPresent()) {
      MesosMaintenance reconciling =
          own(
              new MesosMaintenance(
                  new MesosReconciler(
                      new AgentApi(mesos.get().access()),
                      endpoints,
                      felix::localEndpoints,
                      resources,
                      ipam,
                      Duration.ofSeconds(mesos.get().graceSeconds())),
                  mesos.get(),
                  registry));
      reconciling.start();
      health.page("/mesos", reconciling::page);
    }
    if (docker.isPresent()) {
      LibnetworkPlugin plugin =
          own(
              new LibnetworkPlugin(
                  docker.get(),
                  resources,
                  kernel,
                  felix,
                  endpoints,
                  ipam,
                  felix::localEndpoints,
                  maintenance::mtu,
                  new DockerMetrics(registry)));
      plugin.start();
      readiness.add("Docker", plugin::problem);
      DockerMetrics.register(registry, plugin);
      health.page("/docker", () -> DockerMetrics.page(plugin));
    }
    own(new MetricsServer(health, environment, registry));
    MesosAttributes.write(settings.runDirectory(), settings.node());
    plugins.set(server::problem);
    readiness.begin();
  }

  private void describe(ResourceClient resources, EtcdConfig etcd) throws DatastoreException {
    List<String> pools =
        resources.list(ResourceKind.IP_POOL, ValidationFilter.silent()).stream()
            .map(pool -> pool.metadata().name() + " " + pool.spec().cidr())
            .toList();
    log.info(
        "{} node={} {} AS={} etcd={} pools={}",
        NodeCommand.version(),
        settings.node(),
        settings.addresses(),
        settings.asNumber().isEmpty() ? "the cluster's" : settings.asNumber(),
        etcd.endpoints(),
        pools);
  }

  private void takeDataplane() throws IOException, InterruptedException {
    Path file = settings.runDirectory().resolve(StandaloneSettings.DATAPLANE_LOCK);
    own(
        DataplaneLock.take(file, Duration.ofSeconds(LOCK_SECONDS))
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        file + " is held: another calico-node runs on this host, stop it first")));
  }

  private Map<String, String> etcdEnvironment(Map<String, String> environment)
      throws IOException, InterruptedException {
    if (!settings.embeddedEtcd()) {
      return environment;
    }
    EmbeddedEtcd etcd =
        own(
            new EmbeddedEtcd(
                settings.node(),
                settings.libDirectory(),
                settings.runDirectory(),
                EtcdSettings.CLIENT_PORT.read(environment),
                EtcdSettings.PEER_PORT.read(environment),
                EtcdSettings.QUOTA.read(environment)));
    etcd.start();
    Map<String, String> variables = etcd.variables(environment);
    EtcdFileWatch file =
        own(
            new EtcdFileWatch(
                EtcdConfig.fromEnvironment(variables), EtcdSettings.QUOTA.read(environment)));
    readiness.add("Etcd", () -> etcd.problem().or(file::problem));
    return variables;
  }

  private BirdSettings birdSettings() {
    Path run = settings.runDirectory();
    return new BirdSettings(
        settings.node(),
        run,
        List.of(
            "bird",
            "-f",
            "-R",
            "-c",
            run.resolve("bird.cfg").toString(),
            "-s",
            run.resolve("bird.ctl").toString(),
            "-P",
            run.resolve("bird.pid").toString()),
        settings.routerId(),
        settings.secrets());
  }

  private void awaitDatastore(ResourceClient resources)
      throws DatastoreException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(ETCD_START_SECONDS);
    boolean told = false;
    while (true) {
      try {
        var unused = resources.get(ResourceKind.CLUSTER_INFORMATION, "", "default");
        return;
      } catch (InvalidResourceException e) {
        return; // It has answered.
      } catch (DatastoreException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        if (System.nanoTime() > deadline) {
          throw e;
        }
        if (!told) {
          told = true;
          log.info("waiting for the datastore: {}", e.getMessage());
        }
        readiness.tellAtOnce("Etcd");
        TimeUnit.MILLISECONDS.sleep(200);
      }
    }
  }

  private <T extends AutoCloseable> T own(T part) {
    parts.push(part);
    return part;
  }

  /** Stops every part, newest first; rules, routes and links stay. */
  @Override
  public void close() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) {
        log.warn("{} did not stop cleanly: {}", part.getClass().getSimpleName(), e.toString());
      }
    }
  }
}
