package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Link;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.plugin.PluginHandler;
import io.calico4j.core.plugin.PluginRequest;
import io.calico4j.core.plugin.PluginResponse;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.Resources;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * host-a with its datastore and kernel in memory, its node and one pool, on which tests start
 * agents and plugins that work alone, one after the other or side by side.
 */
final class PluginHost implements BeforeEachCallback, AfterEachCallback {
  /** The one pool. */
  static final ResourceKey POOL = ResourceKey.of(ResourceKind.IP_POOL, "pool");

  private static final String NODE = "host-a";
  private static final String HANDLES = "/calico/ipam/v2/handle/";

  final FakeKernel kernel = new FakeKernel();
  final MemoryDatastore memory = new MemoryDatastore();
  final FailingDatastore datastore = new FailingDatastore(memory);
  final ResourceClient resources = new ResourceClient(datastore);
  final Ipam ipam = new Ipam(datastore, new NodeName(NODE));

  /** Whether Felix programs what is registered. */
  boolean programs = true;

  private final class Felix implements EndpointReadiness {
    @Override
    public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout) {
      return programs;
    }

    @Override
    public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout) {
      return true;
    }
  }

  @Override
  public void beforeEach(ExtensionContext context) throws DatastoreException {
    resources.create(Resources.node(NODE, "192.0.2.11/24"));
    resources.create(Resources.pool(POOL.name(), "10.65.0.0/16").build());
  }

  @Override
  public void afterEach(ExtensionContext context) {
    ipam.close();
    datastore.close();
  }

  /** Returns the first interface of a container. */
  static EndpointIdentity identity(String network, String container) {
    return new EndpointIdentity(
        network, new NodeName(NODE), "default", "cni", container, new InterfaceName("eth0"));
  }

  /** Returns a request for one chosen address. */
  static AttachRequest request(EndpointIdentity identity) {
    return AttachRequest.of(identity).choose(1, List.of(), 0, List.of()).build();
  }

  /** Starts what an agent has. */
  EndpointService agent() throws KernelException {
    return service(EndpointSettings.forAgent(() -> 1500));
  }

  /** Starts what an agent has that records detachments. */
  EndpointService agent(Path records) throws KernelException {
    return service(recording(EndpointSettings.forAgent(() -> 1500), 1, records));
  }

  /** Starts what a plugin has that works alone: no timer. */
  EndpointService alone() throws KernelException {
    return service(EndpointSettings.forSingleRequest(() -> 1500));
  }

  /** Starts what a plugin has that works alone, records detachments and has a budget for an ADD. */
  EndpointService alone(int budgetSeconds, Path records) throws KernelException {
    return service(
        recording(EndpointSettings.forSingleRequest(() -> 1500), budgetSeconds, records));
  }

  private static EndpointSettings recording(EndpointSettings settings, int seconds, Path records) {
    return settings.with(new Patience(Duration.ofSeconds(seconds)), records);
  }

  private EndpointService service(EndpointSettings settings) throws KernelException {
    return new EndpointService(
        datastore, kernel, new Felix(), ipam, settings, EndpointStep.Observer.NONE);
  }

  /** Returns the handler of each program. */
  Map<String, PluginHandler> plugins(EndpointService endpoints, boolean agent) {
    return Plugins.of(endpoints, ipam, kernel, resources, agent);
  }

  /** Calls the program of a request, which must succeed, and returns what it prints. */
  static String call(Map<String, PluginHandler> plugins, PluginRequest request) {
    PluginResponse response = plugins.get(request.program()).handle(request);
    assertThat(response.exitCode()).as(response.standardOutput()).isZero();
    return response.standardOutput();
  }

  /**
   * Makes a CNI request for the container web.
   *
   * @param path where IPAM plugins are
   */
  static PluginRequest cni(String program, String command, Path path, String configuration) {
    return new PluginRequest(
        program,
        Map.of(
            "CNI_COMMAND", command,
            "CNI_CONTAINERID", "web",
            "CNI_IFNAME", "eth0",
            "CNI_NETNS", "/run/netns/web",
            "CNI_PATH", path.toString()),
        configuration,
        0);
  }

  /** Makes a request of net-modules. */
  static PluginRequest netModules(String command, String arguments) {
    return new PluginRequest(
        "calico-mesos",
        Map.of(),
        "{\"command\":\"" + command + "\",\"args\":" + arguments + "}",
        -1);
  }

  /** Returns the host's links. */
  List<Link> links() throws KernelException {
    try (Netlink host = kernel.netlink()) {
      return host.links();
    }
  }

  /** Returns how many endpoints are in the datastore. */
  int endpoints() {
    return memory.list(ResourceKind.WORKLOAD_ENDPOINT.prefix()).entries().size();
  }

  /** Demands that no endpoint, address or link is left. */
  void mustBeEmpty() throws KernelException {
    assertThat(endpoints()).isZero();
    assertThat(memory.list(HANDLES).entries()).isEmpty();
    assertThat(links()).isEmpty();
  }

  /** Waits until an agent has finished what was recorded. */
  static void awaitFinished(EndpointService agent) {
    while (agent.pendingTeardowns() > 0) {
      Thread.onSpinWait();
    }
  }
}
