package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.ResourceClient;
import io.calico4j.core.endpoint.AttachRequest;
import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointReadiness;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.endpoint.EndpointSettings;
import io.calico4j.core.endpoint.EndpointStep;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.model.HandleId;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.NodeName;
import io.calico4j.core.model.NodeSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.model.WorkloadEndpointName;
import io.calico4j.core.model.WorkloadEndpointSpec;
import io.calico4j.core.net.InterfaceName;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import io.calico4j.core.testing.MemoryDatastore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Detaching what was attached under another name or by Calico's plugin in Go. */
class ForeignDetachTest {
  private static final String CONTAINER = "8f2d01234ab56789";

  private final FakeKernel kernel = new FakeKernel();
  private final MemoryDatastore datastore = new MemoryDatastore();
  private final ResourceClient resources = new ResourceClient(datastore);
  private final Ipam ipam = new Ipam(datastore, new NodeName("host-a"));
  private EndpointService endpoints;
  private Netlink host;

  private static final class AtOnce implements EndpointReadiness {
    @Override
    public boolean awaitProgrammed(ResourceKey endpoint, long revision, Duration timeout) {
      return true;
    }

    @Override
    public boolean awaitRemoved(ResourceKey endpoint, long revision, Duration timeout) {
      return true;
    }
  }

  @BeforeEach
  void prepare() throws Exception {
    host = kernel.netlink();
    endpoints =
        new EndpointService(
            datastore,
            kernel,
            new AtOnce(),
            ipam,
            EndpointSettings.forAgent(() -> 1500),
            EndpointStep.Observer.NONE);
    resources.create(
        Resource.create(ResourceKind.NODE, Metadata.named(null, "host-a"), NodeSpec.EMPTY));
    resources.create(
        Resource.create(
            ResourceKind.IP_POOL,
            Metadata.named(null, "pool"),
            new IpPoolSpec(
                "10.65.0.0/16", null, null, null, null, null, null, null, null, null, null)));
  }

  @AfterEach
  void close() {
    endpoints.close();
    ipam.close();
    datastore.close();
  }

  private static EndpointIdentity identity(String network, String container) {
    return new EndpointIdentity(
        network, new NodeName("host-a"), "default", "cni", container, new InterfaceName("eth0"));
  }

  /** Writes what the Go plugin leaves: endpoint, handle, pair and route. */
  private String goEndpoint(String node, String container, String link) throws Exception {
    String handle = "gonet." + container;
    IpAddress address =
        ipam.assign(
                new AssignRequest(
                    AssignRequest.Use.Workload,
                    new HandleId(handle),
                    1,
                    0,
                    List.of(),
                    List.of(),
                    List.of(),
                    Map.of("node", node, "timestamp", "2026-11-23 18:09:01 +0000 UTC")),
                Ipam.FurtherWrites.NONE)
            .addresses()
            .get(0);
    resources.create(
        Resource.create(
            ResourceKind.WORKLOAD_ENDPOINT,
            Metadata.named(
                "default", new WorkloadEndpointName(node, "cni", container, "eth0").toString()),
            new WorkloadEndpointSpec(
                "cni",
                node,
                null,
                null,
                container,
                "eth0",
                List.of(address.toCidr().toString()),
                List.of("gonet"),
                link,
                "ca:fe:1d:52:bb:e9",
                List.of(),
                null,
                List.of(),
                List.of())));
    pair(link, address);
    return handle;
  }

  private void pair(String link, IpAddress address) throws KernelException {
    if (host.link(link).isEmpty()) {
      host.createVeth(
          new VethPair(
              link,
              new MacAddress("ee:ee:ee:ee:ee:ee"),
              kernel.sandbox(),
              "eth0",
              new MacAddress("ca:fe:1d:52:bb:e9"),
              1500));
    }
    host.addRoute(
        Route.connected(address.toCidr(), host.index(link).getAsInt(), Route.PROTOCOL_BOOT));
  }

  @Test
  void whatGoAttachedGoesWithItsInterfaceRouteAndHandle() throws Exception {
    String handle = goEndpoint("host-a", CONTAINER, "cali8f2d01234ab");
    String other = goEndpoint("host-a", "0123456789abcdef", "cali0123456789a");
    endpoints.detach(identity("mine", CONTAINER));
    assertThat(host.link("cali8f2d01234ab")).isEmpty();
    assertThat(ipam.addressesOf(new HandleId(handle))).isEmpty();
    assertThat(datastore.get(identity("mine", CONTAINER).key().path())).isEmpty();
    assertThat(host.link("cali0123456789a")).isPresent();
    assertThat(host.routes()).hasSize(1);
    assertThat(ipam.addressesOf(new HandleId(other))).hasSize(1);
  }

  @Test
  void underAnotherNetworksNameAllOfItGoes() throws Exception {
    EndpointIdentity attached = identity("net-a", CONTAINER);
    var unused =
        endpoints.attach(
            AttachRequest.of(attached).choose(1, List.of(), 0, List.of()).build(),
            kernel.sandbox());
    assertThat(ipam.addressesOf(attached.handleId())).hasSize(1);
    endpoints.detach(identity("net-b", CONTAINER));
    assertThat(host.links()).isEmpty();
    assertThat(host.routes()).isEmpty();
    assertThat(ipam.addressesOf(attached.handleId())).isEmpty();
    assertThat(datastore.get(attached.key().path())).isEmpty();
  }

  @Test
  void anInterfaceThatAnotherEndpointUsesStays() throws Exception {
    String handle = goEndpoint("host-a", CONTAINER, "cali8f2d01234ab");
    String other = goEndpoint("host-a", "8f2d01234abfffff", "cali8f2d01234ab");
    endpoints.detach(identity("mine", CONTAINER));
    assertThat(host.link("cali8f2d01234ab")).isPresent();
    assertThat(ipam.addressesOf(new HandleId(handle))).isEmpty();
    assertThat(ipam.addressesOf(new HandleId(other))).hasSize(1);
  }

  @Test
  void anInterfaceOfTheHostStays() throws Exception {
    String handle = goEndpoint("host-a", CONTAINER, "ens3");
    endpoints.detach(identity("mine", CONTAINER));
    assertThat(host.link("ens3")).isPresent();
    assertThat(ipam.addressesOf(new HandleId(handle))).isEmpty();
  }
}
