package io.calico4j.mesos;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.Ipam;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds addresses of this node that net-modules allocated for a container that never came: no
 * endpoint names their uid. They are released after ten times the grace period, since a container
 * gets its endpoint long after its addresses.
 */
final class UnusedUids {
  private static final Logger log = LoggerFactory.getLogger(UnusedUids.class);
  private static final int PATIENCE = 10;

  private final Ipam ipam;
  private final long patience;
  private Map<HandleId, Long> since = new HashMap<>();

  UnusedUids(Ipam ipam, Duration grace) {
    this.ipam = ipam;
    patience = grace.multipliedBy(PATIENCE).toNanos();
  }

  /** Lets every period begin anew. */
  void forget() {
    since = new HashMap<>();
  }

  /**
   * Releases what has been unused for so long.
   *
   * @param used the uids that endpoints name
   * @param now of a clock that never goes back, in nanoseconds
   * @return how many uids were released
   */
  int release(Set<HandleId> used, long now) throws DatastoreException {
    Map<HandleId, Long> before = since;
    since = new HashMap<>();
    int released = 0;
    for (HandleId uid : allocated()) {
      if (used.contains(uid)) {
        continue;
      }
      long start = before.getOrDefault(uid, now);
      if (now - start >= patience) {
        log.warn("{} of uid {} are released: no container came", ipam.release(uid), uid);
        released++;
      } else {
        since.put(uid, start);
      }
    }
    return released;
  }

  private Set<HandleId> allocated() throws DatastoreException {
    Set<HandleId> uids = new HashSet<>();
    for (IpFamily family : IpFamily.values()) {
      for (Entry entry : ipam.reads().list(IpamKeys.blocks(family))) {
        // Most blocks of a cluster hold no such address: they are not parsed.
        if (entry.value().contains(NetModules.RUNTIME)) {
          collect(entry, uids);
        }
      }
    }
    return uids;
  }

  private void collect(Entry entry, Set<HandleId> uids) {
    try {
      Block block = Block.parse(entry.value());
      for (IpAddress address : block.addresses(this::isAllocatedHere)) {
        Block.Owner owner = block.owner(address);
        if (owner != null) {
          owner.handle().ifPresent(uids::add);
        }
      }
    } catch (IllegalArgumentException e) {
      log.warn("{} cannot be read, its addresses stay: {}", entry.key(), e.getMessage());
    }
  }

  private boolean isAllocatedHere(Block.Owner owner) {
    return NetModules.RUNTIME.equals(owner.secondary().get(NetModules.RUNTIME_ATTRIBUTE))
        && ipam.node().is(owner.secondary().get("node"));
  }
}
