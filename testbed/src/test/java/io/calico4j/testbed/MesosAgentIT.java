package io.calico4j.testbed;

import static io.calico4j.testbed.MesosHosts.info;
import static io.calico4j.testbed.MesosHosts.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.calico4j.testbed.MesosAgent.Container;
import io.calico4j.testbed.MesosAgent.LaunchException;
import io.calico4j.testbed.MesosAgent.Owner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The network/cni road: containers of two agents on two hosts, as the agents' isolator makes them.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MesosAgentIT {
  private static final Owner BILLING = new Owner("fw-billing", "exec", "");
  private static final Owner WEB = new Owner("fw-web", "exec", "");

  private final Path state = Installed.freshState(getClass());

  private MesosHosts hosts;
  private TestHost host;
  private TestHost other;
  private MesosAgent agent;
  private MesosAgent otherAgent;

  @BeforeAll
  void start() throws Exception {
    hosts = new MesosHosts(state);
    host = hosts.host();
    other = hosts.other();
    agent = hosts.agent();
    otherAgent = hosts.otherAgent();
  }

  @AfterAll
  void stop() throws Exception {
    hosts.close();
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    hosts.mustBeClean();
  }

  private static boolean reaches(Container from, Container to) throws IOException {
    return PacketProbe.tcp(from.sandbox(), to.address());
  }

  @Test
  void tasksOfTwoFrameworksReachTheirNetworkAndTheirGroupsOnBothHosts() throws Exception {
    Container billing = agent.launch(hosts.newId(), BILLING, info("calico-net"));
    Container billingFar = otherAgent.launch(hosts.newId(), BILLING, info("calico-net"));
    Container web = agent.launch(hosts.newId(), WEB, info("net-b"));
    Container webFar =
        otherAgent.launch(hosts.newId(), WEB, json("{'groups':['shared'],'name':'net-b'}"));
    Container both =
        agent.launch(hosts.newId(), BILLING, json("{'groups':['shared'],'name':'calico-net'}"));

    Await.until("routes are there", 20, () -> reaches(billing, billingFar));
    assertThat(reaches(billingFar, billing)).isTrue();
    Await.until("routes are there", 20, () -> reaches(web, webFar));
    assertThat(reaches(web, billing)).as("another network, one host").isFalse();
    assertThat(reaches(webFar, billing)).as("another network, two hosts").isFalse();
    assertThat(reaches(billing, web)).isFalse();
    assertThat(reaches(webFar, both)).as("one group").isTrue();
    assertThat(reaches(both, webFar)).as("one group, the other way").isTrue();
    assertThat(reaches(both, web)).as("not in the group").isFalse();
  }

  @Test
  void labelsDecideAndARestartedTaskKeepsNoRightOfItsPredecessor() throws Exception {
    hosts.apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: ledger}
        spec:
          selector: app == 'ledger'
          types: [Ingress]
          ingress:
          - {action: Allow, source: {selector: role == 'client'}}
        """);
    String address = "10.65.77.7";
    String fixed = "['" + address + "']";
    Container ledger =
        otherAgent.launch(hosts.newId(), BILLING, info("calico-net", "app", "ledger"));
    Container client =
        agent.launch(
            hosts.newId(),
            WEB,
            info("net-b", "role", "client")
                .replace(
                    "{\"protocol\":\"IPv4\"}",
                    json("{'ip_address':'" + address + "','protocol':'IPv4'}")));
    Await.until("a client reaches the ledger", 20, () -> reaches(client, ledger));
    assertThat(client.address()).isEqualTo(address);
    agent.destroy(client.id());

    Container again =
        agent.launch(
            hosts.newId(),
            WEB,
            "{\"name\":\"net-b\",\"labels\":{\"labels\":[{\"key\":"
                + "\"cni.projectcalico.org/ipAddrs\",\"value\":\""
                + fixed
                + "\"},{\"key\":\"role\",\"value\":\"guest\"}]}}");
    assertThat(again.address()).isEqualTo(address);
    assertThat(reaches(again, ledger)).as("the same address without the label").isFalse();
    Container sameNetwork = agent.launch(hosts.newId(), BILLING, info("calico-net"));
    assertThat(reaches(sameNetwork, ledger)).as("the policy replaces the profile").isFalse();
    Container pretender = agent.launch(hosts.newId(), WEB, info("net-b", "calico-net", "yes"));
    assertThat(reaches(pretender, sameNetwork)).as("a label makes no member").isFalse();
    assertThat(host.calicoctl("", "delete", "gnp", "ledger").exitCode()).isZero();
  }

  @Test
  void allNetworksOfAContainerAreJoinedAtOnceAndEachAnswersItsOwn() throws Exception {
    Container one = otherAgent.launch(hosts.newId(), BILLING, info("calico-net"));
    Container two = otherAgent.launch(hosts.newId(), WEB, info("net-b"));
    for (int i = 0; i < 3; i++) {
      Container both =
          agent.launch(
              hosts.newId(),
              WEB,
              info("calico-net"),
              json("{'labels':{'labels':[]}}"),
              info("net-b"));
      assertThat(both.addresses()).containsOnlyKeys("calico-net", "net-b");
      assertThat(both.sandbox().ip("route", "show", "default").lines().findFirst().orElseThrow())
          .contains("dev eth0");
      Await.until(
          "the first network",
          20,
          () -> PacketProbe.tcp(one.sandbox(), both.addresses().get("calico-net")));
      assertThat(PacketProbe.tcp(two.sandbox(), both.addresses().get("net-b"))).isTrue();
      assertThat(PacketProbe.tcp(two.sandbox(), both.addresses().get("calico-net"))).isFalse();
      assertThat(PacketProbe.tcp(one.sandbox(), both.addresses().get("net-b"))).isFalse();
      assertThat(reaches(both, one)).isTrue();
      assertThat(PacketProbe.pingFrom(both.sandbox(), both.addresses().get("net-b"), two.address()))
          .isTrue();
      agent.destroy(both.id());
    }
  }

  @Test
  void aNestedContainerHasItsOwnNetworkOrItsParents() throws Exception {
    Container pod = agent.launch(hosts.newId(), BILLING, info("calico-net", "app", "pod"));
    Container nested = agent.launch(pod.id() + ".a1b2", Owner.NOBODY, info("calico-net"));
    Container deep = agent.launch(nested.id() + ".c3d4", Owner.NOBODY, info("net-b"));
    assertThat(List.of(pod.address(), nested.address(), deep.address())).doesNotHaveDuplicates();
    assertThat(Files.readString(agent.root().resolve(nested.id()).resolve("hosts")))
        .endsWith(nested.address() + " a1b2\n");
    assertThat(reaches(nested, pod)).isTrue();
    assertThat(reaches(deep, pod)).isFalse();
    assertThat(hosts.endpoints()).contains("-cni-" + deep.id().replace("-", "--") + "-eth0");
    agent.destroy(deep.id());
    assertThat(reaches(nested, pod)).isTrue();
  }

  @Test
  void oneNetworkThatFailsTakesTheOthersBack() throws Exception {
    Container holder =
        agent.launch(
            hosts.newId(),
            WEB,
            json("{'ip_addresses':[{'ip_address':'10.65.77.8'}],'name':'net-b'}"));
    String refused = hosts.newId();
    assertThatThrownBy(
            () ->
                agent.launch(
                    refused,
                    BILLING,
                    info("calico-net"),
                    json("{'ip_addresses':[{'ip_address':'10.65.77.8'}],'name':'net-b'}")))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining("failed to attach container " + refused)
        .hasMessageContaining("10.65.77.8");
    assertThat(host.workloadLinks()).hasSize(1);
    assertThat(hosts.handles()).doesNotContain(refused);
    assertThat(PacketProbe.ping(host.namespace(), holder.address())).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'name':'calico-net','ip_addresses':[{'ip_address':'10.99.0.1'}]} | 10.99.0.1",
        "{'name':'calico-net','ip_addresses':[{'ip_address':'next'}]} | is no address",
        "{'name':'calico-net','labels':{'labels':[{'key':'cni.projectcalico.org/color','value':'x'}]}}"
            + " | is not known",
        "{'name':'calico-net','labels':{'labels':[{'key':'cni.projectcalico.org/ipAddrs',"
            + "'value':'10.65.0.1'}]}} | must be a list",
        "{'name':'calico-net','labels':{'labels':[{'key':'a','value':'1'},{'key':'a','value':'2'}]}}"
            + " | is there twice",
        "{'name':'calico-net','labels':{'labels':[{'key':'projectcalico.org/namespace','value':'N S'}]}}"
            + " | lower-case",
        "{'name':'calico-net','labels':7} | is no NetworkInfo",
        "{'name':'calico-net','groups':['net-b']} | does not grant",
        "{'name':'net-b','groups':['calico-net']}"
            + " | add \"allowed_requests\": {\"groups\": [\"calico-net\"]}",
        "{'name':'calico-net','labels':{'labels':[{'key':'projectcalico.org/profiles',"
            + "'value':'net-b'}]}} | asks for profile \"net-b\"",
        "{'name':'net-b','labels':{'labels':[{'key':'projectcalico.org/namespace','value':'prod'}]}}"
            + " | asks for namespace \"prod\"",
        "{'name':'net-b','labels':{'labels':[{'key':'pcns.team','value':'ops'}]}} | is reserved",
        "{'name':'nowhere'} | Unknown CNI network",
      })
  void aRequestThatCannotBeServedSaysWhyAndItsContainerCanBeDestroyed(String info, String text) {
    assertThatThrownBy(() -> agent.launch(hosts.newId(), WEB, json(info)))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining(text);
  }

  @ParameterizedTest
  @CsvSource({"standalone-", "under:score", "a+b"})
  void aStandaloneContainerWhoseIdIsNoNameCanBeDestroyedToo(String id) {
    assertThatThrownBy(() -> agent.launch(id, Owner.NOBODY, info("calico-net")))
        .isInstanceOf(LaunchException.class)
        .hasMessageContaining(id);
  }

  @Test
  void withoutNetworkInfoTheAddIsRefusedAndTheDelIsNot() throws Exception {
    Namespace sandbox = Namespace.create("no-info");
    Map<String, String> environment =
        Map.of(
            "CNI_CONTAINERID", "no-info",
            "CNI_NETNS", sandbox.path(),
            "CNI_IFNAME", "eth0",
            "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    for (String arguments : List.of("{'org.apache.mesos':{}}", "{'org.apache.mesos':[]}")) {
      String configuration = json("{'args':" + arguments + ",'name':'calico-net','type':'calico'}");
      Command.Outcome added = cni("ADD", environment, configuration);
      assertThat(added.exitCode()).as(added.output()).isEqualTo(1);
      assertThat(added.standardOutput()).contains("\"code\":7");
      Command.Outcome deleted = cni("DEL", environment, configuration);
      assertThat(deleted.exitCode()).as(deleted.output()).isZero();
    }
    sandbox.delete();
  }

  private Command.Outcome cni(String command, Map<String, String> more, String configuration)
      throws IOException {
    Map<String, String> environment = new java.util.TreeMap<>(more);
    environment.put("CNI_COMMAND", command);
    return host.plugin("calico", environment, configuration);
  }

  @Test
  void anAgentThatRestartsKeepsContainersAndDetachesOrphans() throws Exception {
    Container kept = agent.launch(hosts.newId(), BILLING, info("calico-net"));
    Container orphan = agent.launch(hosts.newId(), BILLING, info("calico-net"));
    agent.forget(orphan.id());
    agent.restart();
    assertThat(PacketProbe.ping(host.namespace(), kept.address())).isTrue();
    assertThat(hosts.handles()).contains(kept.id()).doesNotContain(orphan.id());
    agent.restart();
  }

  @Test
  void afterARebootWithAKeptRootEveryContainerIsDetachedWithoutNamespace() throws Exception {
    Container before = agent.launch(hosts.newId(), BILLING, info("calico-net"), info("net-b"));
    agent.reboot(true);
    assertThat(agent.root().resolve(before.id())).isDirectory();
    agent.restart();
    assertThat(hosts.handles()).doesNotContain(before.id());
  }

  @Test
  void withoutCalicoNodeATaskStartsAndEndsByTheNetworksFileAlone() throws Exception {
    Container before = agent.launch(hosts.newId(), BILLING, info("calico-net", "app", "ledger"));
    agent.network(
        json(
            "{'name':'calico-net','type':'calico','nodename':'agent-a','etcd_endpoints':'"
                + hosts.etcdUrl()
                + "','ipam':{'type':'calico-ipam'}}"));
    host.killAgent();
    Container alone = agent.launch(hosts.newId(), BILLING, info("calico-net", "app", "web"));
    assertThat(reaches(alone, before)).as("one network").isTrue();
    assertThat(hosts.endpoint("default", alone.id()).toString()).contains("\"app\":\"web\"");
    agent.destroy(alone.id());
    assertThat(hosts.handles()).doesNotContain(alone.id());
    host.startAgent();
    assertThat(PacketProbe.ping(host.namespace(), before.address())).isTrue();
    agent.network(json(MesosHosts.NETWORKS.get(0)));
  }

  @Test
  void portMappingsLeadToAContainerBehindThePortMapper() throws Exception {
    hosts.apply(
        """
        apiVersion: projectcalico.org/v3
        kind: GlobalNetworkPolicy
        metadata: {name: published}
        spec:
          selector: has(published)
          types: [Ingress]
          ingress:
          - {action: Allow, protocol: TCP, destination: {ports: [8080]}}
        """);
    Container open =
        agent.launch(
            hosts.newId(),
            WEB,
            json(
                "{'labels':{'labels':[{'key':'published'}]},'name':'mapped','port_mappings':["
                    + "{'container_port':8080,'host_port':31080,'protocol':'tcp'}]}"));
    for (Namespace from : List.of(other.namespace(), host.namespace())) {
      Await.until(
          "the host's port leads to the container, from " + from,
          10,
          () -> PacketProbe.tcp(from, host.address(), 31080));
    }
    agent.destroy(open.id());
    assertThat(PacketProbe.tcp(other.namespace(), host.address(), 31080)).isFalse();
    assertThat(host.calicoctl("", "delete", "gnp", "published").exitCode()).isZero();
    assertThatThrownBy(
            () ->
                agent.launch(
                    hosts.newId(),
                    WEB,
                    json(
                        "{'ip_addresses':[{'protocol':'IPv6'}],'name':'mapped','port_mappings':["
                            + "{'container_port':80,'host_port':31081}]}")))
        .hasMessageContaining("no ip4");
  }

  static Stream<Path> networkInfos() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("src/test/resources/mesos/networkinfo"))) {
      return files.sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("networkInfos")
  void whatEachVersionPrintsBecomesTheEndpoint(Path file) throws Exception {
    JsonObject row = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    Container container =
        agent.launch(hosts.newId(), BILLING, row.getAsJsonObject("network_info").toString());
    JsonObject expected = row.getAsJsonObject("endpoint");
    JsonObject endpoint = hosts.endpoint(expected.get("namespace").getAsString(), container.id());
    JsonObject metadata = endpoint.getAsJsonObject("metadata");
    JsonObject spec = endpoint.getAsJsonObject("spec");
    JsonObject found = new JsonObject();
    found.add("namespace", metadata.get("namespace"));
    JsonObject labels = metadata.getAsJsonObject("labels");
    assertThat(labels.remove("projectcalico.org/namespace")).isEqualTo(metadata.get("namespace"));
    assertThat(labels.remove("projectcalico.org/orchestrator").getAsString()).isEqualTo("cni");
    found.add("labels", labels);
    found.add("profiles", spec.get("profiles"));
    JsonArray networks = spec.getAsJsonArray("ipNetworks");
    JsonArray patterns = expected.getAsJsonArray("ipNetworks");
    assertThat(networks).hasSameSizeAs(patterns);
    for (int i = 0; i < networks.size(); i++) {
      assertThat(networks.get(i).getAsString()).matches(patterns.get(i).getAsString());
    }
    found.add("ipNetworks", patterns);
    for (String name : List.of("ipNATs", "allowSpoofedSourcePrefixes")) {
      found.add(name, spec.has(name) ? spec.get(name) : new JsonArray());
    }
    JsonElement ports =
        metadata.getAsJsonObject("annotations").get("io.calico4j/mesos-port-mappings");
    found.addProperty("portMappings", ports == null ? "" : ports.getAsString());
    assertThat(found).isEqualTo(expected);
  }
}
