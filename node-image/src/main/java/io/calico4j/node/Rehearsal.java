package io.calico4j.node;

import io.calico4j.core.cni.CniError;
import io.calico4j.core.cni.CniRequest;
import io.calico4j.core.cni.CniResult;
import io.calico4j.core.cni.ConfigurationFields;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.datastore.memory.MemoryDatastore;
import io.calico4j.core.endpoint.AttachException;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.Attachment;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.NetworkNamespace;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.calico4j.core.plugin.PluginServer;
import io.calico4j.core.resource.ResourceClient;
import io.calico4j.felix.calculation.ClusterState;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.dataplane.nft.Nft;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.felix.rules.RulesetBuilder;
import io.calico4j.rkt.PlainCniMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attaches and detaches containers that do not exist, on a datastore and a kernel in memory, so
 * that the JVM has compiled the way of an ADD before the first real one takes it: a method that has
 * run a few times only is interpreted, and an ADD through such methods takes several times as long.
 * The requests come through a socket of their own, as those of the launcher do. The real datastore
 * and kernel are read meanwhile, never written: the few transactions that go to the datastore have
 * a condition that never holds. Goes on in the background; whatever fails ends it without harm.
 */
final class Rehearsal implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Rehearsal.class);
  private static final String NODE = "rehearsal";
  private static final String PROGRAM = "calico";
  private static final int COMPACT_EVERY = 100;

  /** Each costs etcd an entry in its log although it writes nothing. */
  private static final int TRANSACTIONS = 100;

  private final Datastore real;
  private final Kernel kernel;
  private final Path socket;
  private final int rounds;
  private final Thread thread;
  private volatile boolean closed;

  /**
   * Makes a rehearsal; nothing happens before {@link #start}.
   *
   * @param real is read
   * @param kernel is read
   * @param socket where the requests come in; it is gone afterwards
   * @param rounds how many containers come and go
   */
  Rehearsal(Datastore real, Kernel kernel, Path socket, int rounds) {
    this.real = real;
    this.kernel = kernel;
    this.socket = socket;
    this.rounds = rounds;
    thread = new Thread(this::run, "rehearsal");
    thread.setDaemon(true);
  }

  /** Begins. */
  void start() {
    if (rounds > 0) {
      thread.start();
    }
  }

  private void run() {
    long start = System.nanoTime();
    try {
      int done = rehearse();
      log.info("rehearsed {} attachments in {} ms", done, (System.nanoTime() - start) / 1_000_000);
    } catch (IOException | DatastoreException | KernelException e) {
      log.warn("the rehearsal ended early, the first containers take longer: {}", e.toString());
    }
  }

  /** Returns how many containers came and went. */
  int rehearse() throws IOException, DatastoreException, KernelException {
    RehearsalKernel stage = new RehearsalKernel();
    try (MemoryDatastore datastore = new MemoryDatastore();
        Netlink host = kernel.netlink()) {
      prepare(datastore);
      Calculation calculation = new Calculation(datastore);
      try (Ipam ipam = Ipam.watching(datastore, NODE);
          EndpointService endpoints =
              new EndpointService(
                  datastore,
                  stage,
                  calculation,
                  ipam,
                  EndpointSettings.forAgent(() -> 1500),
                  EndpointStep.Observer.NONE);
          PluginServer server =
              new PluginServer(
                  socket, Map.of(PROGRAM, request -> attachAndDetach(request, endpoints, stage)))) {
        server.start();
        RehearsalCaller caller = new RehearsalCaller(socket);
        int done = 0;
        for (; done < rounds && !closed; done++) {
          var unused = caller.call(request(stage, done));
          read(host);
          if (done < TRANSACTIONS) {
            commitNothing();
          }
          if (done % COMPACT_EVERY == 0) {
            datastore.compact(Long.MAX_VALUE);
          }
        }
        return done;
      }
    }
  }

  private static void prepare(Datastore datastore) throws DatastoreException {
    ResourceClient resources = new ResourceClient(datastore);
    resources.create(
        Resource.create(ResourceKind.NODE, Metadata.named(null, NODE), NodeSpec.EMPTY));
    resources.create(
        Resource.create(
            ResourceKind.IP_POOL,
            Metadata.named(null, NODE),
            new IpPoolSpec(
                "198.18.0.0/16", null, null, null, null, null, null, null, null, null, null)));
  }

  private static PluginRequest request(RehearsalKernel stage, int number) {
    Map<String, String> environment =
        Map.of(
            "CNI_COMMAND",
            "ADD",
            "CNI_CONTAINERID",
            "rehearsal-" + number,
            "CNI_NETNS",
            stage.sandbox().name(),
            "CNI_IFNAME",
            "eth0",
            "CNI_ARGS",
            "IgnoreUnknown=1",
            "CNI_PATH",
            "/opt/cni/bin");
    String configuration =
        "{\"cniVersion\":\"0.4.0\",\"name\":\"rehearsal\",\"type\":\"calico\","
            + "\"ipam\":{\"type\":\"calico-ipam\"}}";
    return new PluginRequest(PROGRAM, environment, configuration, -1);
  }

  private static PluginResponse attachAndDetach(
      PluginRequest asked, EndpointService endpoints, RehearsalKernel stage) {
    try {
      CniRequest request = CniRequest.parse(asked);
      ConfigurationFields.check(request.configuration().document());
      AttachRequest attach = new PlainCniMapper().map(request, NODE).orElseThrow();
      Attachment attachment = endpoints.attach(attach, stage.sandbox());
      endpoints.detach(attach.identity());
      return new PluginResponse(0, CniResult.of(attachment, request, CniResult.Extras.none()), "");
    } catch (CniError | AttachException e) {
      return new PluginResponse(1, e.toString(), "");
    }
  }

  /** Warms the way of a write to etcd: no key has the revision that is asked for. */
  private void commitNothing() throws DatastoreException {
    String key = ResourceKey.of(ResourceKind.CLUSTER_INFORMATION, "rehearsal").path();
    try {
      long unused = real.commit(Transaction.builder().update(key, "", Long.MAX_VALUE).build());
    } catch (ConflictException e) {
      // As ever.
    }
  }

  /** Warms the ways to etcd and to the kernel without writing anything there. */
  private void read(Netlink host) throws DatastoreException, KernelException {
    var unusedEntry = real.get(ResourceKey.of(ResourceKind.CLUSTER_INFORMATION, "default").path());
    var unusedLink = host.link("lo");
    try (NetworkNamespace own = kernel.openNamespace(Path.of("/proc/self/ns/net"));
        Netlink inside = kernel.netlink(own)) {
      var unusedInside = inside.link("lo");
    }
  }

  /** Felix' calculation and rendering for the endpoints of the rehearsal; nothing is programmed. */
  private static final class Calculation implements EndpointReadiness {
    private final Datastore datastore;
    private final ClusterState state = new ClusterState();
    private final FelixConfig config = FelixConfig.resolve(Map.of(), List.of());
    private final NftablesDataplane dataplane =
        new NftablesDataplane(
            new Nft() {
              @Override
              public void run(String commands) {}

              @Override
              public void close() {}
            },
            new RehearsalKernel().nftSets());

    Calculation(Datastore datastore) {
      this.datastore = datastore;
    }

    @Override
    public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout) {
      try {
        for (String key :
            List.of(ResourceKey.of(ResourceKind.PROFILE, NODE).path(), endpoint.path())) {
          Optional<Entry> entry = datastore.get(key);
          boolean unused = state.update(key, entry.orElse(null));
        }
        dataplane.apply(new RulesetBuilder(state, NODE, config).build());
        boolean unused = state.update(endpoint.path(), null);
        dataplane.apply(new RulesetBuilder(state, NODE, config).build());
        return true;
      } catch (DatastoreException | Nft.NftException e) {
        return false;
      }
    }

    @Override
    public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout) {
      return true;
    }
  }

  @Override
  public void close() {
    closed = true;
    try {
      thread.join(2000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
