package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A workload's link: floating addresses, further sources, its MTU and its queues. */
class WorkloadLinkIT extends OneHost {
  @Test
  void anEndpointMayHaveFloatingAddressesAndFurtherSources() throws Exception {
    Workload a = host.start("nat-a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("nat-b", Orchestrator.RKT, "calico", Map.of());
    String floating = "10.200.0.7";
    assertThat(PacketProbe.tcp(a.sandbox(), floating)).isFalse();

    change(b, "ipNATs", "[{'internalIP':'" + b.address() + "','externalIP':'" + floating + "'}]");
    Await.until(
        "the floating address leads to b", 15, () -> PacketProbe.tcp(a.sandbox(), floating));
    assertThat(PacketProbe.tcp(b.sandbox(), floating)).as("b reaches itself").isTrue();
    Await.until("the host routes it to b", 15, () -> routes(floating).contains(link(b)));
    change(b, "ipNATs", "[]");
    Await.until("it leads nowhere", 15, () -> !PacketProbe.tcp(a.sandbox(), floating));
    Await.until("its route is gone", 15, () -> routes(floating).isEmpty());

    String source = "10.201.0.9";
    a.sandbox().ip("address", "add", source + "/32", "dev", "eth0");
    host.namespace().ip("route", "add", source, "via", a.address(), "dev", link(a), "onlink");
    change(b, "profiles", "['projectcalico-default-allow']");
    change(a, "profiles", "['projectcalico-default-allow']");
    change(a, "allowSpoofedSourcePrefixes", "['10.201.0.0/24']");
    Await.until(
        "a may send from it", 15, () -> PacketProbe.pingFrom(a.sandbox(), source, b.address()));
    a.sandbox().ip("address", "add", "10.202.0.9/32", "dev", "eth0");
    assertThat(PacketProbe.pingFrom(a.sandbox(), "10.202.0.9", b.address())).isFalse();

    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }

  private String routes(String address) throws IOException {
    return host.namespace().ip("route", "show", address).strip();
  }

  private String link(Workload workload) throws IOException {
    return host.namespace()
        .ip("-o", "route", "get", workload.address())
        .replaceAll("(?s)^.* dev (\\S+) .*$", "$1");
  }

  private void change(Workload workload, String field, String value) throws IOException {
    JsonArray endpoints =
        JsonParser.parseString(
                host.calicoctl("", "get", "workloadendpoint", "-o", "json").standardOutput())
            .getAsJsonObject()
            .getAsJsonArray("items");
    for (JsonElement endpoint : endpoints) {
      JsonObject spec = endpoint.getAsJsonObject().getAsJsonObject("spec");
      if (spec.get("ipNetworks").toString().contains("\"" + workload.address() + "/32\"")) {
        spec.add(field, JsonParser.parseString(value.replace('\'', '"')));
        apply(endpoint.toString());
        return;
      }
    }
    throw new AssertionError("no endpoint has " + workload.address());
  }

  @Test
  void theMtuLeavesRoomForTheEncapsulationInUse() throws Exception {
    Path file = host.state().resolve("lib/mtu");
    assertThat(Files.readString(file)).isEqualTo("1500");
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: IPPool
        metadata: {name: wrapped}
        spec: {cidr: 10.99.0.0/24, vxlanMode: Always, nodeSelector: "!all()"}
        """);
    Await.until("the MTU is 1450", 15, () -> Files.readString(file).equals("1450"));
    Workload a = host.start("mtu-a", Orchestrator.RKT, "calico", Map.of());
    assertThat(a.sandbox().ip("link", "show", "dev", "eth0")).contains("mtu 1450");
    host.delete(a);
    assertThat(host.calicoctl("", "delete", "ippool", "wrapped").exitCode()).isZero();
    Await.until("the MTU is 1500", 15, () -> Files.readString(file).equals("1500"));
    assertNothingLeft();
  }

  @Test
  void aPairHasOneQueueAtEachEnd() throws Exception {
    Workload a = host.start("queue", Orchestrator.RKT, "calico", Map.of());
    String inside = a.sandbox().ip("-d", "link", "show", "dev", "eth0");
    String outside = host.namespace().ip("-d", "link", "show", "type", "veth");
    assertThat(inside).contains("numtxqueues 1 ", "numrxqueues 1 ");
    assertThat(outside.lines().filter(l -> l.contains("numtxqueues 1 numrxqueues 1 "))).hasSize(1);
    host.delete(a);
    assertNothingLeft();
  }
}
