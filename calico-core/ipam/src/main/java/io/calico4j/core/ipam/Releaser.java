package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Decides what goes: addresses, affinities to blocks, and what a check found to be wrong. */
final class Releaser {
  private final Reads reads;
  private final String node;
  private final IpamTransaction changes;

  Releaser(Reads reads, String node, IpamTransaction changes) {
    this.reads = reads;
    this.node = node;
    this.changes = changes;
  }

  /** Releases what the handle holds and the test selects; returns what was released. */
  List<IpAddress> releaseByHandle(String handleId, Predicate<Block.Owner> test)
      throws DatastoreException {
    IpamTransaction.HeldHandle known = changes.handle(handleId);
    changes.guard(IpamKeys.handle(handleId), known.revision());
    List<IpAddress> released = new ArrayList<>();
    for (Cidr cidr : known.handle().counts().keySet()) {
      IpamTransaction.Held held = changes.load(cidr);
      changes.guard(IpamKeys.block(cidr), held == null ? 0 : held.revision());
      if (held == null) {
        changes.count(handleId, h -> h.without(cidr));
        continue;
      }
      Predicate<Block.Owner> ours = owner -> handleId.equals(owner.handleId());
      Block.Released outcome = held.block().release(ours.and(test));
      released.addAll(outcome.addresses());
      int left = outcome.block().addresses(ours).size();
      if (!outcome.addresses().isEmpty()) {
        changes.replace(cidr, outcome.block());
      }
      changes.count(handleId, h -> h.without(cidr).plus(cidr, left));
    }
    return released;
  }

  /** Releases one address whoever holds it; false when it was free. */
  boolean releaseAddress(IpAddress address) throws DatastoreException {
    for (Entry entry : reads.list(IpamKeys.blocks(address.family()))) {
      Cidr cidr = IpamKeys.tryCidrOf(entry.key()).orElse(null);
      if (cidr == null || !cidr.contains(address)) {
        continue;
      }
      IpamTransaction.Held held = changes.load(cidr);
      Block.Owner owner = held == null ? null : held.block().owner(address);
      if (held == null || owner == null) {
        changes.guard(entry.key(), entry.revision());
        return false;
      }
      changes.replace(cidr, held.block().releaseAll(List.of(address)).block());
      if (owner.handleId() != null) {
        changes.count(owner.handleId(), h -> h.plus(cidr, -1));
      }
      return true;
    }
    return false;
  }

  /** Releases an assignment if it is still the one that was found; false when it is not. */
  boolean releaseLeak(IpamCheck.Leak leak) throws DatastoreException {
    for (Entry entry : reads.list(IpamKeys.blocks(leak.address().family()))) {
      Cidr cidr = IpamKeys.tryCidrOf(entry.key()).orElse(null);
      IpamTransaction.Held held =
          cidr != null && cidr.contains(leak.address()) ? changes.load(cidr) : null;
      if (held != null
          && leak.owner().equals(held.block().owner(leak.address()))
          && leak.sequence() == held.block().assignedAt(leak.address())) {
        return releaseAddress(leak.address());
      }
    }
    return false;
  }

  /**
   * Makes a handle count what the blocks hold, if it is still as it was found.
   *
   * @param revision the revision the handle was found at; 0 when it was absent
   */
  boolean recount(String handleId, long revision) throws DatastoreException {
    IpamTransaction.HeldHandle known = changes.handle(handleId);
    if (known.revision() != revision) {
      return false;
    }
    Handle after = Handle.NONE;
    for (IpFamily family : IpFamily.values()) {
      for (Entry entry : reads.list(IpamKeys.blocks(family))) {
        Cidr cidr = IpamKeys.tryCidrOf(entry.key()).orElse(null);
        if (cidr == null || changes.isDamaged(cidr)) {
          continue;
        }
        IpamTransaction.Held held = changes.load(cidr);
        int count =
            held == null
                ? 0
                : held.block().addresses(owner -> handleId.equals(owner.handleId())).size();
        if (count > 0 || known.handle().counts().containsKey(cidr)) {
          changes.guard(entry.key(), entry.revision());
          after = after.plus(cidr, count);
        }
      }
    }
    Handle counted = after;
    changes.count(handleId, unused -> counted);
    return true;
  }

  /** Deletes an affinity that is not its block's, if it is still as it was found. */
  boolean dropAffinity(String key, long revision) throws DatastoreException {
    Optional<Entry> entry = reads.get(key);
    Optional<IpamKeys.Affinity> affinity = IpamKeys.parseAffinity(key);
    if (affinity.isEmpty() || entry.isEmpty() || entry.get().revision() != revision) {
      return false;
    }
    IpamTransaction.Held held = changes.load(affinity.get().block());
    if (held != null && ("host:" + affinity.get().node()).equals(held.block().affinity())) {
      return false;
    }
    changes.guard(key, revision);
    changes.guard(IpamKeys.block(affinity.get().block()), held == null ? 0 : held.revision());
    changes.affinity(key, Optional.empty());
    return true;
  }

  /** Gives the affinity to a block back if the block is empty; false when it is not. */
  boolean releaseEmptyBlock(Cidr cidr) throws DatastoreException {
    IpamTransaction.Held held = changes.load(cidr);
    String key = IpamKeys.affinity(node, cidr);
    if (held == null || !isOurs(held.block())) {
      changes.guard(IpamKeys.block(cidr), held == null ? 0 : held.revision());
      changes.affinity(key, Optional.empty());
      return true;
    }
    if (!held.block().isEmpty()) {
      return false;
    }
    changes.replace(cidr, held.block().withoutAffinity());
    changes.affinity(key, Optional.empty());
    return true;
  }

  /** Gives a host's affinity to a block back, whoever holds addresses of it. */
  void releaseAffinity(String host, Cidr cidr) throws DatastoreException {
    IpamTransaction.Held held = changes.load(cidr);
    if (held == null || !("host:" + host).equals(held.block().affinity())) {
      changes.guard(IpamKeys.block(cidr), held == null ? 0 : held.revision());
    } else {
      changes.replace(cidr, held.block().withoutAffinity());
    }
    changes.affinity(IpamKeys.affinity(host, cidr), Optional.empty());
  }

  private boolean isOurs(Block block) {
    return ("host:" + node).equals(block.affinity());
  }
}
