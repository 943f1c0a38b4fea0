package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.endpoint.EndpointIdentity;
import io.calico4j.core.endpoint.EndpointService;
import io.calico4j.core.ipam.AssignRequest;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.Netlink;
import io.calico4j.core.kernel.Route;
import io.calico4j.core.kernel.VethPair;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.MacAddress;
import io.calico4j.core.testing.Resources;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Detaching what was attached under another name or by Calico's plugin in Go. */
class ForeignDetachTest {
  private static final String CONTAINER = "8f2d01234ab56789";

  @RegisterExtension final PluginHost host = new PluginHost();

  private EndpointService endpoints;
  private Netlink links;

  @BeforeEach
  void start() throws KernelException {
    links = host.kernel.netlink();
    endpoints = host.agent();
  }

  @AfterEach
  void close() {
    endpoints.close();
  }

  /** Writes what the Go plugin leaves: endpoint, handle, pair and route. */
  private String goEndpoint(String node, String container, String link) throws Exception {
    String handle = "gonet." + container;
    IpAddress address =
        host.ipam
            .assign(
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
    host.resources.create(
        Resources.endpoint(node, container)
            .addresses(address.toString())
            .profiles("gonet")
            .on(link)
            .mac("ca:fe:1d:52:bb:e9")
            .build());
    pair(link, address);
    return handle;
  }

  private void pair(String link, IpAddress address) throws KernelException {
    if (links.link(link).isEmpty()) {
      links.createVeth(
          new VethPair(
              link,
              new MacAddress("ee:ee:ee:ee:ee:ee"),
              host.kernel.sandbox(),
              "eth0",
              new MacAddress("ca:fe:1d:52:bb:e9"),
              1500));
    }
    links.addRoute(
        Route.connected(address.toCidr(), links.index(link).getAsInt(), Route.PROTOCOL_BOOT));
  }

  @Test
  void whatGoAttachedGoesWithItsInterfaceRouteAndHandle() throws Exception {
    String handle = goEndpoint("host-a", CONTAINER, "cali8f2d01234ab");
    String other = goEndpoint("host-a", "0123456789abcdef", "cali0123456789a");
    endpoints.detach(PluginHost.identity("mine", CONTAINER));
    assertThat(links.link("cali8f2d01234ab")).isEmpty();
    assertThat(host.ipam.addressesOf(new HandleId(handle))).isEmpty();
    assertThat(host.memory.get(PluginHost.identity("mine", CONTAINER).key().path())).isEmpty();
    assertThat(links.link("cali0123456789a")).isPresent();
    assertThat(links.routes()).hasSize(1);
    assertThat(host.ipam.addressesOf(new HandleId(other))).hasSize(1);
  }

  @Test
  void underAnotherNetworksNameAllOfItGoes() throws Exception {
    EndpointIdentity attached = PluginHost.identity("net-a", CONTAINER);
    var unused = endpoints.attach(PluginHost.request(attached), host.kernel.sandbox());
    assertThat(host.ipam.addressesOf(attached.handleId())).hasSize(1);
    endpoints.detach(PluginHost.identity("net-b", CONTAINER));
    assertThat(links.links()).isEmpty();
    assertThat(links.routes()).isEmpty();
    assertThat(host.ipam.addressesOf(attached.handleId())).isEmpty();
    assertThat(host.memory.get(attached.key().path())).isEmpty();
  }

  @Test
  void anInterfaceThatAnotherEndpointUsesStays() throws Exception {
    String handle = goEndpoint("host-a", CONTAINER, "cali8f2d01234ab");
    String other = goEndpoint("host-a", "8f2d01234abfffff", "cali8f2d01234ab");
    endpoints.detach(PluginHost.identity("mine", CONTAINER));
    assertThat(links.link("cali8f2d01234ab")).isPresent();
    assertThat(host.ipam.addressesOf(new HandleId(handle))).isEmpty();
    assertThat(host.ipam.addressesOf(new HandleId(other))).hasSize(1);
  }

  @Test
  void anInterfaceOfTheHostStays() throws Exception {
    String handle = goEndpoint("host-a", CONTAINER, "ens3");
    endpoints.detach(PluginHost.identity("mine", CONTAINER));
    assertThat(links.link("ens3")).isPresent();
    assertThat(host.ipam.addressesOf(new HandleId(handle))).isEmpty();
  }
}
