package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What another program removes from the kernel comes back at Felix' refresh intervals. */
class RefreshIntervalIT extends OneHost {
  @Test
  void rulesAndRoutesThatSomebodyRemovesComeBack() throws Exception {
    configureFelix("{nftablesRefreshInterval: 1s, routeRefreshInterval: 1s}");
    Workload a = host.start("drift-a", Orchestrator.RKT, "calico", Map.of());
    Workload b = host.start("drift-b", Orchestrator.RKT, "calico", Map.of());
    host.awaitNoUnusedRules();
    List<String> rules = sortedRules();

    host.command("nft", "delete", "table", "inet", "calico").mustRun();
    host.namespace().ip("route", "del", a.address());
    Await.until("the rules are back", 10, () -> sortedRules().equals(rules));
    Await.until("the route is back", 10, () -> host.workloadRoutes().size() == 2);
    assertThat(pings(a, b)).isTrue();

    for (String link : host.workloadLinks()) {
      String name = link.replaceAll("^[0-9]+: ([^@]+)@.*$", "$1");
      host.namespace().ip("link", "set", name, "down");
    }
    Await.until("the interfaces are up again", 10, () -> pings(b, a));
    host.delete(a);
    host.delete(b);
    assertNothingLeft();
  }

  private List<String> sortedRules() throws IOException {
    return host.rules().lines().map(String::strip).sorted().toList();
  }
}
