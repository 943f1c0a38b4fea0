package io.calico4j.felix.dataplane.nft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.rules.SetType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Which way a difference goes to the kernel, and what stays there for a while. */
class NftablesDataplaneTest {
  private static final String FROM = "filter-cali-from-wl-dispatch";
  private static final String TO = "filter-cali-to-wl-dispatch";

  /** What went to libnftables for the table itself. */
  private final List<String> commands = new ArrayList<>();

  /** The first line of each transaction, those for the table that holds meanwhile too. */
  private final List<String> transactions = new ArrayList<>();

  private boolean absent;

  /** What went to the kernel without it. */
  private final List<String> changes = new ArrayList<>();

  private boolean refusing;
  private Wanted present = Wanted.EMPTY;

  /** What the kernel says is the generation of the last transaction. */
  private int generation = 1;

  /** How many transactions of others come with each own one. */
  private int foreign;

  private final NftablesDataplane dataplane =
      new NftablesDataplane(
          new Nft() {
            @Override
            public void run(String text) {
              generation += 1 + foreign;
              transactions.add(text.lines().findFirst().orElseThrow());
              if (!text.contains("inet calico-hold")) {
                commands.add(text);
              }
            }

            @Override
            public void check(String text) throws NftException {
              if (absent) {
                throw new NftException("No such file or directory");
              }
            }

            @Override
            public void close() {}
          },
          new NftSets() {
            @Override
            public void change(String table, List<Element> removed, List<Element> added)
                throws KernelException {
              generation += 1 + foreign;
              changes.add(table + ": -" + removed + " +" + added);
              if (refusing) {
                throw new KernelException("change sets of", table, KernelException.ENODEV, "gone");
              }
            }

            @Override
            public void close() {}
          },
          () -> generation,
          () -> changes.add("packets"));

  /** A ruleset with one set, one endpoint chain by direction, and so many endpoints. */
  private static Wanted ruleset(int endpoints, String chain, List<String> members) {
    Map<String, String> from = new TreeMap<>();
    Map<String, String> to = new TreeMap<>();
    for (int i = 1; i <= endpoints; i++) {
      from.put("cali" + i, "fw-" + chain);
      to.put("cali" + i, "tw-" + chain);
    }
    Map<String, List<String>> chains =
        endpoints == 0
            ? Map.of()
            : Map.of("fw-" + chain, List.of("drop"), "tw-" + chain, List.of("ip saddr @s accept"));
    Map<String, Wanted.AddressSet> sets =
        endpoints == 0
            ? Map.of()
            : Map.of("s", new Wanted.AddressSet(SetType.IPV4, new TreeSet<>(members)));
    return new Wanted(sets, chains, from, to);
  }

  @Test
  void ownTransactionsAreToldFromThoseOfOthers() throws Nft.NftException {
    generation = 6;
    apply(ruleset(1, "a", List.of()));
    assertThat(dataplane.isForeign(7)).as("a copy, and the table").isFalse();
    assertThat(dataplane.mayBeForeign()).isFalse();
    generation++;
    assertThat(dataplane.mayBeForeign()).isTrue();
    assertThat(dataplane.isForeign(generation)).isTrue();
  }

  @Test
  void whatAnotherProgramDoesDuringAnOwnTransactionIsNeverTakenForOwn() throws Exception {
    apply(ruleset(1, "a", List.of()));
    int first = generation + 1;
    // Its command waits for ours in the kernel, and comes before we can ask what ours has made.
    foreign = 1;
    dataplane.invalidate();
    apply(ruleset(1, "a", List.of()));
    foreign = 0;
    assertThat(generation).isEqualTo(first + 5);
    for (int made = first; made <= generation; made++) {
      assertThat(dataplane.isForeign(made)).isTrue();
    }
  }

  private void apply(Wanted ruleset) throws Nft.NftException {
    commands.clear();
    changes.clear();
    ruleset.putOver(present, dataplane.table());
    present = ruleset;
    dataplane.apply();
  }

