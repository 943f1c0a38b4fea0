package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.testing.DamagedValues;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Damaged keys of every kind in a real etcd, beside good ones: the agent goes on, what is good
 * works, and nothing opens.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DamagedDataIT {
  private static final String ROOT = "/calico/resources/v3/projectcalico.org/";
  private static final String DAMAGED = "damaged-";
  private static final Set<ResourceKind<?>> POLICIES =
      Set.of(ResourceKind.NETWORK_POLICY, ResourceKind.GLOBAL_NETWORK_POLICY);

  /** So many of each kind: each value is put by a process of its own. */
  private static final int OF_EACH_KIND = 22;

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;
  private Workload one;
  private Workload two;
  private Workload stranger;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("beset", 11, "64512");
    host.startAgent();
    one = host.start("one", Orchestrator.RKT, "net", Map.of());
    two = host.start("two", Orchestrator.RKT, "net", Map.of());
    stranger = host.start("stranger", Orchestrator.RKT, "other", Map.of());
    Await.until("they share a network", 20, () -> reaches(one, two));
    assertThat(reaches(stranger, two)).isFalse();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private static boolean reaches(Workload from, Workload to) throws IOException {
    return PacketProbe.ping(from.sandbox(), to.address());
  }

  private void put(String key, String value) throws IOException {
    Path file = state.resolve("value");
    // etcdctl takes no empty value from a file.
    Files.write(file, (value.isEmpty() ? " " : value).getBytes(StandardCharsets.UTF_8));
    Command.of(
            "sh",
            "-c",
            "ETCDCTL_API=3 nsenter --net=/run/netns/fabric etcdctl --endpoints=\"$0\" put \"$1\""
                + " < \"$2\"",
            etcd.url(),
            key,
            file.toString())
        .mustRun();
  }

  /** Returns a part of the damaged values of a kind, spread over all of them. */
  private static List<Entry> some(ResourceKind<?> kind) {
    List<Entry> all = DamagedValues.of(kind, DAMAGED);
    List<Entry> some = new ArrayList<>();
    for (int i = 0; i < OF_EACH_KIND; i++) {
      some.add(all.get(i * all.size() / OF_EACH_KIND));
    }
    return some;
  }

  private long damaged() throws IOException {
    String page = host.page("/metrics");
    return Long.parseLong(
        page.replaceAll("(?s).*calico_datastore_damaged_resources ([0-9]+).*", "$1"));
  }

  @Test
  void whatIsGoodGoesOnBesideWhatIsDamaged() throws Exception {
    long agent = host.agentPid();
    for (ResourceKind<?> kind : DamagedValues.kinds()) {
      if (!POLICIES.contains(kind)) {
        for (Entry entry : some(kind)) {
          put(entry.key(), entry.value());
        }
      }
    }
    put("/calico/ipam/v2/host/beset/ipv4/block/nonsense", "{}");
    put("/calico/ipam/v2/assignment/ipv4/block/10.65.3.0-26", "{\"cidr\":null}");
    put(ROOT + "ippools/a/b/c", "{}");
    Await.until("damaged resources are counted", 30, () -> damaged() >= 100);

    Workload third = host.start("third", Orchestrator.RKT, "net", Map.of());
    assertThat(reaches(third, two)).isTrue();
    assertThat(reaches(one, two)).isTrue();
    assertThat(reaches(stranger, two)).isFalse();
    host.delete(third);
    assertThat(host.agentPid()).isEqualTo(agent);
    assertThat(host.isReady()).isTrue();
    assertThat(host.page("/readiness")).contains("Damaged: " + ROOT);
    String log = Files.readString(host.state().resolve("node.log"));
    String first = some(ResourceKind.WORKLOAD_ENDPOINT).get(0).key();
    assertThat(log.lines().filter(line -> line.contains(first + " cannot be read"))).hasSize(1);
    assertThat(host.calicoctl("", "get", "ippool").standardOutput())
        .contains("default-ipv4-ippool");
    assertThat(host.calicoctl("", "get", "ippool").output()).contains("damaged, left out");

    // A host that starts now meets all of it at once.
    TestHost other = testbed.addHost("latecomer", 12, "64512");
    other.startAgent();
    Workload far = other.start("far", Orchestrator.RKT, "net", Map.of());
    Await.until("routes come from good nodes", 60, () -> reaches(far, two));
    assertThat(reaches(stranger, far)).isFalse();
  }

  /** What such a policy would have denied is not known: it closes what it may select. */
  @Test
  void aDamagedPolicyClosesAndItsAllowRulesAllowNothing() throws Exception {
    put(
        ROOT + "globalnetworkpolicies/open",
        "{\"metadata\":{\"name\":\"open\"},\"spec\":{\"selector\":\"this is ==\",\"ingress\":"
            + "[{\"action\":\"Allow\"}],\"egress\":[{\"action\":\"Allow\"}]}}");
    Await.until("everything is closed", 20, () -> !reaches(one, two));
    assertThat(reaches(stranger, two)).isFalse();
    etcd.ctl("del", ROOT + "globalnetworkpolicies/open");
    Await.until("what was permitted is permitted again", 20, () -> reaches(one, two));
    assertThat(reaches(stranger, two)).isFalse();
  }
}
