package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Configuration lists with Debian's plugins before and after calico. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ChainingIT {
  private static final String HOST_PORT = "18080";

  private final CniHost host = new CniHost(getClass());

  @BeforeAll
  void start() throws Exception {
    host.start();
    host.apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: six}
        spec: {cidr: "fd00:67::/64"}
        """);
  }

  @AfterAll
  void stop() throws Exception {
    host.close();
  }

  private String onHost(String... command) throws IOException {
    return host.test().command(command).mustRun();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.3.1", "0.4.0", "1.0.0"})
  void tuningBandwidthAndPortmapFollowCalico(String version) throws Exception {
    ConfigurationList list =
        new ConfigurationList(
            host.test(),
            """
            {'cniVersion':'%s','name':'web','plugins':[
              {'type':'calico','ipam':{'type':'calico-ipam'},'capabilities':{'ips':true,'mac':true}},
              {'type':'tuning','sysctl':{'net.core.somaxconn':'77'}},
              {'type':'bandwidth','capabilities':{'bandwidth':true}},
              {'type':'portmap','snat':true,'capabilities':{'portMappings':true}}]}
            """
                .formatted(version),
            """
            {'ips':['10.65.44.4/16','fd00:67::4/64'],'mac':'02:00:00:00:00:44',
             'bandwidth':{'ingressRate':8000000,'ingressBurst':8000000},
             'portMappings':[{'hostPort':%s,'containerPort':%s,'protocol':'tcp'}]}
            """
                .formatted(HOST_PORT, PacketProbe.PORT));
    Namespace pod = host.sandbox("web-" + version);
    JsonObject result = list.add(pod);
    assertThat(TestHost.address(result.toString())).isEqualTo("10.65.44.4");
    assertThat(pod.ip("link", "show", "eth0")).contains("02:00:00:00:00:44");
    assertThat(pod.command("cat", "/proc/sys/net/core/somaxconn").mustRun().strip())
        .isEqualTo("77");
    String hostEnd =
        result.getAsJsonArray("interfaces").get(0).getAsJsonObject().get("name").getAsString();
    assertThat(onHost("tc", "qdisc", "show", "dev", hostEnd)).contains("tbf");

    Process server = PageServer.start(pod.enter(List.of()), host.test().state());
    try {
      Await.until(
          "the mapped port answers to the host",
          10,
          () -> reaches(host.test().namespace(), HOST_PORT));
      Namespace outside = new Namespace("fabric");
      assertThat(reaches(outside, HOST_PORT)).as("portMappings open nothing").isFalse();
      host.apply(
          """
          apiVersion: projectcalico.org/v3
          kind: GlobalNetworkPolicy
          metadata: {name: web}
          spec:
            selector: has(web)
            types: [Ingress]
            ingress: [{action: Allow, protocol: TCP, destination: {ports: [8080]}}]
          """);
      Await.until("the policy opens it", 15, () -> reaches(outside, HOST_PORT));
    } finally {
      server.destroyForcibly();
    }
    if (!version.equals("0.3.1")) {
      list.check(pod, result);
      pod.ip("route", "del", "default");
      assertThatThrownBy(() -> list.check(pod, result)).hasMessageContaining("default route");
    }
    list.delete(pod, result);
    list.delete(pod, null);
    assertThat(host.test().calicoctl("", "delete", "gnp", "web").exitCode()).isZero();
    assertThat(onHost("iptables", "-t", "nat", "-S")).doesNotContain(HOST_PORT);
    pod.delete();
    host.mustBeEmpty();
  }

  private static boolean reaches(Namespace from, String port) throws IOException {
    return PacketProbe.tcp(from, "192.0.2.11", Integer.parseInt(port));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.4.0", "1.0.0"})
  void calicoMayComeAfterPluginsThatMakeAnotherInterface(String version) throws Exception {
    ConfigurationList list =
        new ConfigurationList(
            host.test(),
            """
            {'cniVersion':'%s','name':'late','plugins':[
              {'type':'loopback'},
              {'type':'tuning','sysctl':{'net.core.somaxconn':'78'}},
              {'type':'calico','ipam':{'type':'calico-ipam'}},
              {'type':'bandwidth','ingressRate':8000000,'ingressBurst':8000000}]}
            """
                .formatted(version),
            "{}");
    Namespace pod = host.sandbox("late-" + version);
    Namespace peer = host.sandbox("peer-" + version);
    JsonObject result = list.add(pod);
    assertThat(result.getAsJsonArray("interfaces").toString()).contains("\"lo\"", "\"eth0\"");
    JsonObject last =
        result.getAsJsonArray("ips").get(result.getAsJsonArray("ips").size() - 1).getAsJsonObject();
    assertThat(
            result
                .getAsJsonArray("interfaces")
                .get(last.get("interface").getAsInt())
                .getAsJsonObject()
                .get("name")
                .getAsString())
        .isEqualTo("eth0");
    String address = last.get("address").getAsString().replaceAll("/.*", "");
    JsonObject other = list.add(peer);
    assertThat(PacketProbe.ping(peer, address)).isTrue();
    list.check(pod, result);
    list.delete(pod, result);
    list.delete(peer, other);
    host.mustBeEmpty();
  }

  @Test
  void calicoRefusesTheInterfaceOfThePluginBeforeIt() throws Exception {
    ConfigurationList list =
        new ConfigurationList(
            host.test(),
            """
            {'cniVersion':'0.4.0','name':'taken','plugins':[
              {'type':'bridge','bridge':'taken0','ipam':{'type':'host-local',
               'dataDir':'%s','ranges':[[{'subnet':'10.90.0.0/24'}]]}},
              {'type':'calico','ipam':{'type':'calico-ipam'}}]}
            """
                .formatted(host.state().resolve("bridge-ipam")),
            "{}");
    Namespace pod = host.sandbox("taken");
    assertThatThrownBy(() -> list.add(pod))
        .hasMessageContaining("\"code\":7")
        .hasMessageContaining("prevResult has the interface eth0");
    list.delete(pod, null);
    host.mustBeEmpty();
  }
}
