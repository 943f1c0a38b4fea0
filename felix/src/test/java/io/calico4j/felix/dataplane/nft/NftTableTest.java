package io.calico4j.felix.dataplane.nft;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.dataplane.nft.TableState.Difference;
import io.calico4j.felix.dataplane.nft.Wanted.AddressSet;
import io.calico4j.felix.rules.SetType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The text of the transaction between two rulesets, and its order. */
class NftTableTest {
  private static final String FROM = "filter-cali-from-wl-dispatch";
  private static final String TO = "filter-cali-to-wl-dispatch";

  private static Wanted sets(Map<String, AddressSet> sets) {
    return new Wanted(sets, Map.of(), Map.of(), Map.of());
  }

  private static Wanted chains(Map<String, List<String>> chains) {
    return new Wanted(Map.of(), chains, Map.of(), Map.of());
  }

  private static AddressSet networks(String... members) {
    return AddressSet.of(SetType.IPV4_NETWORKS, members);
  }

  /** Returns a table that has all of this in the kernel. */
  private static TableState committed(Wanted wanted) {
    TableState table = new TableState();
    wanted.putOver(Wanted.EMPTY, table);
    table.commit();
    return table;
  }

  /** Returns the text of a change, then that which removes what is not used any more. */
  private static String change(Wanted before, Wanted after) {
    TableState table = committed(before);
    after.putOver(before, table);
    String text = NftTable.change(table.difference());
    table.commit();
    return text + NftTable.change(table.unused());
  }

  private static String replaceAll(Wanted wanted) {
    TableState table = new TableState();
    wanted.putOver(Wanted.EMPTY, table);
    return NftTable.replaceAll(table.difference());
  }

  /** One set, a chain for each direction, one interface. */
  private static Wanted oneEndpoint() {
    return new Wanted(
        Map.of("s", AddressSet.of(SetType.IPV4, "10.65.0.2", "10.65.0.1")),
        Map.of("tw", List.of("ip saddr @s accept", "drop"), "fw", List.of("accept")),
        Map.of("cali1", "fw"),
        Map.of("cali1", "tw"));
  }

  private static String lines(String... lines) {
    return String.join("\n", lines) + "\n";
  }

  @Test
  void theWholeTableIsDeletedDeclaredAndFilledInOneTransaction() {
    String text = replaceAll(oneEndpoint());
    assertThat(text)
        .startsWith(
            lines(
                "add table inet calico",
                "delete table inet calico",
                "table inet calico {",
                "  map " + FROM + " { type ifname : verdict; }",
                "  map " + TO + " { type ifname : verdict; }"))
        .endsWith("\n}\n" + change(Wanted.EMPTY, oneEndpoint()));
  }

  @Test
  void anEmptyTableStillDropsWhatComesFromAndGoesToWorkloads() {
    String text = replaceAll(Wanted.EMPTY);
    assertThat(text)
        .endsWith("\n}\n")
        .doesNotContain("element", "add rule", "add set", "add chain")
        .contains(
            lines(
                "  chain filter-cali-from-wl {",
                "    iifname vmap @" + FROM,
                "    drop",
                "  }",
                "  chain filter-cali-to-wl {",
                "    oifname vmap @" + TO,
                "    drop",
                "  }"));
  }

  @Test
  void theSkeletonIsNftablesTextWithoutALineThatIsBroken() {
    assertThat(replaceAll(Wanted.EMPTY))
        .contains(
            "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, "
                + "nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept\n")
        .contains("iifname \"cali*\" jump filter-cali-from-wl\n")
        .doesNotContain("\\");
  }

  @Test
  void additionsGoSetsThenChainsThenRulesThenDispatch() {
    assertThat(change(Wanted.EMPTY, oneEndpoint()))
        .isEqualTo(
            lines(
                "add set inet calico s { type ipv4_addr; }",
                "add element inet calico s { 10.65.0.1, 10.65.0.2 }",
                "add chain inet calico fw",
                "add chain inet calico tw",
                "add rule inet calico fw accept",
                "add rule inet calico tw ip saddr @s accept",
                "add rule inet calico tw drop",
                "add element inet calico " + FROM + " { \"cali1\" : goto fw }",
                "add element inet calico " + TO + " { \"cali1\" : goto tw }"));
  }

  @Test
  void removalsGoTheOtherWayRound() {
    assertThat(
            change(oneEndpoint(), Wanted.EMPTY)
                .replace("{ 10.65.0.2, 10.65.0.1 }", "{ 10.65.0.1, 10.65.0.2 }"))
        .isEqualTo(
            lines(
                "delete element inet calico " + FROM + " { \"cali1\" }",
                "delete element inet calico " + TO + " { \"cali1\" }",
                "flush chain inet calico fw",
                "flush chain inet calico tw",
                "delete chain inet calico fw",
                "delete chain inet calico tw",
                "delete set inet calico s"));
  }

  @Test
  void equalWantedsGiveNoText() {
    assertThat(change(Wanted.EMPTY, Wanted.EMPTY)).isEmpty();
    assertThat(change(oneEndpoint(), oneEndpoint())).isEmpty();
  }

