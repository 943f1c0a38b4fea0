package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.node.check.CheckResult;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** calico-node with arguments. */
class NodeCommandTest {
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();
  private int status;

  private String run(Map<String, String> environment, String... arguments) {
    written.reset();
    PrintStream print = new PrintStream(written, true, StandardCharsets.UTF_8);
    status = NodeCommand.run(List.of(arguments), environment, print, print);
    return written.toString(StandardCharsets.UTF_8);
  }

  @Test
  void anUnknownArgumentIsNamedWithWhatThereIs() {
    assertThat(run(Map.of(), "--chekc")).contains("--chekc", "--check");
    assertThat(status).isEqualTo(2);
  }

  @Test
  void optionsExcludeEachOther() {
    assertThat(run(Map.of(), "--check", "--version")).contains("mutually exclusive");
    assertThat(status).isEqualTo(2);
  }

  @Test
  void theVersionIsTold() {
    assertThat(run(Map.of(), "--version")).startsWith("calico-node ");
    assertThat(status).isZero();
  }

  @Test
  void aCheckBeginsWithTheVariables() {
    assertThat(run(Map.of("CALICO_NETWORKING_BACKEND", "birds"), "--check"))
        .contains("CALICO_NETWORKING_BACKEND \"birds\"", "bird", "none", "vxlan");
    assertThat(status).isEqualTo(1);
  }

  @Test
  void aTableHasARemedyBelowWhatIsNotFine() {
    List<CheckResult> results =
        List.of(
            new CheckResult("one", CheckResult.State.OK, "fine", ""),
            new CheckResult("second", CheckResult.State.WARNING, "off", "turn it on"),
            new CheckResult("third", CheckResult.State.MISSING, "not there", "install it"));
    assertThat(CheckResult.table(results))
        .isEqualTo(
            """
            one     ok       fine
            second  warning  off
                    -> turn it on
            third   MISSING  not there
                    -> install it
            """);
    assertThat(CheckResult.isFine(results)).isFalse();
    assertThat(CheckResult.isFine(results.subList(0, 2))).isTrue();
  }
}
