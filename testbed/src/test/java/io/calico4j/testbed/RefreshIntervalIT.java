package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What another program removes from the kernel comes back at Felix' refresh intervals. */
class RefreshIntervalIT extends OneHost {
  /** When a route was deleted last. */
  private long deleted = System.nanoTime();

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

  @Test
  void routesLookAsFelixConfigurationSaysWhileItSaysSo() throws Exception {
    Workload workload = host.start("routed", Orchestrator.RKT, "calico", Map.of());
    String address = workload.address();
    host.namespace().ip("address", "add", "192.0.2.77/32", "dev", "lo");
    configureFelix("{deviceRouteProtocol: 80, deviceRouteSourceAddress: 192.0.2.77}");
    Await.until(
        "the route has the protocol and the source",
        10,
        () -> route(address).contains("proto 80") && route(address).contains("src 192.0.2.77"));

    configureFelix("{removeExternalRoutes: false, deviceRouteProtocol: 80}");
    Await.until("the source is the kernel's again", 10, () -> !route(address).contains("src"));
    String device = route(address).replaceAll(".* dev (\\S+).*", "$1").strip();
    host.namespace().ip("route", "add", "198.51.100.7", "dev", device);
    host.namespace().ip("route", "del", address);
    Await.until("the own route comes back", 10, () -> route(address).contains("proto 80"));
    assertThat(route("198.51.100.7")).as("it may stay").contains(device);
    configureFelix("{}");
    Await.until("it may not any more", 10, () -> route("198.51.100.7").isEmpty());
    Await.until("the route is the default's", 10, () -> !route(address).contains("proto 80"));

    configureFelix("{routeSyncDisabled: true}");
    Await.until("routes are left alone", 10, () -> staysAway(address));
    configureFelix("{}");
    Await.until("routes are kept again", 10, () -> !route(address).isEmpty());
    host.delete(workload);
    assertNothingLeft();
  }

  /**
   * Deletes a route that is there; tells whether it has stayed away for longer than a repair takes.
   */
  private boolean staysAway(String address) throws IOException {
    if (!route(address).isEmpty()) {
      host.namespace().ip("route", "del", address);
      deleted = System.nanoTime();
    }
    return System.nanoTime() - deleted > TimeUnit.SECONDS.toNanos(1);
  }

  private String route(String address) throws IOException {
    return host.namespace().command("ip", "-N", "route", "show", address).mustRun().strip();
  }

  private List<String> sortedRules() throws IOException {
    return host.rules().lines().map(String::strip).sorted().toList();
  }
}