  @Test
  void anEmptySetIsDeclaredAndGetsNoElements() {
    Wanted empty = sets(Map.of("s", networks()));
    Wanted filled = sets(Map.of("s", networks("10.0.0.0/8")));
    assertThat(change(Wanted.EMPTY, empty))
        .isEqualTo(lines("add set inet calico s { type ipv4_addr . nf_proto; flags interval; }"));
    assertThat(change(empty, filled))
        .isEqualTo(lines("add element inet calico s { 10.0.0.0/8 . ipv4 }"));
    assertThat(change(filled, empty))
        .isEqualTo(lines("delete element inet calico s { 10.0.0.0/8 . ipv4 }"));
  }

  @Test
  void onlyMembersThatDifferAreNamed() {
    assertThat(
            change(
                sets(Map.of("s", networks("10.1.0.0/16", "10.2.0.0/16"))),
                sets(Map.of("s", networks("10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16")))))
        .isEqualTo(
            lines(
                "delete element inet calico s { 10.1.0.0/16 . ipv4 }",
                "add element inet calico s { 10.3.0.0/16 . ipv4, 10.4.0.0/16 . ipv4 }"));
  }

  @Test
  void aChainWithOtherRulesIsFlushedAndTheOthersStay() {
    assertThat(
            change(
                chains(Map.of("c", List.of("accept"), "same", List.of("drop"))),
                chains(Map.of("c", List.of("drop", "accept"), "same", List.of("drop")))))
        .isEqualTo(
            lines(
                "flush chain inet calico c",
                "add rule inet calico c drop",
                "add rule inet calico c accept"));
    assertThat(change(chains(Map.of("c", List.of("accept"))), chains(Map.of("c", List.of()))))
        .isEqualTo(lines("flush chain inet calico c"));
  }

  @Test
  void anInterfaceThatGetsAnotherChainLeavesTheOldOneFirst() {
    Wanted before =
        new Wanted(
            Map.of(), Map.of("a", List.of(), "b", List.of()), Map.of("cali1", "a"), Map.of());
    Wanted after =
        new Wanted(Map.of(), Map.of("b", List.of()), Map.of("cali1", "b"), Map.of("cali1", "b"));
    assertThat(change(before, after))
        .isEqualTo(
            lines(
                "delete element inet calico " + FROM + " { \"cali1\" }",
                "add element inet calico " + FROM + " { \"cali1\" : goto b }",
                "add element inet calico " + TO + " { \"cali1\" : goto b }",
                "flush chain inet calico a",
                "delete chain inet calico a"));
  }

  @Test
  void interfaceNamesAreQuotedSinceNftablesReadsSomeAsNumbersOrWords() {
    Map<String, String> names = Map.of("1e3", "c", "accept", "c", "cali-a.b_c", "c");
    Wanted ruleset = new Wanted(Map.of(), Map.of("c", List.of()), names, Map.of());
    assertThat(change(Wanted.EMPTY, ruleset))
        .isEqualTo(
            lines(
                "add chain inet calico c",
                "add element inet calico "
                    + FROM
                    + " { \"1e3\" : goto c, \"accept\" : goto c, \"cali-a.b_c\" : goto c }"));
  }

  @Test
  void rulesKeepTheirOwnQuotesAndBackslashes() {
    String rule = "log prefix \"calico \\\"x\\\": \" iifname \"cali*\" drop";
    assertThat(change(Wanted.EMPTY, chains(Map.of("c", List.of(rule)))))
        .isEqualTo(lines("add chain inet calico c", "add rule inet calico c " + rule));
  }

  @Test
  void elementsNeedNoText() {
    Wanted before = oneEndpoint();
    Wanted after =
        new Wanted(
            Map.of("s", AddressSet.of(SetType.IPV4, "10.65.0.2", "10.65.0.3")),
            before.chains(),
            Map.of("cali2", "fw"),
            before.toWorkload());
    TableState table = committed(before);
    after.putOver(before, table);
    Difference difference = table.difference();
    assertThat(difference.hasElementsOnly()).isTrue();
    assertThat(NftTable.removed(difference))
        .containsExactly(
            new NftSets.Verdict(FROM, "cali1", "fw"),
            new NftSets.Address("s", IpAddress.parse("10.65.0.1")));
    assertThat(NftTable.added(difference))
        .containsExactly(
            new NftSets.Verdict(FROM, "cali2", "fw"),
            new NftSets.Address("s", IpAddress.parse("10.65.0.3")));
  }

  @Test
  void whatComesAndGoesBetweenTwoTransactionsLeavesNoTrace() {
    TableState table = committed(oneEndpoint());
    Wanted.EMPTY.putOver(oneEndpoint(), table);
    oneEndpoint().putOver(Wanted.EMPTY, table);
    assertThat(table.difference().isEmpty()).isTrue();
    assertThat(table.hasUnused()).isFalse();
  }

  @Test
  void aSetOrAChainIsMoreThanElements() {
    TableState table = committed(sets(Map.of("s", networks("10.1.0.0/16"))));
    table.putSet("t", SetType.IPV4);
    assertThat(table.difference().hasElementsOnly()).isFalse();
    table = committed(Wanted.EMPTY);
    table.putChain("c", List.of());
    assertThat(table.difference().hasElementsOnly()).isFalse();
  }
}
