package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/** A host that Go's Felix programmed before: what it left is named, and removed when told. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class GoFelixRemainsIT {
  /** As Go's Felix writes them in nftables mode, shortened to what drops. */
  private static final String NFTABLES_MODE =
      """
      table FAMILY calico {
        map filter-cali-from-wl-dispatch {
          type ifname : verdict
        }
        chain filter-FORWARD {
          type filter hook forward priority filter; policy accept;
          iifname "cali*" counter jump filter-cali-from-wl-dispatch comment "cali:8ZoYfO5HKXWbB3pk"
        }
        chain filter-cali-from-wl-dispatch {
          iifname vmap @filter-cali-from-wl-dispatch
          drop comment "cali:zTj6P0TIgYvgz-md"
        }
      }
      table inet others {
        chain filter-cali-mine {
        }
      }
      """;

  private static final String IPTABLES_MODE =
      """
      set -e
      for t in iptables ip6tables; do
        $t -N cali-FORWARD
        $t -N cali-from-wl-dispatch
        $t -A FORWARD -m comment --comment cali:wUHhoiAYhphO9Mso -j cali-FORWARD
        $t -A FORWARD -m comment --comment of-another-program -p tcp --dport 9 -j ACCEPT
        $t -N mine-cali-
        $t -A FORWARD -j mine-cali-
        $t -A cali-FORWARD -i cali+ -m comment --comment cali:8ZoYfO5HKXWbB3pk -g cali-from-wl-dispatch
        $t -A cali-from-wl-dispatch -m comment --comment cali:zTj6P0TIgYvgz-md -j DROP
        $t -t nat -N cali-PREROUTING
        $t -t nat -A PREROUTING -m comment --comment cali:6gwbT8clXdHdC1b1 -j cali-PREROUTING
      done
      """;

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private TestHost host;
  private Workload one;
  private Workload two;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("moved", 11, "64512");
    for (String family : new String[] {"ip", "ip6"}) {
      Path file = Files.writeString(state.resolve(family), NFTABLES_MODE.replace("FAMILY", family));
      host.namespace().command("nft", "-f", file.toString()).mustRun();
    }
    host.namespace().command("sh", "-c", IPTABLES_MODE).mustRun();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private Command.Outcome node(String... arguments) throws IOException {
    String[] all = new String[arguments.length + 1];
    all[0] = Installed.distribution().resolve("bin/calico-node").toString();
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return host.command(all).run();
  }

  private String ruleset() throws IOException {
    return host.namespace().command("nft", "list", "ruleset").mustRun();
  }

  private boolean reaches() throws IOException {
    return PacketProbe.ping(one.sandbox(), two.address());
  }

  @Test
  @Order(1)
  void theyStayWhileNothingReplacesThem() throws Exception {
    String before = ruleset();
    Command.Outcome refused = node("--take-over");
    assertThat(refused.exitCode()).as(refused.output()).isEqualTo(1);
    assertThat(refused.output()).contains("table inet calico is not in the kernel");
    assertThat(ruleset()).isEqualTo(before);
  }

  @Test
  @Order(2)
  void theAgentNamesThem() throws Exception {
    host.startAgent();
    assertThat(Files.readString(host.state().resolve("node.log")))
        .contains(
            "Go's Felix left table ip calico, table ip6 calico, 2 chains cali-* in table ip filter,"
                + " 1 chain cali-* in table ip nat, 2 chains cali-* in table ip6 filter, 1 chain"
                + " cali-* in table ip6 nat: they drop workloads that they do not know. Stop Go's"
                + " calico-node on this host, then run: calico-node --take-over");
    one = host.start("one", Orchestrator.RKT, "net", Map.of());
    two = host.start("two", Orchestrator.RKT, "net", Map.of());
    assertThat(reaches()).isFalse();
  }

  @Test
  @Order(3)
  void theyAloneAreRemoved() throws Exception {
    Command.Outcome done = node("--take-over");
    assertThat(done.exitCode()).as(done.output()).isZero();
    assertThat(done.output()).contains("removed table ip calico, table ip6 calico, 2 chains");
    Await.until("workloads reach each other", 20, this::reaches);
    String after = ruleset();
    assertThat(after)
        .contains("table inet calico", "table inet others", "chain filter-cali-mine")
        .doesNotContain("table ip calico", "table ip6 calico", "chain cali-");
    for (String iptables : new String[] {"iptables", "ip6tables"}) {
      assertThat(host.namespace().command(iptables, "-S", "FORWARD").mustRun())
          .contains("of-another-program", "-j mine-cali-")
          .doesNotContain("-j cali-");
      assertThat(host.namespace().command(iptables, "-t", "nat", "-S").mustRun())
          .doesNotContain("cali-");
    }
    Command.Outcome again = node("--take-over");
    assertThat(again.exitCode()).as(again.output()).isZero();
    assertThat(again.output()).contains("left nothing");
  }

  @Test
  @Order(4)
  void otherArgumentsAreRefused() throws Exception {
    Command.Outcome refused = node("--takeover");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output()).contains("Unknown option: '--takeover'");
  }
}
