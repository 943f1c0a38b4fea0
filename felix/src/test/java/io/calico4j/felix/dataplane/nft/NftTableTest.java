package io.calico4j.felix.dataplane.nft;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.NftSets;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.rules.Ruleset;
import io.calico4j.felix.rules.RulesetBuilder;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The text of the transaction between two rulesets, and its order. */
class NftTableTest {
  private static final String FROM = "filter-cali-from-wl-dispatch";
  private static final String TO = "filter-cali-to-wl-dispatch";
  private static final String INTERVALS = "type ipv4_addr; flags interval;";

  private static Ruleset.AddressSet set(String declaration, String... members) {
    return new Ruleset.AddressSet(declaration, new TreeSet<>(List.of(members)));
  }

  private static Ruleset sets(Map<String, Ruleset.AddressSet> sets) {
    return new Ruleset(sets, Map.of(), Map.of(), Map.of());
  }

  private static Ruleset chains(Map<String, List<String>> chains) {
    return new Ruleset(Map.of(), chains, Map.of(), Map.of());
  }

  /** One set, a chain for each direction, one interface. */
  private static Ruleset oneEndpoint() {
    return new Ruleset(
        Map.of("s", set(Ruleset.AddressSet.IPV4, "10.65.0.2", "10.65.0.1")),
        Map.of("tw", List.of("ip saddr @s accept", "drop"), "fw", List.of("accept")),
        Map.of("cali1", "fw"),
        Map.of("cali1", "tw"));
  }

  private static String lines(String... lines) {
    return String.join("\n", lines) + "\n";
  }

  @Test
  void theWholeTableIsDeletedDeclaredAndFilledInOneTransaction() {
    String text = NftTable.replaceAll(oneEndpoint());
    assertThat(text)
        .startsWith(
            lines(
                "add table inet calico",
                "delete table inet calico",
                "table inet calico {",
                "  map " + FROM + " { type ifname : verdict; }",
                "  map " + TO + " { type ifname : verdict; }"))
        .endsWith("\n}\n" + NftTable.change(Ruleset.EMPTY, oneEndpoint()));
  }

  @Test
  void anEmptyTableStillDropsWhatComesFromAndGoesToWorkloads() {
    String text = NftTable.replaceAll(Ruleset.EMPTY);
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
    assertThat(NftTable.replaceAll(Ruleset.EMPTY))
        .contains(
            "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, "
                + "nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept\n")
        .contains("iifname \"cali*\" jump filter-cali-from-wl\n")
        .doesNotContain("\\");
  }

  @Test
  void additionsGoSetsThenChainsThenRulesThenDispatch() {
    assertThat(NftTable.change(Ruleset.EMPTY, oneEndpoint()))
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
    assertThat(NftTable.change(oneEndpoint(), Ruleset.EMPTY))
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
  void equalRulesetsGiveNoText() {
    assertThat(NftTable.change(Ruleset.EMPTY, Ruleset.EMPTY)).isEmpty();
    assertThat(NftTable.change(oneEndpoint(), oneEndpoint())).isEmpty();
  }

  @Test
  void anEmptySetIsDeclaredAndGetsNoElements() {
    Ruleset empty = sets(Map.of("s", set(INTERVALS)));
    Ruleset filled = sets(Map.of("s", set(INTERVALS, "10.0.0.0/8")));
    assertThat(NftTable.change(Ruleset.EMPTY, empty))
        .isEqualTo(lines("add set inet calico s { type ipv4_addr; flags interval; }"));
    assertThat(NftTable.change(empty, filled))
        .isEqualTo(lines("add element inet calico s { 10.0.0.0/8 }"));
    assertThat(NftTable.change(filled, empty))
        .isEqualTo(lines("delete element inet calico s { 10.0.0.0/8 }"));
  }

  @Test
  void onlyMembersThatDifferAreNamed() {
    assertThat(
            NftTable.change(
                sets(Map.of("s", set(INTERVALS, "10.1.0.0/16", "10.2.0.0/16"))),
                sets(Map.of("s", set(INTERVALS, "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16")))))
        .isEqualTo(
            lines(
                "add element inet calico s { 10.3.0.0/16, 10.4.0.0/16 }",
                "delete element inet calico s { 10.1.0.0/16 }"));
  }

  @Test
  void aChainWithOtherRulesIsFlushedAndTheOthersStay() {
    assertThat(
            NftTable.change(
                chains(Map.of("c", List.of("accept"), "same", List.of("drop"))),
                chains(Map.of("c", List.of("drop", "accept"), "same", List.of("drop")))))
        .isEqualTo(
            lines(
                "flush chain inet calico c",
                "add rule inet calico c drop",
                "add rule inet calico c accept"));
    assertThat(
            NftTable.change(chains(Map.of("c", List.of("accept"))), chains(Map.of("c", List.of()))))
        .isEqualTo(lines("flush chain inet calico c"));
  }

  @Test
  void theChainToTheHostBelongsToTheSkeletonAndIsNeverRemoved() {
    assertThat(
            NftTable.change(
                chains(Map.of(RulesetBuilder.TO_HOST, List.of("drop"), "c", List.of())),
                Ruleset.EMPTY))
        .isEqualTo(lines("flush chain inet calico c", "delete chain inet calico c"));
  }

  @Test
  void anInterfaceThatGetsAnotherChainLeavesTheOldOneFirst() {
    Ruleset before =
        new Ruleset(
            Map.of(), Map.of("a", List.of(), "b", List.of()), Map.of("cali1", "a"), Map.of());
    Ruleset after =
        new Ruleset(Map.of(), Map.of("b", List.of()), Map.of("cali1", "b"), Map.of("cali1", "b"));
    assertThat(NftTable.change(before, after))
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
    Ruleset ruleset = new Ruleset(Map.of(), Map.of("c", List.of()), names, Map.of());
    assertThat(NftTable.change(Ruleset.EMPTY, ruleset))
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
    assertThat(NftTable.change(Ruleset.EMPTY, chains(Map.of("c", List.of(rule)))))
        .isEqualTo(lines("add chain inet calico c", "add rule inet calico c " + rule));
  }

  @Test
  void addressesAndVerdictsAreElementsAndNeedNoText() {
    Ruleset before = oneEndpoint();
    Ruleset after =
        new Ruleset(
            Map.of("s", set(Ruleset.AddressSet.IPV4, "10.65.0.2", "10.65.0.3")),
            before.chains(),
            Map.of("cali2", "fw"),
            before.toWorkload());
    NftTable.Elements elements = NftTable.elements(before, after).orElseThrow();
    assertThat(elements.removed())
        .containsExactly(
            new NftSets.Verdict(FROM, "cali1", "fw"),
            new NftSets.Address("s", IpAddress.parse("10.65.0.1")));
    assertThat(elements.added())
        .containsExactly(
            new NftSets.Verdict(FROM, "cali2", "fw"),
            new NftSets.Address("s", IpAddress.parse("10.65.0.3")));
  }

  @Test
  void whatIsMoreThanAddressesNeedsText() {
    Ruleset one = sets(Map.of("s", set(INTERVALS, "10.1.0.0/16")));
    assertThat(NftTable.elements(one, one)).isPresent();
    assertThat(NftTable.elements(one, sets(Map.of("s", set(INTERVALS))))).isEmpty();
    assertThat(NftTable.elements(one, Ruleset.EMPTY)).isEmpty();
    assertThat(NftTable.elements(Ruleset.EMPTY, chains(Map.of("c", List.of())))).isEmpty();
  }
}
