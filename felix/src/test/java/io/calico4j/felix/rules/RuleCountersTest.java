package io.calico4j.felix.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.rules.RuleCounters.Reading;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What rules have counted, while the table changes under them. */
class RuleCountersTest {
  private static final String ALLOW =
      "{\"action\":\"Allow\",\"protocol\":\"TCP\",\"destination\":{\"ports\":[%d]}}";
  private static final String DENY = "{\"action\":\"Deny\"}";

  private final Calculation calculation =
      new Calculation("here", ValidationFilter.silent(), Set.of());
  private final RecordingTable table = new RecordingTable();
  private final RulesetManager manager = new RulesetManager(table);

  /** What the kernel has: for each line of each chain, how many packets. */
  private final Map<String, List<Long>> kernel = new HashMap<>();

  private Map<String, List<String>> written = Map.of();

  private void put(String path, String json) {
    boolean unused =
        calculation.update(
            "/calico/resources/v3/projectcalico.org/" + path,
            new Entry("/calico/resources/v3/projectcalico.org/" + path, json, 1));
  }

  private void policy(String name, String... ingress) {
    put(
        "globalnetworkpolicies/" + name,
        """
        {"apiVersion":"projectcalico.org/v3","kind":"GlobalNetworkPolicy",
         "metadata":{"name":"%s"},
         "spec":{"selector":"all()","types":["Ingress"],"ingress":[%s]}}
        """
            .formatted(name, String.join(",", ingress)));
  }

  @BeforeEach
  void oneEndpoint() {
    put(
        "workloadendpoints/default/here-cni-one-eth0",
        """
        {"apiVersion":"projectcalico.org/v3","kind":"WorkloadEndpoint",
         "metadata":{"namespace":"default","name":"here-cni-one-eth0"},
         "spec":{"node":"here","orchestrator":"cni","workload":"one","endpoint":"eth0",
                 "interfaceName":"cali1","ipNetworks":["10.65.0.1/32"]}}
        """);
    manager.configure(FelixConfig.DEFAULTS.withRuleCounters(true));
    policy("guard", ALLOW.formatted(80), ALLOW.formatted(81), DENY);
    apply(true);
  }

  /** Brings the table into the kernel, which counts anew where something is written. */
  private void apply(boolean all) {
    manager.accept(calculation.flush());
    if (manager.counters().isPending() || all) {
      manager.counters().read(readings());
    }
    Map<String, List<String>> now = table.snapshot().chains();
    now.forEach(
        (chain, lines) -> {
          if (all || !lines.equals(written.get(chain))) {
            kernel.put(chain, new ArrayList<>(lines.stream().map(line -> 0L).toList()));
          }
        });
    kernel.keySet().retainAll(now.keySet());
    written = now;
    manager.counters().written(all);
  }

  private Map<String, List<Optional<Reading>>> readings() {
    Map<String, List<Optional<Reading>>> readings = new HashMap<>();
    kernel.forEach(
        (chain, packets) -> {
          List<Optional<Reading>> lines = new ArrayList<>();
          for (int i = 0; i < packets.size(); i++) {
            boolean counts = written.getOrDefault(chain, List.of()).get(i).contains("counter");
            lines.add(
                counts
                    ? Optional.of(new Reading(packets.get(i), packets.get(i) * 100))
                    : Optional.empty());
          }
          readings.put(chain, lines);
        });
    return readings;
  }

  /** Lets a packet meet every line that has these words. */
  private void packet(String words) {
    written.forEach(
        (chain, lines) -> {
          for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).contains("counter") && lines.get(i).contains(words)) {
              kernel.get(chain).set(i, kernel.get(chain).get(i) + 1);
            }
          }
        });
  }

  private Map<String, Long> counts() {
    manager.counters().read(readings());
    Map<String, Long> counts = new TreeMap<>();
    for (RuleCounters.Count count : manager.counters().counts()) {
      assertThat(count.ingress()).isTrue();
      assertThat(count.tier()).isEqualTo("default");
      assertThat(count.counted().bytes()).isEqualTo(100 * count.counted().packets());
      counts.put(
          count.policy() + " " + count.rule() + " " + count.action(), count.counted().packets());
    }
    return counts;
  }

  private static Map<String, Long> guard(long first, long second, long third) {
    return Map.of(
        "GlobalNetworkPolicy(guard) 1 Allow", first,
        "GlobalNetworkPolicy(guard) 2 Allow", second,
        "GlobalNetworkPolicy(guard) 3 Deny", third);
  }

  @Test
  void eachRuleCounts() {
    assertThat(counts()).isEqualTo(guard(0, 0, 0));
    packet("dport { 80 }");
    packet("dport { 80 }");
    packet("drop");
    assertThat(counts()).isEqualTo(guard(2, 0, 1));
  }

  @Test
  void aTableThatIsWrittenAnewGoesOnCounting() {
    packet("drop");
    apply(true);
    packet("drop");
    assertThat(counts()).isEqualTo(guard(0, 0, 2));
    apply(true);
    assertThat(counts()).isEqualTo(guard(0, 0, 2));
  }

  @Test
  void otherPoliciesChangeNothing() {
    packet("drop");
    policy("other", ALLOW.formatted(90));
    apply(false);
    assertThat(counts()).containsAllEntriesOf(guard(0, 0, 1)).hasSize(4);
  }

  @Test
  void onlyTheRuleThatChangesCountsAnew() {
    packet("dport { 80 }");
    packet("dport { 81 }");
    packet("drop");
    policy("guard", ALLOW.formatted(80), ALLOW.formatted(82), DENY);
    apply(false);
    packet("dport { 80 }");
    assertThat(counts()).isEqualTo(guard(2, 0, 1));
  }

  @Test
  void whatAnotherProgramResetsDoesNotGoBack() {
    packet("drop");
    packet("drop");
    assertThat(counts()).isEqualTo(guard(0, 0, 2));
    kernel.values().forEach(lines -> lines.replaceAll(n -> 0L));
    packet("drop");
    assertThat(counts()).isEqualTo(guard(0, 0, 3));
  }

  @Test
  void whatTheKernelHasInPlaceOfARefusedChainIsNotTaken() {
    packet("drop");
    assertThat(counts()).isEqualTo(guard(0, 0, 1));
    kernel.replaceAll((chain, lines) -> new ArrayList<>(List.of(9L)));
    manager.counters().read(Map.of("filter-cali-pi-x", List.of()));
    assertThat(manager.counters().counts()).allMatch(count -> count.counted().packets() <= 1);
  }

  @Test
  void theSwitchRendersOnceAndForgets() {
    assertThat(table.snapshot().chains().values().stream().flatMap(List::stream))
        .anyMatch(line -> line.contains("counter"));
    packet("drop");
    manager.configure(FelixConfig.DEFAULTS);
    apply(false);
    assertThat(table.snapshot().chains().values().stream().flatMap(List::stream))
        .noneMatch(line -> line.contains("counter"));
    assertThat(manager.counters().counts()).isEmpty();
    manager.configure(FelixConfig.DEFAULTS.withRuleCounters(true));
    apply(false);
    assertThat(counts()).isEqualTo(guard(0, 0, 0));
  }

  @Test
  void aPolicyThatIsGoneIsCountedNoMore() {
    boolean unused =
        calculation.update(
            "/calico/resources/v3/projectcalico.org/globalnetworkpolicies/guard", null);
    apply(false);
    assertThat(counts()).isEmpty();
  }
}
