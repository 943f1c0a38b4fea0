package io.calico4j.libnetwork;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.IpAddress;
import io.calico4j.libnetwork.http.Answer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every call of both protocols, as Docker 20.10 makes it. */
class DriversTest {
  private static final String ENDPOINT = "0123456789ab".repeat(5) + "cdef";
  private static final EndpointId ID = new EndpointId(ENDPOINT);

  private PluginFixture plugin;

  @BeforeEach
  void start(@TempDir Path directory) throws Exception {
    plugin = new PluginFixture(directory, false);
  }

  @AfterEach
  void stop() {
    plugin.close();
  }

  @Test
  void bothProtocolsAreActivated() {
    assertThat(plugin.call("/Plugin.Activate", "").toString())
        .isEqualTo("{\"Implements\":[\"NetworkDriver\",\"IpamDriver\"]}");
    assertThat(plugin.call("/NetworkDriver.GetCapabilities", "{}").toString())
        .isEqualTo("{\"Scope\":\"local\",\"ConnectivityScope\":\"global\"}");
    assertThat(plugin.call("/IpamDriver.GetCapabilities", "").toString())
        .isEqualTo("{\"RequiresMACAddress\":false,\"RequiresRequestReplay\":false}");
    assertThat(plugin.call("/IpamDriver.GetDefaultAddressSpaces", "").toString())
        .contains("CalicoLocalAddressSpace", "CalicoGlobalAddressSpace");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "AllocateNetwork",
        "FreeNetwork",
        "DeleteNetwork",
        "EndpointOperInfo",
        "DiscoverNew",
        "DiscoverDelete",
        "ProgramExternalConnectivity",
        "RevokeExternalConnectivity"
      })
  void callsThatAskForNothingAreAnswered(String call) {
    assertThat(
            plugin.answer("/NetworkDriver." + call, "{\"NetworkID\":\"n\",\"New\":[1]}").status())
        .isEqualTo(200);
  }

  @Test
  void anUnknownCallIsNotImplemented() {
    Answer answer = plugin.answer("/NetworkDriver.Future", "{}");
    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.body()).contains("Err", "/NetworkDriver.Join");
    assertThat(plugin.refused("/NetworkDriver.Join", "[]")).contains("no JSON object");
    assertThat(plugin.refused("/NetworkDriver.Join", "{")).contains("no JSON");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'com.docker.network.internal':true}|--internal",
        "{'com.docker.network.generic':{'color':'red'}}|-o color"
      })
  void optionsThatWouldHaveNoEffectAreRefused(String options, String flag) {
    assertThat(
            plugin.refused(
                "/NetworkDriver.CreateNetwork",
                "{'NetworkID':'n','Options':%s,'IPv4Data':[{'Gateway':'0.0.0.0/0'}]}"
                    .formatted(options)))
        .contains("Calico driver does not support the flag " + flag);
  }

  @Test
  void aNetworkOfAnotherIpamDriverIsRefused() {
    assertThat(
            plugin.refused(
                "/NetworkDriver.CreateNetwork",
                "{'NetworkID':'n','Options':{},'IPv4Data':[{'Gateway':'172.18.0.1/16'}]}"))
        .contains("Non-Calico IPAM driver is used", "--ipam-driver calico-ipam");
    assertThat(
            plugin.call(
                "/NetworkDriver.CreateNetwork",
                "{'NetworkID':'n','Options':{'com.docker.network.enable_ipv6':true,'com.docker.network.generic':{}},"
                    + "'IPv4Data':[{'Gateway':'0.0.0.0/0'}],'IPv6Data':[{'Gateway':'::/0'}]}"))
        .isEqualTo(new JsonObject());
  }

  @Test
  void aSubnetIsAPool() {
    assertThat(plugin.call("/IpamDriver.RequestPool", "{'Pool':'10.65.0.0/24'}").toString())
        .isEqualTo(
            "{\"PoolID\":\"10.65.0.0/24\",\"Pool\":\"10.65.0.0/24\",\"Data\":{\"com.docker.network.gateway\":\"0.0.0.0/0\"}}");
    assertThat(plugin.call("/IpamDriver.RequestPool", "{'V6':true}").toString())
        .contains("CalicoPoolIPv6", "::/0");
    assertThat(plugin.refused("/IpamDriver.RequestPool", "{'Pool':'10.1.0.0/16'}"))
        .contains("10.1.0.0/16", "10.65.0.0/24, fd00:65::/112", "calicoctl apply");
    assertThat(
            plugin.refused(
                "/IpamDriver.RequestPool", "{'Pool':'10.65.0.0/24','SubPool':'10.65.0.0/28'}"))
        .contains("--ip-range");
    assertThat(plugin.refused("/IpamDriver.RequestPool", "{'Options':{'a':'b'}}"))
        .contains("--ipam-opt");
    assertThat(plugin.call("/IpamDriver.ReleasePool", "{'PoolID':'CalicoPoolIPv4'}"))
        .isEqualTo(new JsonObject());
  }

  @Test
  void anAddressIsHeldUntilItIsReleased() throws Exception {
    String address = plugin.address();
    assertThat(address).matches("10\\.65\\.0\\.\\d+/32");
    IpAddress ip = IpAddress.parse(address.replace("/32", ""));
    assertThat(plugin.ipam.ownerOf(ip).orElseThrow().handleId()).startsWith("libnetwork:host-a:");
    String ask = "{'PoolID':'10.65.0.0/24','Address':'" + ip + "'}";
    assertThat(plugin.refused("/IpamDriver.RequestAddress", ask)).contains(ip.toString());
    for (int i = 0; i < 2; i++) {
      plugin.call("/IpamDriver.ReleaseAddress", ask);
      assertThat(plugin.ipam.ownerOf(ip)).isEmpty();
    }
    assertThat(plugin.call("/IpamDriver.RequestAddress", ask).get("Address").getAsString())
        .isEqualTo(address);
    plugin.call("/IpamDriver.ReleaseAddress", "{'PoolID':'p','Address':'0.0.0.0'}");
    assertThat(plugin.refused("/IpamDriver.ReleaseAddress", "{'PoolID':'p','Address':'x'}"))
        .contains("\"x\"");
    assertThat(
            plugin.refused(
                "/IpamDriver.RequestAddress",
                "{'PoolID':'10.65.0.0/24','Options':{'RequestAddressType':'com.docker.network.gateway'}}"))
        .contains("--gateway");
    assertThat(
            plugin.refused(
                "/IpamDriver.RequestAddress", "{'PoolID':'10.65.0.0/24','Address':'10.1.1.1'}"))
        .contains("10.1.1.1", "--ip");
  }

  @Test
  void anAddressOfAnotherIsNeverReleased() throws Exception {
    String address = plugin.address();
    plugin.create(ENDPOINT, address);
    plugin.call(
        "/IpamDriver.ReleaseAddress",
        "{'PoolID':'p','Address':'" + address.replace("/32", "") + "'}");
    assertThat(plugin.ipam.ownerOf(IpAddress.parse(address.replace("/32", "")))).isPresent();
    String other = "fedcba987654".repeat(5) + "0000";
    assertThat(
            plugin.refused(
                "/NetworkDriver.CreateEndpoint",
                "{'NetworkID':'%s','EndpointID':'%s','Interface':{'Address':'%s'}}"
                    .formatted(PluginFixture.NETWORK, other, address)))
        .contains("is WorkloadEndpoint host--a-libnetwork-libnetwork-" + ENDPOINT + "'s");
  }

  @Test
  void aContainerComesAndGoes() throws Exception {
    String address = plugin.address();
    for (int i = 0; i < 2; i++) {
      assertThat(plugin.create(ENDPOINT, address).toString())
          .isEqualTo("{\"Interface\":{\"MacAddress\":\"ca:01:23:45:67:89\"}}");
    }
    var stored = plugin.endpoints().get(0);
    assertThat(stored.metadata().name()).isEqualTo("host--a-libnetwork-libnetwork-" + ENDPOINT);
    assertThat(stored.spec().profiles()).containsExactly("blue");
    assertThat(stored.spec().interfaceName()).isEqualTo("cali0123456789a");
    assertThat(stored.spec().ipNetworks()).containsExactly(address);
    assertThat(plugin.resources.get(ResourceKind.PROFILE, "", "blue")).isPresent();
    for (int i = 0; i < 2; i++) {
      assertThat(plugin.join(ENDPOINT, "/run/netns/1").toString())
          .isEqualTo(
              "{\"InterfaceName\":{\"SrcName\":\"temp0123456789a\",\"DstPrefix\":\"cali\"},"
                  + "\"Gateway\":\"169.254.1.1\",\"StaticRoutes\":["
                  + "{\"Destination\":\"169.254.1.1/32\",\"RouteType\":1},"
                  + "{\"Destination\":\"10.65.0.0/24\",\"RouteType\":0,\"NextHop\":\"169.254.1.1\"}],"
                  + "\"DisableGatewayService\":true}");
    }
    assertThat(plugin.pairs.pairs).containsEntry(ID, "[" + address.replace("/32", "") + "] 0");
    String ids = "{'NetworkID':'%s','EndpointID':'%s'}".formatted(PluginFixture.NETWORK, ENDPOINT);
    for (int i = 0; i < 2; i++) {
      plugin.call("/NetworkDriver.Leave", ids);
      assertThat(plugin.pairs.pairs).isEmpty();
    }
    for (int i = 0; i < 2; i++) {
      plugin.call("/NetworkDriver.DeleteEndpoint", ids);
      assertThat(plugin.endpoints()).isEmpty();
    }
    assertThat(plugin.forgotten).containsExactly(IpAddress.parse(address.replace("/32", "")));
    assertThat(plugin.refused("/NetworkDriver.Join", ids)).contains("is not there");
  }

  @Test
  void furtherNetworksOfAContainerHaveGatewaysOfTheirOwn() {
    plugin.create(ENDPOINT, plugin.address());
    plugin.join(ENDPOINT, "/run/netns/1");
    String second = "fedcba987654".repeat(5) + "0000";
    plugin.create(second, plugin.address());
    assertThat(plugin.join(second, "/run/netns/1").get("Gateway").getAsString())
        .isEqualTo("169.254.1.2");
    String third = "aaaaaaaaaaaa".repeat(5) + "0000";
    plugin.create(third, plugin.address());
    assertThat(plugin.join(third, "/run/netns/2").get("Gateway").getAsString())
        .isEqualTo("169.254.1.1");
  }

  @Test
  void anEndpointNeedsAnAddressThatDockerHolds() {
    assertThat(
            plugin.refused(
                "/NetworkDriver.CreateEndpoint",
                "{'NetworkID':'%s','EndpointID':'%s','Interface':{}}"
                    .formatted(PluginFixture.NETWORK, ENDPOINT)))
        .contains("no address assigned");
    assertThat(
            plugin.refused(
                "/NetworkDriver.CreateEndpoint",
                "{'NetworkID':'%s','EndpointID':'%s','Interface':{'Address':'10.65.0.9/32'}}"
                    .formatted(PluginFixture.NETWORK, ENDPOINT)))
        .contains("10.65.0.9 is not assigned to Docker on this node");
    String address = plugin.address();
    assertThat(
            plugin.refused(
                "/NetworkDriver.CreateEndpoint",
                "{'NetworkID':'unknown','EndpointID':'%s','Interface':{'Address':'%s'}}"
                    .formatted(ENDPOINT, address)))
        .contains("Docker does not know network unknown");
    assertThat(
            plugin.refused(
                "/NetworkDriver.CreateEndpoint",
                "{'NetworkID':'n','EndpointID':'../x','Interface':{'Address':'%s'}}"
                    .formatted(address)))
        .contains("hex digits");
  }

  @Test
  void whatDockerListsNoMoreIsTakenBackAtTheSecondLook() throws Exception {
    String address = plugin.address();
    String unused = plugin.address();
    plugin.create(ENDPOINT, address);
    plugin.join(ENDPOINT, "/run/netns/1");
    plugin.docker.join(PluginFixture.NETWORK, "ep-" + ENDPOINT, ENDPOINT, address);
    plugin.reconciler.look();
    plugin.reconciler.look();
    assertThat(plugin.endpoints()).hasSize(1);
    assertThat(plugin.ipam.handles("libnetwork:")).hasSize(1);

    plugin.docker.removeNetwork(PluginFixture.NETWORK);
    plugin.pairs.inContainers.add(ID);
    plugin.reconciler.look();
    plugin.reconciler.look();
    assertThat(plugin.endpoints()).as("Docker has forgotten all, its container lives").hasSize(1);

    plugin.docker.addNetwork(PluginFixture.NETWORK, "blue");
    plugin.reconciler.look();
    assertThat(plugin.endpoints()).hasSize(1);
    plugin.reconciler.look();
    assertThat(plugin.endpoints()).isEmpty();
    assertThat(plugin.pairs.pairs).isEmpty();
    plugin.reconciler.look();
    assertThat(plugin.ipam.handles("libnetwork:")).isEmpty();
    assertThat(List.of(address, unused)).doesNotHaveDuplicates();
  }

  @Test
  void nothingIsTakenBackWhileDockerIsAway() throws Exception {
    plugin.create(ENDPOINT, plugin.address());
    plugin.docker.close();
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(plugin.reconciler::look)
          .hasMessageContaining("CALICO_LIBNETWORK_DOCKER_SOCKET");
    }
    assertThat(plugin.endpoints()).hasSize(1);
  }

  @Test
  void anEndpointSaysWhoseItIs() throws Exception {
    String container = "c".repeat(64);
    String address = plugin.address();
    plugin.create(ENDPOINT, address);
    plugin.join(ENDPOINT, "/run/netns/1");
    plugin.docker.addContainer(container, "web", Map.of("org.projectcalico.label.role", "db"));
    plugin.docker.join(PluginFixture.NETWORK, container, ENDPOINT, address);
    plugin.reconciler.look();
    var stored = plugin.endpoints().get(0);
    assertThat(stored.spec().containerID()).isEqualTo(container);
    assertThat(stored.metadata().annotations())
        .containsEntry("io.calico4j/docker-container", "web")
        .containsEntry("io.calico4j/docker-network", "blue");
    assertThat(stored.metadata().labels()).doesNotContainKey("role");
    plugin.docker.addContainer(container, "renamed", Map.of());
    plugin.reconciler.look();
    assertThat(plugin.endpoints().get(0).metadata().annotations())
        .containsEntry("io.calico4j/docker-container", "renamed");
  }
}
