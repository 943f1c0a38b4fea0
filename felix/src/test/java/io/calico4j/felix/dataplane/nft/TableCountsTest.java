package io.calico4j.felix.dataplane.nft;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.felix.dataplane.nft.TableState.Difference;
import io.calico4j.felix.rules.SetType;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Counts of the table, step by step; that they are the kernel's is shown by MetricsIT. */
class TableCountsTest {
  private final TableState table = new TableState();
  private final TableCounts counts = new TableCounts();

  private TableFigures send() {
    Difference difference = table.difference();
    counts.sent(difference);
    table.commit();
    return counts.figures();
  }

  @Test
  void nothingIsThereBeforeTheFirstTable() {
    assertThat(counts.figures()).isEqualTo(TableFigures.NONE);
  }

  @Test
  void aChangeIsAddedToWhatIsThere() {
    counts.replaced();
    TableFigures bare = counts.figures();
    assertThat(bare.maps()).isEqualTo(9);
    assertThat(bare.chains()).isGreaterThan(40);
    table.putSet("four", SetType.IPV4_NETWORKS);
    table.putSet("six", SetType.IPV6_NETWORKS);
    table.putChain("filter-cali-pi-x", List.of("accept", "drop"));
    // One that the bare table has, without rules.
    table.putChain("filter-cali-failsafe-in", List.of("tcp dport 22 accept"));
    assertThat(send()).isEqualTo(new TableFigures(bare.chains() + 1, bare.rules() + 3, 9, 1, 1));
    table.putChain("filter-cali-pi-x", List.of("drop"));
    assertThat(send()).isEqualTo(new TableFigures(bare.chains() + 1, bare.rules() + 2, 9, 1, 1));
    table.removeChain("filter-cali-pi-x");
    table.removeSet("four");
    assertThat(send().chains()).isEqualTo(bare.chains() + 1);
    counts.sent(table.unused());
    table.commitUnused();
    assertThat(counts.figures())
        .isEqualTo(new TableFigures(bare.chains(), bare.rules() + 1, 9, 0, 1));
    counts.replaced();
    assertThat(counts.figures()).isEqualTo(bare);
  }
}
