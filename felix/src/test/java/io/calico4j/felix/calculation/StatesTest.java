package io.calico4j.felix.calculation;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.resource.ValidationFilter;
import io.calico4j.core.testing.RandomCluster;
import io.calico4j.felix.rules.RecordingTable;
import io.calico4j.felix.rules.RulesetManager;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table depends on what is stored, never on the way there: after every step of a random
 * history, it equals the one that is calculated from the present values alone, in another order.
 */
class StatesTest {
  private static final int SEEDS = 60;
  private static final int STEPS = 120;

  /** A node's Felix without kernel and datastore. */
  private static final class Node {
    final Calculation calculation = new Calculation("here", ValidationFilter.silent(), Set.of());
    final RecordingTable table = new RecordingTable();
    final RulesetManager manager = new RulesetManager(table);

    void interfaces(Set<HostInterface> interfaces) {
      boolean unused = calculation.putInterfaces(interfaces);
    }

    void update(String key, @Nullable String json) {
      boolean unused = calculation.update(key, json == null ? null : new Entry(key, json, 1));
    }

    RecordingTable.Ruleset flush() {
      manager.accept(calculation.flush());
      manager.putLoopback(Set.of(), calculation.nodeAddresses());
      return table.snapshot();
    }
  }

  static LongStream seeds() {
    return LongStream.range(0, SEEDS);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void theWayDoesNotMatter(long seed) {
    Random random = new Random(seed);
    Map<String, String> stored = new TreeMap<>();
    Node node = new Node();
    Set<HostInterface> interfaces = Set.of();
    for (int step = 0; step < STEPS; step++) {
      if (random.nextInt(10) == 0) {
        interfaces = interfaces(random);
        node.interfaces(interfaces);
      }
      String key = RandomCluster.key(random);
      if (random.nextInt(4) == 0) {
        stored.remove(key);
        node.update(key, null);
      } else {
        String json =
            random.nextInt(25) == 0
                ? "{"
                : RandomCluster.value(ResourceKey.parse(key).orElseThrow(), random);
        stored.put(key, json);
        node.update(key, json);
      }
      if (random.nextInt(3) > 0) {
        continue;
      }
      Node fresh = new Node();
      fresh.interfaces(interfaces);
      List<String> keys = new ArrayList<>(stored.keySet());
      Collections.shuffle(keys, random);
      keys.forEach(k -> fresh.update(k, stored.get(k)));
      assertThat(node.flush()).as("seed %d, step %d", seed, step).isEqualTo(fresh.flush());
    }
    List.copyOf(stored.keySet()).forEach(key -> node.update(key, null));
    assertThat(node.flush()).as("seed %d, all deleted", seed).isEqualTo(new Node().flush());
    assertThat(node.calculation.flush()).isEmpty();
  }

  private static Set<HostInterface> interfaces(Random random) {
    Set<HostInterface> interfaces = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      interfaces.add(
          new HostInterface("eth" + i, Set.of(IpAddress.parse("192.0.2." + random.nextInt(3)))));
    }
    return interfaces;
  }
}
