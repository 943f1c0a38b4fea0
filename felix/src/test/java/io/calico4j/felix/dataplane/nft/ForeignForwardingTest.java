package io.calico4j.felix.dataplane.nft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.felix.dataplane.nft.Nft.NftException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which chains of other programs are opened, named, or left alone. */
class ForeignForwardingTest {
  private static final String ACCEPTING =
      """
      {"rule":{"family":"ip","table":"filter","chain":"FORWARD","expr":[
        {"match":{"op":"==","left":{"meta":{"key":"%s"}},"right":"cali*"}},{"accept":null}]}}""";

  private final List<String> commands = new ArrayList<>();
  private String chains = "";
  private String rules = "";

  private final ForeignForwarding foreign =
      new ForeignForwarding(
          command -> {
            if (command.endsWith(" fwd")) {
              throw new NftException("syntax error, unexpected fwd");
            }
            return "{\"nftables\":[{\"metainfo\":{}}"
                + (command.equals("list chains") ? chains : rules)
                + "]}";
          },
          new Nft() {
            @Override
            public void run(String text) {
              commands.add(text);
            }

            @Override
            public void check(String text) {}

            @Override
            public void close() {}
          });

  private void chain(String family, String table, String name, String hook, String policy) {
    chains +=
        ",{\"chain\":{\"family\":\"%s\",\"table\":\"%s\",\"name\":\"%s\",\"hook\":\"%s\",\"policy\":\"%s\"}}"
            .formatted(family, table, name, hook, policy);
  }

  @Test
  void iptablesForwardIsOpenedAndNothingElseIsTouched() throws Exception {
    chain("ip", "filter", "FORWARD", "forward", "drop");
    chain("ip", "filter", "INPUT", "input", "drop");
    chain("ip6", "filter", "FORWARD", "forward", "accept");
    chain("inet", "calico", "filter-FORWARD", "forward", "drop");
    assertThat(foreign.check())
        .isEqualTo(new ForeignForwarding.Findings(List.of("ip filter FORWARD"), List.of()));
    assertThat(commands)
        .containsExactly(
            "insert rule ip filter FORWARD iifname \"cali*\" counter accept\n"
                + "insert rule ip filter FORWARD oifname \"cali*\" counter accept\n");
  }

  @Test
  void whatIsThereIsNotInsertedAgain() throws Exception {
    chain("ip", "filter", "FORWARD", "forward", "drop");
    rules = "," + ACCEPTING.formatted("iifname");
    var unused = foreign.check();
    assertThat(commands)
        .containsExactly("insert rule ip filter FORWARD oifname \"cali*\" counter accept\n");
    rules += "," + ACCEPTING.formatted("oifname");
    assertThat(foreign.check().opened()).isEmpty();
    assertThat(commands).hasSize(1);
  }

  @Test
  void anotherTableIsNamedOnceUntilItIsMended() throws Exception {
    chain("inet", "mine", "fwd", "forward", "drop");
    assertThat(foreign.check().closed()).containsExactly("inet mine fwd");
    assertThat(foreign.check().closed()).isEmpty();
    String closing = chains;
    chains = "";
    assertThat(foreign.check().closed()).isEmpty();
    chains = closing;
    assertThat(foreign.check().closed()).containsExactly("inet mine fwd");
    assertThat(commands).isEmpty();
  }

  /** nftables lists no chain whose name is one of its own words; the others are looked at. */
  @Test
  void aChainThatCannotBeListedIsNamedAndTheOthersAreOpened() throws Exception {
    chain("inet", "mine", "fwd", "forward", "drop");
    chain("ip", "filter", "FORWARD", "forward", "drop");
    rules = ",{\"rule\":{\"expr\":[\"notrack\",{\"accept\":null}]}}";
    assertThat(foreign.check())
        .isEqualTo(
            new ForeignForwarding.Findings(List.of("ip filter FORWARD"), List.of("inet mine fwd")));
  }

  @Test
  void aListingThatCannotBeReadIsAnError() {
    chains = ",{";
    assertThatThrownBy(foreign::check)
        .isInstanceOf(NftException.class)
        .hasMessageContaining("listing cannot be read");
  }
}
