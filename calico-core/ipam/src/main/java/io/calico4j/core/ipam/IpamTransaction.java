package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpFamily;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What one attempt at a change of IPAM's data has read and is going to write: blocks, affinities
 * and handles with the revisions they depend on.
 */
final class IpamTransaction {
  private final Reads reads;
  private final DecodeCache cache;
  private final Map<Cidr, Held> blocks = new LinkedHashMap<>();

  /** Affinity keys and what becomes of them: the confirmed state, or empty when they go. */
  private final Map<String, Optional<String>> affinities = new LinkedHashMap<>();

  private final Map<HandleId, HeldHandle> handles = new LinkedHashMap<>();

  /** Keys whose revision a decision depends on although it does not write them; 0 is absent. */
  private final Map<String, Long> guards = new LinkedHashMap<>();

  /** A block under its key, with the revision it was read at (0: new) and whether it changed. */
  record Held(String key, Block block, long revision, boolean changed) {}

  record HeldHandle(Handle handle, long revision, boolean changed) {}

  /** What had been decided at some point. */
  record Mark(
      Map<Cidr, Held> blocks,
      Map<String, Optional<String>> affinities,
      Map<HandleId, HeldHandle> handles,
      Map<String, Long> guards) {}

  IpamTransaction(Reads reads, DecodeCache cache) {
    this.reads = reads;
    this.cache = cache;
  }

  /** Remembers what has been decided so far. */
  Mark mark() {
    return new Mark(
        Map.copyOf(blocks), Map.copyOf(affinities), Map.copyOf(handles), Map.copyOf(guards));
  }

  /** Forgets what was decided after the mark. */
  void reset(Mark mark) {
    blocks.keySet().retainAll(mark.blocks().keySet());
    blocks.putAll(mark.blocks());
    affinities.clear();
    affinities.putAll(mark.affinities());
    handles.clear();
    handles.putAll(mark.handles());
    guards.clear();
    guards.putAll(mark.guards());
  }

  /** Returns how many writes or conditions the transaction has so far, whichever are more. */
  int size() {
    long changed =
        blocks.values().stream().filter(Held::changed).count()
            + handles.values().stream().filter(HeldHandle::changed).count();
    return (int) changed + Math.max(guards.size(), affinities.size());
  }

  /** Adds the collected writes with their conditions. */
  void addTo(Transaction.Builder transaction) {
    Map<String, Long> conditions = new LinkedHashMap<>(guards);
    blocks.forEach(
        (cidr, held) -> {
          if (!held.changed()) {
            return;
          }
          conditions.put(held.key(), held.revision());
          if (isGone(held.block())) {
            transaction.delete(held.key());
          } else {
            transaction.put(held.key(), held.block().toJson());
          }
        });
    affinities.forEach(
        (key, value) ->
            value.ifPresentOrElse(
                state -> transaction.put(key, state), () -> transaction.delete(key)));
    handles.forEach(
        (id, held) -> {
          if (!held.changed()) {
            return;
          }
          String key = IpamKeys.handle(id);
          conditions.put(key, held.revision());
          if (held.handle().isEmpty()) {
            transaction.delete(key);
          } else {
            transaction.put(key, held.handle().toJson());
          }
        });
    conditions.forEach(transaction::require);
  }

  private static boolean isGone(Block block) {
    return block.isEmpty() && block.affinity() == null;
  }

  /** Keeps the blocks in the cache, once they are committed. */
  void committed(long revision) {
    blocks.forEach(
        (cidr, held) -> {
          if (held.changed()) {
            cache.put(held.key(), revision, held.block());
          }
        });
  }

  /** Makes the transaction depend on a key's revision (0: absent) although it does not write it. */
  void guard(String key, long revision) {
    guards.put(key, revision);
  }

  /** Writes an affinity, or deletes it (empty). */
  void affinity(String key, Optional<String> value) {
    affinities.put(key, value);
  }

  /** Returns the blocks whose affinity below a prefix is going to be confirmed. */
  List<Cidr> claimed(String prefix) {
    List<Cidr> claimed = new ArrayList<>();
    affinities.forEach(
        (key, value) -> {
          if (value.isPresent() && key.startsWith(prefix)) {
            claimed.add(IpamKeys.cidrOf(key));
          }
        });
    return claimed;
  }

