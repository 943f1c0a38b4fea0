package io.calico4j.core.kernel;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A NETLINK_NETFILTER socket that reads what rules of nftables have counted, in tables of the
 * family inet, without what sets hold. Usable from any thread; each call waits a bounded time.
 */
public interface NftRules extends AutoCloseable {
  /**
   * What a rule has counted.
   *
   * @param packets how many packets
   * @param bytes how many bytes they had
   */
  record Counter(long packets, long bytes) {}

  /**
   * Returns the counter of each rule, by chain and in the order of its rules; empty for a rule
   * without one. A table that is not there has no chains.
   */
  Map<String, List<Optional<Counter>>> counters(String table) throws KernelException;

  @Override
  void close();
}
