package io.calico4j.felix.dataplane.nft;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.kernel.NftSets.Verdict;
import io.calico4j.core.net.Cidr;
import io.calico4j.felix.calculation.Member;
import io.calico4j.felix.dataplane.nft.TableState.Difference;
import io.calico4j.felix.dataplane.nft.TableState.Members;
import io.calico4j.felix.rules.SetType;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** In which order the kernel is told what differs. */
class StagesTest {
  private final Difference difference = new Difference();

  private void put(SortedMap<String, Members> to, String set, SetType type, String... cidrs) {
    List<Member> members =
        Stream.of(cidrs).map(Cidr::parse).<Member>map(Member.Network::new).toList();
    to.put(set, new Members(type, members));
  }

  /** Prints what is not empty of each stage. */
  private List<String> stages() {
    Stages stages = Stages.of(difference);
    return Stream.of(stages.grow(), stages.change(), stages.shrink())
        .map(StagesTest::print)
        .toList();
  }

  private static String print(Difference stage) {
    StringBuilder text = new StringBuilder();
    stage.newSets().keySet().forEach(set -> text.append("set ").append(set).append(' '));
    stage.newChains().forEach(chain -> text.append("chain ").append(chain).append(' '));
    stage.rules().keySet().forEach(chain -> text.append("rules ").append(chain).append(' '));
    stage.added().forEach((set, some) -> print(text, '+', set, some));
    stage.removed().forEach((set, some) -> print(text, '-', set, some));
    stage.removedVerdicts().forEach(to -> text.append('-').append(to.interfaceName()).append(' '));
    stage.addedVerdicts().forEach(to -> text.append('+').append(to.interfaceName()).append(' '));
    return text.toString().strip();
  }

  private static void print(StringBuilder text, char sign, String set, Members some) {
    some.members()
        .forEach(
            member ->
                text.append(sign)
                    .append(set)
                    .append('=')
                    .append(((Member.Network) member).cidr())
                    .append(' '));
  }

  @Test
  void elementsThatHaveNothingToDoWithEachOtherChangeTogether() {
    put(difference.added(), "a", SetType.IPV4, "10.0.0.1/32");
    put(difference.removed(), "b", SetType.IPV4, "10.0.0.2/32");
    difference.removedVerdicts().add(new Verdict("from", "cali1", "x"));
    difference.addedVerdicts().add(new Verdict("from", "cali2", "x"));
    assertThat(stages()).containsExactly("", "+a=10.0.0.1/32 -b=10.0.0.2/32 -cali1 +cali2", "");
  }

  @Test
  void whatIsNewIsThereBeforeWhatLeadsToIt() {
    difference.newSets().put("n", SetType.IPV4);
    put(difference.added(), "n", SetType.IPV4, "10.0.0.1/32");
    difference.newChains().add("new");
    difference.rules().put("new", List.of("ip saddr @n drop"));
    difference.addedVerdicts().add(new Verdict("from", "cali1", "new"));
    assertThat(stages()).containsExactly("set n chain new rules new +n=10.0.0.1/32", "+cali1", "");
  }

  @Test
  void anAddressIsInBothSetsWhileItGoesOver() {
    put(difference.added(), "a", SetType.IPV4, "10.0.0.1/32");
    put(difference.removed(), "b", SetType.IPV4, "10.0.0.1/32");
    assertThat(stages()).containsExactly("+a=10.0.0.1/32", "", "-b=10.0.0.1/32");
  }

  @Test
  void anAddressAndItsNetworkGoOverLikewise() {
    put(difference.added(), "n", SetType.IPV4_NETWORKS, "10.0.0.0/8");
    put(difference.removed(), "a", SetType.IPV4, "10.0.0.1/32");
    assertThat(stages()).containsExactly("+n=10.0.0.0/8", "", "-a=10.0.0.1/32");

    difference.added().clear();
    difference.removed().clear();
    put(difference.added(), "a", SetType.IPV4, "10.0.0.1/32");
    put(difference.removed(), "n", SetType.IPV4_NETWORKS, "10.0.0.0/8");
    assertThat(stages()).containsExactly("+a=10.0.0.1/32", "", "-n=10.0.0.0/8");
  }

  @Test
  void rulesFindTheirMembersAndFormerRulesTheirs() {
    difference.rules().put("pi", List.of("ip saddr @b drop"));
    put(difference.added(), "b", SetType.IPV4, "10.0.0.2/32");
    put(difference.removed(), "a", SetType.IPV4, "10.0.0.1/32");
    assertThat(stages()).containsExactly("+b=10.0.0.2/32", "rules pi", "-a=10.0.0.1/32");
  }

  @Test
  void anInterfaceThatGetsAnotherChainIsLikeAnotherRule() {
    difference.removedVerdicts().add(new Verdict("from", "cali1", "x"));
    difference.addedVerdicts().add(new Verdict("from", "cali1", "y"));
    put(difference.removed(), "a", SetType.IPV4, "10.0.0.1/32");
    assertThat(stages()).containsExactly("", "-cali1 +cali1", "-a=10.0.0.1/32");
  }

  @Test
  void intervalsOfASetThatOverlapChangePlacesAtOnce() {
    difference.rules().put("pi", List.of("ip saddr . meta nfproto @n drop"));
    put(difference.added(), "n", SetType.IPV4_NETWORKS, "10.0.0.0/8", "20.1.0.0/16", "30.0.0.0/8");
    put(
        difference.removed(),
        "n",
        SetType.IPV4_NETWORKS,
        "10.1.0.0/16",
        "20.0.0.0/8",
        "40.0.0.0/8");
    assertThat(stages())
        .as("the larger one comes early and goes late")
        .containsExactly(
            "+n=10.0.0.0/8 +n=30.0.0.0/8 -n=10.1.0.0/16",
            "rules pi",
            "+n=20.1.0.0/16 -n=20.0.0.0/8 -n=40.0.0.0/8");
  }
}
