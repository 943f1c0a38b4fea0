package io.calico4j.node;

import io.calico4j.felix.dataplane.nft.GoFelixRemains;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import java.io.PrintStream;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a host that moves from Go's calico-node still has of it: named at start, removed if told.
 */
final class TakeOver {
  /** The option of calico-node that removes them. */
  static final String OPTION = "--take-over";

  /** The option that lists what an operator may set. */
  static final String HELP = "--help";

  private static final Logger log = LoggerFactory.getLogger(TakeOver.class);

  private TakeOver() {}

  /** Logs in one line what Go's Felix left and how to remove it; nothing when there is nothing. */
  static void nameRemains() {
    try (LibNftables nft = new LibNftables()) {
      GoFelixRemains remains = GoFelixRemains.find(nft);
      if (!remains.isEmpty()) {
        log.warn(
            "Go's Felix left {}: they drop workloads that they do not know. Stop Go's calico-node"
                + " on this host, then run: calico-node {}",
            remains.describe(),
            OPTION);
      }
    } catch (NftException e) {
      log.warn("it is not known whether Go's Felix left tables: {}", e.getMessage());
    }
  }

  private static String help() {
    return "usage: calico-node [--take-over | --help]\n\n"
        + "Without arguments it runs the agent of this host. --take-over removes what Go's Felix"
        + " left in\nnftables, and exits. Felix' own parameters: felix/README.md.\n\n"
        + NodeTables.help();
  }

  /**
   * Runs calico-node with arguments: {@link #OPTION} or {@link #HELP}.
   *
   * @return the exit status: 0 done, 1 refused, 2 arguments that make no sense
   */
  static int run(List<String> arguments, PrintStream out, PrintStream errors) {
    if (arguments.equals(List.of(HELP))) {
      out.print(help());
      return 0;
    }
    if (!arguments.equals(List.of(OPTION))) {
      errors.println(
          "calico-node: \""
              + String.join(" ", arguments)
              + "\" is unknown. Without arguments it runs the agent; "
              + OPTION
              + " removes what Go's Felix left in nftables, and exits; "
              + HELP
              + " lists the variables");
      return 2;
    }
    try (LibNftables nft = new LibNftables()) {
      GoFelixRemains remains = GoFelixRemains.find(nft);
      if (remains.isEmpty()) {
        out.println("Go's Felix left nothing in nftables here");
        return 0;
      }
      if (!GoFelixRemains.isReplaced(nft)) {
        errors.println(
            "calico-node: "
                + remains.describe()
                + " stay, because nothing would protect this host's workloads without them: table"
                + " inet calico is not in the kernel. Start calico-node, then run this again");
        return 1;
      }
      remains.remove(nft, nft);
      out.println("removed " + remains.describe());
      return 0;
    } catch (NftException e) {
      errors.println("calico-node: nothing was removed: " + String.valueOf(e.getMessage()).strip());
      return 1;
    }
  }
}
