package io.calico4j.felix;

import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.NftRules;
import io.calico4j.felix.dataplane.nft.Nft.NftException;
import io.calico4j.felix.dataplane.nft.NftablesDataplane;
import io.calico4j.felix.rules.RuleCounters;
import io.calico4j.felix.rules.RuleCounters.Reading;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads what rules count: when it is asked, and before rules are written, which makes the kernel
 * begin anew. Nothing is read while nothing counts. Not for several threads.
 */
final class CounterReader implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CounterReader.class);

  private final RuleCounters counters;
  private final NftRules rules;
  private long replacements;
  private boolean failed;

  CounterReader(RuleCounters counters, Kernel kernel) throws KernelException {
    this.counters = counters;
    rules = kernel.nftRules();
  }

  /** Brings the table into the kernel, and keeps what was counted before. */
  void apply(NftablesDataplane dataplane) throws NftException {
    if (counters.isPending() || !counters.isEmpty() && dataplane.isReplacing()) {
      read();
    }
    dataplane.apply();
    counters.written(dataplane.replacements() != replacements);
    replacements = dataplane.replacements();
  }

  private void read() {
    try {
      Map<String, List<Optional<Reading>>> readings = new HashMap<>();
      rules
          .counters(NftablesDataplane.TABLE)
          .forEach(
              (chain, lines) ->
                  readings.put(
                      chain,
                      lines.stream()
                          .map(line -> line.map(c -> new Reading(c.packets(), c.bytes())))
                          .toList()));
      counters.read(readings);
      failed = false;
    } catch (KernelException e) {
      if (!failed) {
        log.warn("what rules have counted is not known now: {}", e.getMessage());
      }
      failed = true;
    }
  }

  /** Returns what rules have counted; none where nothing counts. */
  List<RuleCounters.Count> counts() {
    if (counters.isEmpty()) {
      return List.of();
    }
    read();
    return counters.counts();
  }

  @Override
  public void close() {
    rules.close();
  }
}