  @Test
  void anEndpointLikeAnotherIsFourElementsWithoutLibnftables() throws Exception {
    apply(ruleset(1, "a", List.of("10.65.0.1")));
    assertThat(commands).hasSize(1);
    assertThat(commands.get(0)).startsWith("add table inet calico\ndelete table inet calico\n");

    apply(ruleset(2, "a", List.of("10.65.0.1", "10.65.0.2")));
    assertThat(commands).isEmpty();
    assertThat(changes)
        .containsExactly(
            "calico: -[] +"
                + List.of(
                    new NftSets.Verdict(FROM, "cali2", "fw-a"),
                    new NftSets.Verdict(TO, "cali2", "tw-a"),
                    new NftSets.Address("s", IpAddress.parse("10.65.0.2"))));

    apply(ruleset(1, "a", List.of("10.65.0.1")));
    assertThat(commands).isEmpty();
    assertThat(changes).singleElement().asString().startsWith("calico: -[Verdict").endsWith("+[]");
  }

  @Test
  void theSameWantedChangesNothing() throws Exception {
    apply(ruleset(1, "a", List.of()));
    apply(ruleset(1, "a", List.of()));
    assertThat(commands).isEmpty();
    assertThat(changes).isEmpty();
  }

  @Test
  void otherChainsNeedLibnftables() throws Exception {
    apply(ruleset(1, "a", List.of()));
    apply(ruleset(1, "b", List.of()));
    assertThat(commands)
        .singleElement()
        .asString()
        .contains("add chain inet calico fw-b", "add rule inet calico tw-b ip saddr @s accept")
        .doesNotContain("goto");
    assertThat(changes)
        .as("what leads there comes after it")
        .singleElement()
        .asString()
        .contains(new NftSets.Verdict(FROM, "cali1", "fw-b").toString());
  }

  @Test
  void aNewSetIsFilledBeforeARuleAsksForIt() throws Exception {
    apply(withRule("drop", Map.of()));
    apply(
        withRule(
            "ip saddr . meta nfproto @n drop",
            Map.of("n", Wanted.AddressSet.of(SetType.IPV4_NETWORKS, "10.0.0.0/8"))));
    assertThat(commands).hasSize(2);
    assertThat(commands.get(0)).contains("add set inet calico n", "10.0.0.0/8");
    assertThat(commands.get(0)).doesNotContain("add rule");
    assertThat(commands.get(1)).contains("add rule inet calico pi").doesNotContain("add set");
  }

  @Test
  void packetsAreWaitedForBeforeMembersGoThatTheyMayAskFor() throws Exception {
    apply(withMember("drop", "10.0.0.1"));
    apply(withMember("accept", "10.0.0.2"));
    assertThat(commands).singleElement().asString().contains("add rule inet calico pi accept");
    assertThat(changes).hasSize(3);
    assertThat(changes.get(0)).startsWith("calico: -[] +[Address").contains("10.0.0.2");
    assertThat(changes.get(1)).isEqualTo("packets");
    assertThat(changes.get(2)).startsWith("calico: -[Address").contains("10.0.0.1");
  }

  private static Wanted withMember(String rule, String member) {
    return withRule(rule, Map.of("s", Wanted.AddressSet.of(SetType.IPV4, member)));
  }

  @Test
  void aSetThatNothingAsksForKeepsItsMembersUntilItGoes() throws Exception {
    apply(withMember("drop", "10.0.0.1"));
    apply(withRule("accept", Map.of()));
    assertThat(changes).isEmpty();
    assertThat(commands).singleElement().asString().doesNotContain("element");
    apply(withMember("drop", "10.0.0.2"));
    assertThat(changes).hasSize(3);
    assertThat(changes.get(2)).startsWith("calico: -[Address").contains("10.0.0.1");
  }

  private static Wanted withRule(String rule, Map<String, Wanted.AddressSet> sets) {
    return new Wanted(sets, Map.of("pi", List.of(rule)), Map.of(), Map.of());
  }

  @Test
  void whileTheTableIsReplacedACopyIsInForce() throws Exception {
    absent = true;
    apply(ruleset(1, "a", List.of()));
    assertThat(transactions)
        .as("nothing is replaced; one that a killed agent has left goes")
        .containsExactly("add table inet calico", "add table inet calico-hold");

    absent = false;
    transactions.clear();
    dataplane.invalidate();
    apply(ruleset(1, "a", List.of()));
    assertThat(transactions)
        .containsExactly(
            "add table inet calico-hold", "add table inet calico", "add table inet calico-hold");
    String held = NftTable.hold(commands.get(0));
    assertThat(held).doesNotContain("inet calico ").doesNotContain("inet calico\n");
    assertThat(held.lines()).hasSameSizeAs(commands.get(0).lines().toList());
  }

