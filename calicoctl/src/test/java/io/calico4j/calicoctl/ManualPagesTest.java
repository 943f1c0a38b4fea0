package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.testing.MemoryDatastore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;

/** Help, manual pages and completion are made of one model: nothing in it may be without words. */
class ManualPagesTest {
  @Test
  void everyCommandHasAPage() {
    assertThat(ManualPages.pages())
        .containsKeys("calicoctl", "calicoctl-apply", "calicoctl-ipam-check", "calicoctl-node-run")
        .allSatisfy((name, page) -> assertThat(page).contains("= " + name + "(1)", "== Synopsis"));
  }

  @Test
  void everyCommandOptionAndArgumentIsDescribed() {
    List<String> without = new ArrayList<>();
    collect(CalicoctlMain.commandLine(MemoryDatastore::new, Map.of()), without);
    assertThat(without).isEmpty();
  }

  private static void collect(CommandLine line, List<String> without) {
    String name = line.getCommandSpec().qualifiedName();
    if (line.getCommandSpec().usageMessage().description().length == 0) {
      without.add(name);
    }
    for (ArgSpec argument : line.getCommandSpec().args()) {
      if (argument.description().length == 0 && !argument.hidden()) {
        without.add(name + " " + argument);
      }
    }
    line.getSubcommands().values().forEach(subcommand -> collect(subcommand, without));
  }
}
