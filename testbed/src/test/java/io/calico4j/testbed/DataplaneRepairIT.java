package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What other programs do to the table is undone at once, while Felix' own interval is switched off.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DataplaneRepairIT {
  private static final String CLOSED =
      """
      apiVersion: projectcalico.org/v3
      kind: GlobalNetworkPolicy
      metadata: {name: closed}
      spec: {order: 1, types: [Ingress, Egress], ingress: [{action: Deny}], egress: [{action: Deny}]}
      """;

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private TestHost host;
  private Workload one;
  private Workload two;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("repaired", 11, "64512");
    host.set("FELIX_NFTABLESREFRESHINTERVAL", "0");
    host.startAgent();
    one = host.start("one", Orchestrator.RKT, "net", Map.of());
    two = host.start("two", Orchestrator.RKT, "net", Map.of());
    Await.until("they share a network", 20, () -> reaches());
    assertThat(host.calicoctl(CLOSED, "apply", "-f", "-").exitCode()).isZero();
    Await.until("the policy is in force", 20, () -> !reaches());
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private boolean reaches() throws IOException {
    return PacketProbe.ping(one.sandbox(), two.address());
  }

  private String whole() throws IOException {
    return host.rules().replaceAll("counter packets [0-9]+ bytes [0-9]+", "");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "flush ruleset",
        "delete table inet calico",
        "flush chain inet calico filter-FORWARD",
        "flush chain inet calico raw-PREROUTING",
        "flush map inet calico filter-cali-to-wl-dispatch",
        "insert rule inet calico filter-cali-from-wl accept",
      })
  void isUndone(String command) throws Exception {
    host.awaitNoUnusedRules();
    String before = whole();
    host.namespace().command("sh", "-c", "nft '" + command + "'").mustRun();
    Await.until("the table is as it was after " + command, 15, () -> whole().equals(before));
    assertThat(reaches()).isFalse();
  }

  @Test
  void aProgramThatInsistsDoesNotKeepFelixFromItsWork() throws Exception {
    for (int i = 0; i < 50; i++) {
      host.namespace().command("nft", "flush chain inet calico filter-FORWARD").mustRun();
    }
    Workload third = host.start("third", Orchestrator.RKT, "net", Map.of());
    Await.until(
        "the newcomer is kept out", 10, () -> !PacketProbe.ping(third.sandbox(), two.address()));
    assertThat(reaches()).isFalse();
    host.delete(third);
    assertThat(host.page("/metrics")).containsPattern("calico_felix_table_repairs_total [1-9]");
  }

  @Test
  void tablesOfOthersAreTheirs() throws Exception {
    String before = host.page("/metrics").replaceAll("(?s).*repairs_total ([0-9]+).*", "$1");
    host.namespace().command("nft", "add table inet mine").mustRun();
    host.namespace().command("nft", "add chain inet mine c").mustRun();
    host.namespace().command("nft", "delete table inet mine").mustRun();
    Workload third = host.start("neutral", Orchestrator.RKT, "net", Map.of());
    host.delete(third);
    assertThat(host.page("/metrics").replaceAll("(?s).*repairs_total ([0-9]+).*", "$1"))
        .isEqualTo(before);
  }
}
