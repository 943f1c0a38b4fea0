package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
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
  private final IpamTransaction changes;

  Releaser(Reads reads, IpamTransaction changes) {
    this.reads = reads;
    this.changes = changes;
  }

  /** Releases what the handle holds and the test selects; returns what was released. */
  List<IpAddress> releaseByHandle(HandleId handleId, Predicate<Block.Owner> test)
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
      Predicate<Block.Owner> ours = owner -> owner.isHeldBy(handleId);
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
      changes.count(owner, h -> h.plus(cidr, -1));
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
  boolean recount(HandleId handleId, long revision) throws DatastoreException {
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
            held == null ? 0 : held.block().addresses(owner -> owner.isHeldBy(handleId)).size();
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
    if (held != null && affinity.get().isOf(held.block())) {
      return false;
    }
    changes.guard(key, revision);
    changes.guard(IpamKeys.block(affinity.get().block()), held == null ? 0 : held.revision());
    changes.affinity(key, Optional.empty());
    return true;
  }

  /** Gives a node's affinity to a block back if the block is empty; false when it is not. */
  boolean releaseEmptyBlock(NodeName node, Cidr cidr) throws DatastoreException {
    IpamTransaction.Held held = changes.load(cidr);
    String key = IpamKeys.affinity(node, cidr);
    if (held == null || !IpamKeys.Affinity.of(node, cidr).isOf(held.block())) {
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
  void releaseAffinity(IpamKeys.Affinity affinity) throws DatastoreException {
    Cidr cidr = affinity.block();
    IpamTransaction.Held held = changes.load(cidr);
    if (held == null || !affinity.isOf(held.block())) {
      changes.guard(IpamKeys.block(cidr), held == null ? 0 : held.revision());
    } else {
      changes.replace(cidr, held.block().withoutAffinity());
    }
    changes.affinity(affinity.key(), Optional.empty());
  }
}