  /** Returns the blocks that were read or made. */
  Set<Cidr> blocks() {
    return blocks.keySet();
  }

  /** Returns a block that was read or made before. */
  @Nullable Held held(Cidr cidr) {
    return blocks.get(cidr);
  }

  /** Tells whether a block is stored but cannot be read: nothing is taken from it or put there. */
  boolean isDamaged(Cidr cidr) throws DatastoreException {
    try {
      var unused = load(cidr);
      return false;
    } catch (InvalidResourceException e) {
      return true;
    }
  }

  /**
   * Reads a block once; null when there is none.
   *
   * @throws InvalidResourceException when it is damaged
   */
  @Nullable Held load(Cidr cidr) throws DatastoreException {
    Held known = blocks.get(cidr);
    if (known != null) {
      return known;
    }
    Optional<Entry> entry = reads.get(IpamKeys.block(cidr));
    if (entry.isEmpty()) {
      return null;
    }
    Block block = cache.get(entry.get(), Block.class, IpamTransaction::block);
    Held held = new Held(entry.get().key(), block, entry.get().revision(), false);
    blocks.put(cidr, held);
    return held;
  }

  private static Block block(Entry entry) throws InvalidResourceException {
    try {
      Block block = Block.parse(entry.value());
      if (!IpamKeys.block(block.cidr()).equals(entry.key())) {
        throw new IllegalArgumentException("it says that it is block " + block.cidr());
      }
      return block;
    } catch (IllegalArgumentException e) {
      throw new InvalidResourceException(entry.key() + ": " + e.getMessage(), e);
    }
  }

  /** Exchanges a block for another state of it; one that was not there is made. */
  void replace(Cidr cidr, Block block) {
    Held held = blocks.get(cidr);
    blocks.put(
        cidr,
        held == null
            ? new Held(IpamKeys.block(cidr), block, 0, true)
            : new Held(held.key(), block, held.revision(), true));
  }

  /**
   * Reads a handle once; one that is not there counts nothing. One that cannot be read counts what
   * the blocks hold for it, and is written anew with the next change, so that a damaged handle does
   * not keep its container's addresses from being released.
   */
  HeldHandle handle(HandleId id) throws DatastoreException {
    HeldHandle known = handles.get(id);
    if (known != null) {
      return known;
    }
    HeldHandle held = new HeldHandle(Handle.NONE, 0, false);
    Optional<Entry> entry = reads.get(IpamKeys.handle(id));
    if (entry.isPresent()) {
      try {
        held = new HeldHandle(Handle.parse(entry.get().value()), entry.get().revision(), false);
      } catch (IllegalArgumentException e) {
        held = new HeldHandle(counted(reads, id), entry.get().revision(), true);
      }
    }
    handles.put(id, held);
    return held;
  }

  /** Counts what the blocks hold for a handle; a block that cannot be read counts nothing. */
  static Handle counted(Reads reads, HandleId id) throws DatastoreException {
    Handle counted = Handle.NONE;
    for (IpFamily family : IpFamily.values()) {
      for (Entry entry : reads.list(IpamKeys.blocks(family))) {
        try {
          Block block = block(entry);
          int held = block.addresses(owner -> owner.isHeldBy(id)).size();
          counted = counted.plus(block.cidr(), held);
        } catch (InvalidResourceException e) {
          // What it holds stays held until it is mended.
        }
      }
    }
    return counted;
  }

  /** Changes what an owner's handle counts; a handle whose id cannot be read counts nothing. */
  void count(Block.Owner owner, UnaryOperator<Handle> change) throws DatastoreException {
    Optional<HandleId> id = owner.handle();
    if (id.isPresent()) {
      count(id.get(), change);
    }
  }

  void count(HandleId handleId, UnaryOperator<Handle> change) throws DatastoreException {
    HeldHandle held = handle(handleId);
    Handle after = change.apply(held.handle());
    if (!after.equals(held.handle())) {
      handles.put(handleId, new HeldHandle(after, held.revision(), true));
    }
  }
}