  @Test
  void networksAreElementsToo() throws Exception {
    apply(withNetwork("10.0.0.0/8"));
    apply(withNetwork("11.0.0.0/8"));
    assertThat(commands).isEmpty();
    assertThat(changes)
        .containsExactly(
            "calico: -"
                + List.of(new NftSets.Network("n", Cidr.parse("10.0.0.0/8")))
                + " +"
                + List.of(new NftSets.Network("n", Cidr.parse("11.0.0.0/8"))));
  }

  private static Wanted withNetwork(String member) {
    return new Wanted(
        Map.of("n", Wanted.AddressSet.of(SetType.IPV4_NETWORKS, member)),
        Map.of(),
        Map.of(),
        Map.of());
  }

  @Test
  void manyElementsAtOnceNeedLibnftables() throws Exception {
    apply(ruleset(1, "a", List.of()));
    apply(ruleset(1000, "a", List.of()));
    assertThat(changes).isEmpty();
    assertThat(commands).singleElement().asString().contains("\"cali1000\" : goto fw-a");
  }

  @Test
  void whatNothingLeadsToStaysUntilItIsTidied() throws Exception {
    apply(ruleset(1, "a", List.of("10.65.0.1")));
    apply(ruleset(0, "a", List.of()));
    assertThat(commands).isEmpty();
    assertThat(changes).hasSize(1);
    assertThat(dataplane.hasUnused()).isTrue();

    apply(ruleset(1, "a", List.of("10.65.0.2")));
    assertThat(commands).as("back at once, with the set as it ought to be").isEmpty();
    assertThat(changes)
        .singleElement()
        .asString()
        .contains(new NftSets.Address("s", IpAddress.parse("10.65.0.2")) + "]");
    assertThat(dataplane.hasUnused()).isFalse();

    apply(ruleset(0, "a", List.of()));
    commands.clear();
    dataplane.removeUnused();
    assertThat(dataplane.hasUnused()).isFalse();
    assertThat(commands)
        .singleElement()
        .asString()
        .contains("delete chain inet calico tw-a", "delete set inet calico s");
    apply(ruleset(1, "a", List.of("10.65.0.1")));
    assertThat(commands).singleElement().asString().contains("add chain inet calico tw-a");
  }

  @Test
  void aRefusedChangeReplacesTheWholeTable() throws Exception {
    apply(ruleset(1, "a", List.of()));
    refusing = true;
    apply(ruleset(2, "a", List.of()));
    assertThat(changes).hasSize(1);
    assertThat(commands)
        .singleElement()
        .asString()
        .startsWith("add table inet calico\ndelete table inet calico\n")
        .contains("\"cali2\" : goto tw-a");
  }

  @Test
  void afterARefusedTableTheNextOneIsWholeAgain() throws Exception {
    boolean[] failing = {true};
    NftablesDataplane other =
        new NftablesDataplane(
            new Nft() {
              @Override
              public void run(String text) throws NftException {
                if (!text.contains("inet calico-hold")) {
                  commands.add(text);
                }
                if (failing[0]) {
                  throw new NftException("no");
                }
              }

              @Override
              public void check(String text) {}

              @Override
              public void close() {}
            },
            new NftSets() {
              @Override
              public void change(String table, List<Element> removed, List<Element> added) {
                changes.add(table);
              }

              @Override
              public void close() {}
            },
            () -> 1,
            () -> {});
    ruleset(1, "a", List.of()).putOver(Wanted.EMPTY, other.table());
    assertThatThrownBy(other::apply).isInstanceOf(Nft.NftException.class);
    failing[0] = false;
    other.apply();
    assertThat(commands).hasSize(2);
    assertThat(commands.get(1)).isEqualTo(commands.get(0)).startsWith("add table inet calico\n");
    assertThat(changes).isEmpty();
  }
}
