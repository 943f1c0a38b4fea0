package io.calico4j.libnetwork;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.core.datastore.Patience;
import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.MemoryDatastore;
import io.calico4j.core.testing.Resources;
import io.calico4j.libnetwork.http.Answer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The drivers over a datastore in memory, with a Docker that answers on a real socket. */
final class PluginFixture implements AutoCloseable {
  static final String NETWORK = "b".repeat(64);

  final MemoryDatastore datastore = new MemoryDatastore();
  final ResourceClient resources = new ResourceClient(datastore);
  final NodeName node = new NodeName("host-a");
  final Ipam ipam = new Ipam(datastore, node);
  final FakePairs pairs = new FakePairs();
  final List<IpAddress> forgotten = new ArrayList<>();
  final FakeDocker docker;
  final Reconciler reconciler;
  private final DockerApi api;
  private final Containers containers;
  private final Protocol protocol;

  /** Makes it; with {@code labels}, containers' labels become labels of endpoints. */
  PluginFixture(Path directory, boolean labels) throws Exception {
    Resource<?> unusedNode = resources.create(Resources.node(node.text()));
    Resource<?> unusedPool = resources.create(Resources.pool("v4", "10.65.0.0/24").build());
    Resource<?> unusedPool6 = resources.create(Resources.pool("v6", "fd00:65::/112").build());
    docker = new FakeDocker(directory.resolve("docker.sock"));
    docker.addNetwork(NETWORK, "blue");
    api = new DockerApi(directory.resolve("docker.sock"));
    EndpointStore store = new EndpointStore(resources, node, this::endpoints);
    AddressBook addresses = new AddressBook(ipam, store);
    Connections connections =
        new Connections() {
          @Override
          public void forget(Collection<IpAddress> gone) {
            forgotten.addAll(gone);
          }

          @Override
          public void awaitForgotten(Collection<IpAddress> gone) {}
        };
    Host host = new Host(store, addresses, pairs, api, new Ready(), connections, ipam, () -> 1450);
    LibnetworkSettings settings =
        new LibnetworkSettings(
            directory,
            directory.resolve("docker.sock"),
            true,
            labels,
            Duration.ofSeconds(5),
            "cali",
            0,
            Duration.ZERO);
    containers = new Containers(host, settings);
    reconciler = new Reconciler(host, containers, Duration.ZERO);
    Map<String, Call> calls = new TreeMap<>(new NetworkDriver(host, settings, containers).calls());
    calls.putAll(new IpamDriver(addresses, ipam).calls());
    protocol =
        new Protocol(
            List.of("NetworkDriver", "IpamDriver"),
            calls,
            new Patience(Duration.ofSeconds(1)),
            (call, refused, nanos) -> {});
  }

  private static final class Ready implements EndpointReadiness {
    @Override
    public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout) {
      return true;
    }

    @Override
    public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout) {
      return true;
    }
  }

  List<Resource<WorkloadEndpointSpec>> endpoints() {
    try {
      return resources.list(ResourceKind.WORKLOAD_ENDPOINT);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  Answer answer(String path, String body) {
    return protocol.answer(path, body);
  }

  /** Makes a call that must succeed; quotes are written as apostrophes. */
  JsonObject call(String path, String body) {
    Answer answer = protocol.answer(path, body.replace('\'', '"'));
    if (answer.status() != 200) {
      throw new AssertionError(path + ": " + answer);
    }
    return JsonParser.parseString(answer.body()).getAsJsonObject();
  }

  /** Makes a call that must be refused, and returns the text. */
  String refused(String path, String body) {
    Answer answer = protocol.answer(path, body.replace('\'', '"'));
    if (answer.status() != 500) {
      throw new AssertionError(path + ": " + answer);
    }
    JsonObject error = JsonParser.parseString(answer.body()).getAsJsonObject();
    if (!error.get("Err").equals(error.get("Error"))) {
      throw new AssertionError(answer);
    }
    return error.get("Err").getAsString();
  }

  /** Asks for an address as Docker does. */
  String address() {
    return call("/IpamDriver.RequestAddress", "{'PoolID':'CalicoPoolIPv4','Options':{}}")
        .get("Address")
        .getAsString();
  }

  /** Creates an endpoint as Docker does. */
  JsonObject create(String endpoint, String address) {
    return call(
        "/NetworkDriver.CreateEndpoint",
        "{'NetworkID':'%s','EndpointID':'%s','Interface':{'Address':'%s','AddressIPv6':'','MacAddress':''},'Options':{}}"
            .formatted(NETWORK, endpoint, address));
  }

  /** Joins an endpoint to a container as Docker does. */
  JsonObject join(String endpoint, String sandbox) {
    return call(
        "/NetworkDriver.Join",
        "{'NetworkID':'%s','EndpointID':'%s','SandboxKey':'%s','Options':{}}"
            .formatted(NETWORK, endpoint, sandbox));
  }

  @Override
  public void close() {
    containers.close();
    api.close();
    docker.close();
    ipam.close();
  }
}
