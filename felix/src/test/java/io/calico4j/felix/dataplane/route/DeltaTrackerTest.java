package io.calico4j.felix.dataplane.route;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.KernelException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class DeltaTrackerTest {
  private final DeltaTracker<String, Integer> tracker = new DeltaTracker<>();

  /** What is in the kernel, each value under its own text. */
  private final Map<String, Integer> kernel = new HashMap<>();

  private int refused = -1;
  private int operations;

  private void write(int value) throws KernelException {
    operations++;
    refuse(value);
    kernel.put(key(value), value);
  }

  private void delete(int value) throws KernelException {
    operations++;
    refuse(value);
    kernel.remove(key(value));
  }

  private void refuse(int value) throws KernelException {
    if (value == refused) {
      throw new KernelException("change", "value " + value, 16, "EBUSY");
    }
  }

  /** Values that are congruent modulo ten have the same key. */
  private static String key(int value) {
    return "k" + value % 10;
  }

  private void put(int value) {
    tracker.put(key(value), value);
  }

  private String apply() {
    operations = 0;
    KernelException deletion = tracker.delete(this::delete);
    KernelException write = tracker.write(this::write);
    return Objects.toString(deletion == null ? write : deletion, "");
  }

  @Test
  void startChangeAndInterferenceAreTheSame() {
    kernel.putAll(Map.of("k1", 1, "k2", 12, "k9", 9));
    put(1);
    put(2);
    put(3);
    assertThat(tracker.readBack(kernel)).as("nothing was written yet").isZero();
    assertThat(apply()).isEmpty();
    assertThat(kernel).isEqualTo(Map.of("k1", 1, "k2", 2, "k3", 3));
    assertThat(operations).as("1 is there, 9 goes, 2 and 3 are written").isEqualTo(3);

    put(13);
    tracker.remove("k1");
    assertThat(apply()).isEmpty();
    assertThat(kernel).isEqualTo(Map.of("k2", 2, "k3", 13));
    assertThat(operations).isEqualTo(2);

    kernel.remove("k2");
    kernel.put("k3", 23);
    kernel.put("k8", 8);
    assertThat(tracker.readBack(kernel)).as("k2 and k3; k8 was never ours").isEqualTo(2);
    assertThat(apply()).isEmpty();
    assertThat(kernel).isEqualTo(Map.of("k2", 2, "k3", 13));
  }

  @Test
  void whatIsTakenBackBeforeItIsWrittenCostsNothing() {
    put(1);
    assertThat(apply()).isEmpty();
    put(11);
    put(1);
    put(2);
    tracker.remove("k2");
    assertThat(apply()).isEmpty();
    assertThat(operations).isZero();
  }

  @Test
  void whatIsRefusedIsTriedAgainAndTheRestIsDone() {
    refused = 2;
    put(1);
    put(2);
    put(3);
    assertThat(apply()).contains("change value 2");
    assertThat(kernel).isEqualTo(Map.of("k1", 1, "k3", 3));
    refused = 3;
    tracker.remove("k3");
    assertThat(apply()).contains("change value 3");
    assertThat(kernel).isEqualTo(Map.of("k1", 1, "k2", 2, "k3", 3));
    refused = -1;
    assertThat(apply()).isEmpty();
    assertThat(kernel).isEqualTo(Map.of("k1", 1, "k2", 2));
  }

  @Test
  void everythingIsTakenAway() {
    put(1);
    put(2);
    assertThat(apply()).isEmpty();
    tracker.clear();
    put(2);
    assertThat(apply()).isEmpty();
    assertThat(kernel).isEqualTo(Map.of("k2", 2));
    assertThat(operations).isEqualTo(1);
    assertThat(tracker.isEmpty()).isFalse();
    tracker.clear();
    assertThat(apply()).isEmpty();
    assertThat(tracker.isEmpty()).isTrue();
  }
}
