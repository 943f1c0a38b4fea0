package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a runtime forgot is taken back: by the agent's own search and by CNI's GC. */
class GarbageCollectionIT extends OneHost {
  private static final Map<String, String> NO_CONTAINER =
      Map.of("CNI_CONTAINERID", "", "CNI_NETNS", "", "CNI_IFNAME", "");

  @Test
  void endpointsWhoseContainerIsGoneAreTakenBackAndNoOthers() throws Exception {
    Path pods = Files.createDirectories(host.state().resolve("rkt/pods/run"));
    String network = Orchestrator.RKT.configuration("calico", Map.of());
    Map<String, String> rkt = Map.of("CNI_PATH", Orchestrator.RKT_PATH);
    Namespace forgotten = Namespace.create("forgotten");
    String address = attach(forgotten, rkt, network);
    Namespace waiting = Namespace.create("waiting");
    assertThat(attach(waiting, rkt, network)).isNotEmpty();
    Files.createDirectories(pods.resolve("pod-waiting"));
    Namespace nobodys = Namespace.create("nobodys");
    assertThat(attach(nobodys, Map.of(), network)).isNotEmpty();
    Workload alive = host.start("alive", Orchestrator.RKT, "calico", Map.of());
    Namespace task = Namespace.create("task");
    Path root = host.state().resolve("cni");
    Path sandbox = Files.createDirectories(root.resolve("mesos-task")).resolve("ns");
    Files.createSymbolicLink(sandbox, Path.of(task.path()));
    Map<String, String> mesos =
        Map.of("CNI_CONTAINERID", "mesos-task", "CNI_NETNS", sandbox.toString());
    assertThat(attach(task, mesos, Orchestrator.MESOS.configuration("net", Map.of()))).isNotEmpty();

    waiting.delete();
    nobodys.delete();
    task.delete();
    Files.delete(sandbox);
    Files.delete(root.resolve("mesos-task"));
    forgotten.delete();
    Await.until(
        "the endpoints of the forgotten pod and task are taken back",
        20,
        () -> !endpoints().contains("forgotten") && !endpoints().contains("mesos--task"));
    assertThat(endpoints()).contains("waiting", "alive", "nobodys");
    assertThat(etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/handle/"))
        .contains("pod-waiting", "pod-alive", "pod-nobodys")
        .doesNotContain("pod-forgotten", "mesos-task");
    assertThat(Files.readString(host.state().resolve("node.log")))
        .contains("eth0 of pod-forgotten in network calico with [" + address + "/32]")
        .contains("rkt has forgotten the container");

    host.delete(alive);
    for (Namespace pod : List.of(forgotten, waiting, nobodys)) {
      assertThat(host.cni("DEL", pod, Map.of(), network).exitCode()).isZero();
    }
    assertNothingLeft();
  }

  @Test
  void aRuntimeOfVersion11AsksAndCollectsGarbage() throws Exception {
    String configuration = "{'cniVersion':'1.1.0','name':'%s','type':'calico'%s}";
    Namespace kept = Namespace.create("kept");
    Namespace stale = Namespace.create("stale");
    Namespace other = Namespace.create("other-net");
    String network = configuration.formatted("modern", "");
    Command.Outcome added = host.cni("ADD", kept, Map.of(), network);
    assertThat(JsonParser.parseString(added.standardOutput()).getAsJsonObject().get("ips"))
        .as(added.output())
        .isEqualTo(
            JsonParser.parseString(
                "[{'address':'%s/32','interface':1}]"
                    .formatted(TestHost.address(added.standardOutput()))));
    assertThat(attach(stale, Map.of(), network)).isNotEmpty();
    String neighbour = configuration.formatted("modern.too", "");
    assertThat(attach(other, Map.of(), neighbour)).isNotEmpty();

    assertAnswer(host.cni("STATUS", kept, NO_CONTAINER, network), 0, "");
    assertAnswer(
        host.cni(
            "STATUS",
            kept,
            NO_CONTAINER,
            configuration.formatted("modern", ",'ipam':{'ipv4_pools':['missing']}")),
        1,
        "\"code\":50");
    assertAnswer(host.cni("GC", kept, NO_CONTAINER, network), 0, "");
    assertThat(endpoints()).as("without a list nothing is collected").contains("stale");
    String collect =
        configuration.formatted(
            "modern", ",'cni.dev/valid-attachments':[{'containerID':'pod-kept','ifname':'eth0'}]");
    assertAnswer(host.cni("GC", kept, NO_CONTAINER, collect), 0, "");
    assertThat(endpoints()).contains("kept", "other").doesNotContain("stale");
    String checked = ",'prevResult':" + added.standardOutput();
    assertAnswer(
        host.cni("CHECK", kept, Map.of(), configuration.formatted("modern", checked)), 0, "");

    String none = configuration.formatted("modern", ",'cni.dev/valid-attachments':null");
    assertAnswer(host.cni("GC", kept, NO_CONTAINER, none), 0, "");
    assertThat(endpoints()).contains("other").doesNotContain("kept");
    assertAnswer(host.cni("DEL", other, Map.of(), neighbour), 0, "");
    for (Namespace sandbox : List.of(kept, stale, other)) {
      sandbox.delete();
    }
    assertNothingLeft();
  }

  @Test
  void ipamForOtherPluginsIsCollectedByNetworkToo() throws Exception {
    String configuration =
        "{'cniVersion':'1.1.0','name':'%s','type':'bridge','ipam':{'type':'calico-ipam'}%s}";
    for (String network : List.of("bridged", "bridged.pod")) {
      assertAnswer(ipam("ADD", configuration.formatted(network, "")), 0, "\"ips\"");
    }
    assertAnswer(ipam("STATUS", configuration.formatted("bridged", "")), 0, "");
    assertAnswer(ipam("GC", configuration.formatted("bridged", "")), 0, "");
    assertThat(etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/handle/"))
        .as("without a list nothing is collected")
        .contains("/calico/ipam/v2/handle/bridged.c1");
    assertAnswer(
        ipam("GC", configuration.formatted("bridged", ",'cni.dev/valid-attachments':[]")), 0, "");
    assertThat(etcdctl("get", "--prefix", "--keys-only", "/calico/ipam/v2/handle/").strip())
        .isEqualTo("/calico/ipam/v2/handle/bridged.pod.c1");
    assertAnswer(ipam("DEL", configuration.formatted("bridged.pod", "")), 0, "");
    assertNothingLeft();
  }

  private Command.Outcome ipam(String command, String configuration) throws IOException {
    return host.plugin(
        "calico-ipam",
        Map.of(
            "CNI_COMMAND",
            command,
            "CNI_CONTAINERID",
            "c1",
            "CNI_NETNS",
            "/run/netns/none",
            "CNI_IFNAME",
            "eth0",
            "CNI_PATH",
            "/"),
        configuration);
  }

  private static void assertAnswer(Command.Outcome outcome, int exitCode, String text) {
    assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(exitCode);
    if (text.isEmpty()) {
      assertThat(outcome.standardOutput()).isEmpty();
    } else {
      assertThat(outcome.standardOutput()).contains(text);
    }
  }

  private String attach(Namespace sandbox, Map<String, String> changed, String configuration)
      throws IOException {
    Command.Outcome added = host.cni("ADD", sandbox, changed, configuration);
    assertThat(added.exitCode()).as(added.output()).isZero();
    return TestHost.address(added.standardOutput());
  }

  private String endpoints() throws IOException {
    return host.calicoctl("", "get", "workloadendpoint", "-A").standardOutput();
  }
}
