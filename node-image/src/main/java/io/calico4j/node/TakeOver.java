package io.calico4j.node;

import io.calico4j.felix.dataplane.nft.GoFelixRemains;
import io.calico4j.felix.dataplane.nft.LibNftables;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import java.io.PrintStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a host that moves from Go's calico-node still has of it: named at start, removed if told.
 */
final class TakeOver {
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
            NodeCommand.TAKE_OVER);
      }
    } catch (NftException e) {
      log.warn("it is not known whether Go's Felix left tables: {}", e.getMessage());
    }
  }

  /**
   * Removes them.
   *
   * @return the exit status: 0 done, 1 refused
   */
  static int run(PrintStream out, PrintStream errors) {
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
