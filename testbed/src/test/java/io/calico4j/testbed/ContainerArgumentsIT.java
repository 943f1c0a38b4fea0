package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** What a runtime asks for one container, as the container and its neighbours see it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerArgumentsIT {
  private static final String NETWORK =
      """
      {'cniVersion':'1.0.0','name':'%s','type':'calico','ipam':{'type':'calico-ipam'},
       'feature_control':{'ip_addrs_no_ipam':true},
       'allowed_requests':{'floating_ips':['10.200.0.0/24'],'source_prefixes':['10.201.0.0/16']}%s}
      """;

  private final CniHost host = new CniHost(getClass());

  @BeforeAll
  void start() throws Exception {
    host.start();
  }

  @AfterAll
  void stop() throws Exception {
    host.close();
  }

  private static String network(String name, String more) {
    return NETWORK.formatted(name, more);
  }

  private JsonObject spec(String container) throws IOException {
    String text = host.test().calicoctl("", "get", "wep", "-A", "-o", "json").standardOutput();
    for (var item : JsonParser.parseString(text).getAsJsonObject().getAsJsonArray("items")) {
      JsonObject endpoint = item.getAsJsonObject();
      if (endpoint.getAsJsonObject("spec").get("containerID").getAsString().equals(container)) {
        return endpoint;
      }
    }
    throw new AssertionError("no endpoint of " + container + " in " + text);
  }

  @Test
  void floatingAddressesAndFurtherSources() throws Exception {
    String plain = network("float", "");
    Namespace client = host.sandbox("client");
    Namespace server = host.sandbox("server");
    Map<String, String> sources = Map.of("CNI_ARGS", "ALLOWED_SOURCE_PREFIXES=10.201.0.0/24");
    String from = host.add(client, sources, plain).address(0);
    String to = host.add(server, Map.of("CNI_ARGS", "FLOATING_IPS=10.200.0.7"), plain).address(0);
    assertThat(PacketProbe.ping(client, "10.200.0.7")).as("to the floating address").isTrue();

    host.apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: float}
        spec: {selector: has(float), types: [Ingress], ingress: [{action: Allow}]}
        """);
    client.ip("address", "add", "10.201.0.9/32", "dev", "eth0");
    client.ip("address", "add", "10.202.0.9/32", "dev", "eth0");
    String link = spec("pod-client").getAsJsonObject("spec").get("interfaceName").getAsString();
    host.test().namespace().ip("route", "add", "10.201.0.9", "via", from, "dev", link, "onlink");
    Await.until(
        "the client may send from 10.201.0.9",
        15,
        () -> PacketProbe.pingFrom(client, "10.201.0.9", to));
    assertThat(PacketProbe.pingFrom(client, "10.202.0.9", to)).isFalse();
    host.delete(client, sources, plain);
    host.delete(server, Map.of(), plain);
    assertThat(host.test().calicoctl("", "delete", "gnp", "float").exitCode()).isZero();
    host.mustBeEmpty();
  }

  @Test
  void addressesThatNoIpamKeeps() throws Exception {
    String network =
        network(
            "bare",
            ",'args':{'cni.projectcalico.org':{'ipAddrsNoIpam':['10.203.0.5','fd00:203::5']}}");
    Namespace pod = host.sandbox("bare");
    CniHost.Result result = host.add(pod, Map.of(), network);
    assertThat(result.address(0) + " " + result.address(1)).isEqualTo("10.203.0.5 fd00:203::5");
    assertThat(PacketProbe.ping(host.test().namespace(), "10.203.0.5")).isTrue();
    assertThat(host.add(pod, Map.of(), network).json()).isEqualTo(result.json());
    assertThat(host.etcd("/calico/ipam/v2/handle/")).isEmpty();
    host.delete(pod, Map.of(), network);
    host.mustBeEmpty();
  }

  @Test
  void labelsMacAddressAndKubernetesNames() throws Exception {
    String network =
        network(
            "told",
            """
            ,'args':{'cni':{'labels':[{'key':'app','value':'web'}]}},
            'runtimeConfig':{'mac':'02:00:00:00:00:09','portMappings':[{'hostPort':80}]}
            """);
    Namespace pod = host.sandbox("told");
    Map<String, String> pods =
        Map.of("CNI_ARGS", "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;X=y");
    String address = host.add(pod, pods, network).address(0);
    assertThat(pod.ip("link", "show", "eth0")).contains("02:00:00:00:00:09");
    assertThat(PacketProbe.ping(host.test().namespace(), address)).isTrue();
    JsonObject endpoint = spec("pod-told");
    JsonObject metadata = endpoint.getAsJsonObject("metadata");
    assertThat(metadata.getAsJsonObject("labels").get("app").getAsString()).isEqualTo("web");
    assertThat(metadata.getAsJsonObject("annotations").toString())
        .contains("\"io.calico4j/k8s-pod-namespace\":\"shop\"")
        .contains("\"io.calico4j/k8s-pod-name\":\"web-0\"");
    assertThat(endpoint.getAsJsonObject("spec").get("mac").getAsString())
        .isEqualTo("02:00:00:00:00:09");
    assertThat(endpoint.getAsJsonObject("spec").has("ports")).as("nothing is opened").isFalse();
    host.delete(pod, pods, network);
    host.mustBeEmpty();
  }

  @Test
  void withoutAnAgentTheConfigurationSaysWhatItWouldSay() throws Exception {
    host.test().killAgent();
    Namespace pod = host.sandbox("alone");
    String status = network("alone", "").replace("1.0.0", "1.1.0").replace('\'', '"');
    assertThat(host.test().cni("STATUS", pod, Map.of(), status).output()).isEmpty();
    Command.Outcome limited =
        host.test()
            .cni(
                "STATUS",
                pod,
                Map.of(),
                status.replace("\"calico-ipam\"", "\"calico-ipam\",\"ipv4_pools\":[\"none\"]"));
    assertThat(limited.standardOutput())
        .contains("\"code\":51", "\"cniVersion\":\"1.1.0\"", "no calico-node runs");
    Path missing = host.state().resolve("no-name");
    Command.Outcome nameless =
        host.test()
            .cni(
                "ADD",
                pod,
                Map.of(),
                network("alone", ",'nodename_file':'" + missing + "'").replace('\'', '"'));
    assertThat(nameless.standardOutput()).contains("\"code\":7", missing + " is missing");
    String verbose =
        network(
            "alone",
            ",'nodename_file':'"
                + missing
                + "','nodename_file_optional':true,"
                + "'hostname':'host-a','log_level':'debug'");
    Command.Outcome added = host.test().cni("ADD", pod, Map.of(), verbose.replace('\'', '"'));
    assertThat(added.exitCode()).as(added.output()).isZero();
    assertThat(JsonParser.parseString(added.standardOutput()).isJsonObject()).isTrue();
    assertThat(added.standardError()).contains("INFO CalicoPlugin");
    String quiet = verbose.replace("'log_level'", "'log_level_stderr':'error','log_level'");
    Command.Outcome again = host.test().cni("ADD", pod, Map.of(), quiet.replace('\'', '"'));
    assertThat(again.exitCode()).as(again.output()).isZero();
    assertThat(again.standardError()).doesNotContain("INFO CalicoPlugin");
    host.delete(pod, Map.of(), verbose);
    host.mustBeEmpty();
    Path mtu = host.test().state().resolve("lib/mtu");
    Files.delete(mtu);
    Command.Outcome unsized =
        host.test()
            .cni(
                "ADD",
                pod,
                Map.of(),
                network("alone", ",'require_mtu_file':true").replace('\'', '"'));
    assertThat(unsized.standardOutput()).contains("\"code\":11", "require_mtu_file");
    host.test().startAgent();
  }
}
