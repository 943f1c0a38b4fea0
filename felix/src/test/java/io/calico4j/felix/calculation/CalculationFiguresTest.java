package io.calico4j.felix.calculation;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.testing.RandomCluster;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The figures are those of what is stored, whatever has happened before. */
class CalculationFiguresTest {
  private static final int STEPS = 150;

  private static Calculation calculation() {
    return new Calculation("here", ValidationFilter.silent(), Set.of());
  }

  private static void update(Calculation calculation, String key, @Nullable String json) {
    boolean unused = calculation.update(key, json == null ? null : new Entry(key, json, 1));
  }

  static LongStream seeds() {
    return LongStream.range(0, 20);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void areTrue(long seed) {
    Random random = new Random(seed);
    Map<String, String> stored = new TreeMap<>();
    Calculation calculation = calculation();
    long told = 0;
    for (int i = 0; i < STEPS; i++) {
      String key = RandomCluster.key(random);
      if (random.nextInt(3) == 0) {
        stored.remove(key);
      } else {
        stored.put(key, RandomCluster.value(ResourceKey.parse(key).orElseThrow(), random));
      }
      update(calculation, key, stored.get(key));
      if (random.nextInt(5) == 0) {
        told += calculation.flush().size();
      }
    }
    told += calculation.flush().size();

    CalculationFigures figures = calculation.figures();
    Calculation again = calculation();
    ValidationFilter filter = ValidationFilter.silent();
    Map<ResourceKind<?>, Integer> readable = new HashMap<>();
    stored.forEach(
        (key, json) -> {
          update(again, key, json);
          ResourceKind<?> kind = ResourceKey.parse(key).orElseThrow().kind();
          if (filter.accept(kind, new Entry(key, json, 1)).isPresent()) {
            readable.merge(kind, 1, Integer::sum);
          }
        });
    var unused = again.flush();
    CalculationFigures fresh = again.figures();
    assertThat(figures.localEndpoints()).isEqualTo(fresh.localEndpoints());
    assertThat(figures.localPolicies()).isEqualTo(fresh.localPolicies());
    assertThat(figures.addressSets()).isEqualTo(fresh.addressSets());
    assertThat(figures.cluster()).isEqualTo(fresh.cluster());
    assertThat(figures.index().items()).isEqualTo(fresh.index().items());
    assertThat(figures.index().restricted() + figures.index().unrestricted())
        .isEqualTo(fresh.index().restricted() + fresh.index().unrestricted());
    assertThat(figures.output()).isEqualTo(told);
    assertThat(figures.updates().values().stream().mapToLong(n -> n).sum()).isEqualTo(STEPS);
    CalculationFigures.Cluster cluster = figures.cluster();
    assertThat(cluster.workloadEndpoints())
        .isEqualTo(readable.getOrDefault(ResourceKind.WORKLOAD_ENDPOINT, 0));
    assertThat(cluster.hostEndpoints())
        .isEqualTo(readable.getOrDefault(ResourceKind.HOST_ENDPOINT, 0));
    assertThat(cluster.hosts()).isEqualTo(readable.getOrDefault(ResourceKind.NODE, 0));
    assertThat(cluster.tiers()).isEqualTo(readable.getOrDefault(ResourceKind.TIER, 0));
    assertThat(cluster.profiles()).isEqualTo(1 + readable.getOrDefault(ResourceKind.PROFILE, 0));
    assertThat(cluster.policies())
        .isEqualTo(
            stored.keySet().stream()
                .filter(
                    key ->
                        key.startsWith(ResourceKind.GLOBAL_NETWORK_POLICY.prefix())
                            || key.startsWith(ResourceKind.NETWORK_POLICY.prefix()))
                .count());
    assertThat(figures.localEndpoints())
        .isEqualTo(
            calculation.localEndpoints().size()
                + calculation.hostEndpoints().values().stream()
                    .filter(interfaces -> !interfaces.isEmpty())
                    .count());
  }
}
