package io.calico4j.felix.dataplane.nft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.kernel.NftSets;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.rules.SetType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the kernel refuses is closed, and everything else is in force. */
class RefusalsTest {
  private static final String BAD = "bad rule";

  /** Transactions that were taken. */
  private final List<String> taken = new ArrayList<>();

  private int checks;
  private boolean owned;
  private Wanted present = Wanted.EMPTY;

  private final NftablesDataplane dataplane =
      new NftablesDataplane(
          new Nft() {
            @Override
            public void run(String text) throws NftException {
              refuse(text);
              if (!text.contains("inet calico-hold")) {
                taken.add(text);
              }
            }

            @Override
            public void check(String text) throws NftException {
              checks++;
              refuse(text);
            }

            @Override
            public void close() {}
          },
          new NftSets() {
            @Override
            public void change(String table, List<Element> removed, List<Element> added) {}

            @Override
            public void close() {}
          },
          () -> 1,
          () -> {});

  private void refuse(String text) throws NftException {
    if (owned || text.contains(BAD) || text.contains("192.0.2.66")) {
      throw new NftException("Error: no such thing");
    }
  }

  private static Wanted ruleset(String rule, String member) {
    return new Wanted(
        Map.of("s", Wanted.AddressSet.of(SetType.IPV4, member)),
        Map.of(
            "filter-cali-good", List.of("accept"),
            "filter-cali-asking", List.of("ip saddr @s accept"),
            "filter-cali-doubtful", List.of(rule)),
        Map.of("cali1", "filter-cali-good"),
        Map.of("cali1", "filter-cali-doubtful"));
  }

  private void apply(Wanted wanted) throws NftException {
    wanted.putOver(present, dataplane.table());
    present = wanted;
    dataplane.apply();
  }

  private String last() {
    return taken.get(taken.size() - 1);
  }

  @Test
  void aRefusedChainDropsAndTheOthersAreProgrammed() throws Exception {
    apply(ruleset(BAD, "10.0.0.1"));
    assertThat(dataplane.refused()).containsExactly("filter-cali-doubtful");
    assertThat(last())
        .contains("add rule inet calico filter-cali-good accept")
        .contains("add rule inet calico filter-cali-doubtful drop comment")
        .contains("ip saddr @s accept");

    // As long as it is the same, it is not tried again.
    int before = checks;
    apply(ruleset(BAD, "10.0.0.2"));
    assertThat(checks).isEqualTo(before);

    apply(ruleset("accept", "10.0.0.2"));
    assertThat(dataplane.refused()).isEmpty();
    assertThat(last()).contains("add rule inet calico filter-cali-doubtful accept");
  }

  @Test
  void aRefusedSetIsEmptyAndWhatAsksItDrops() throws Exception {
    apply(ruleset("accept", "192.0.2.66"));
    assertThat(dataplane.refused()).containsExactly("s");
    assertThat(last())
        .contains("add rule inet calico filter-cali-asking drop comment")
        .contains("add rule inet calico filter-cali-good accept")
        .doesNotContain("192.0.2.66");
  }

  /** As when another program owns the table: nothing of ours is to blame, and nothing is closed. */
  @Test
  void whereTheBareTableIsRefusedNothingIsIsolated() throws Exception {
    owned = true;
    assertThatThrownBy(() -> apply(ruleset("accept", "10.0.0.1"))).isInstanceOf(NftException.class);
    assertThat(dataplane.refused()).isEmpty();
    owned = false;
    apply(ruleset("accept", "10.0.0.1"));
    assertThat(last()).contains("add rule inet calico filter-cali-doubtful accept");
  }
}
