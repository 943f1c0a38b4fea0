package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamConfig;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at a change of IPAM's data: reads what it needs, decides, and collects the writes
 * with the revisions they depend on. Thrown away when the transaction conflicts.
 */
final class Planner {
  private static final int MAX_BLOCK_PROBES = 1 << 16;

  /** An empty block of another host is taken over when it was claimed longer ago than this. */
  private static final Duration MIN_CLAIM_AGE = Duration.ofMinutes(1);

  private static final Optional<String> CONFIRMED =
      Optional.of("{\"state\":\"confirmed\",\"deleted\":false}");

  private final Reads reads;
  private final DecodeCache cache;
  private final String node;
  private final Clock clock;
  private final Map<Cidr, Held> blocks = new LinkedHashMap<>();

  /** Affinity keys and what becomes of them: the confirmed state, or empty when they go. */
  private final Map<String, Optional<String>> affinities = new LinkedHashMap<>();

  private final Map<String, HeldHandle> handles = new LinkedHashMap<>();

  /** Keys whose revision a decision depends on although it does not write them; 0 is absent. */
  private final Map<String, Long> guards = new LinkedHashMap<>();

  /** A block with the revision it was read at (0: new) and whether it changed. */
  private record Held(Block block, long revision, boolean changed) {}

  private record HeldHandle(Handle handle, long revision, boolean changed) {}

  /** What had been decided at some point. */
  record Mark(
      Map<Cidr, Held> blocks,
      Map<String, Optional<String>> affinities,
      Map<String, HeldHandle> handles,
      Map<String, Long> guards) {}

  Planner(Reads reads, DecodeCache cache, String node, Clock clock) {
    this.reads = reads;
    this.cache = cache;
    this.node = node;
    this.clock = clock;
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

  /** Decides an assignment; all or nothing. */
  List<IpAddress> assign(AssignRequest request) throws DatastoreException, IpamException {
    handle(request.handleId());
    Block.Owner owner = Block.Owner.of(request.handleId(), request.attributes());
    IpamConfig config = IpamConfig.parse(reads.get(IpamKeys.CONFIG).map(Entry::value).orElse(null));
    Pools pools = Pools.read(reads, cache, node, request.use());
    List<IpAddress> assigned = new ArrayList<>();
    for (IpAddress address : request.fixed()) {
      assigned.add(assignFixed(address, owner, pools, config));
    }
    assigned.addAll(
        choose(IpFamily.IPV4, request.ipv4Count(), request.ipv4Pools(), owner, pools, config));
    assigned.addAll(
        choose(IpFamily.IPV6, request.ipv6Count(), request.ipv6Pools(), owner, pools, config));
    return assigned;
  }

  /** Releases what the handle holds and the test selects; returns what was released. */
  List<IpAddress> releaseByHandle(String handleId, Predicate<Block.Owner> test)
      throws DatastoreException {
    HeldHandle known = handle(handleId);
    guards.put(IpamKeys.handle(handleId), known.revision());
    List<IpAddress> released = new ArrayList<>();
    for (Cidr cidr : known.handle().counts().keySet()) {
      Held held = load(cidr);
      guards.put(IpamKeys.block(cidr), held == null ? 0 : held.revision());
      if (held == null) {
        count(handleId, h -> h.without(cidr));
        continue;
      }
      Predicate<Block.Owner> ours = owner -> handleId.equals(owner.handleId());
      Block.Released outcome = held.block().release(ours.and(test));
      released.addAll(outcome.addresses());
      int left = outcome.block().addresses(ours).size();
      if (!outcome.addresses().isEmpty()) {
        replace(cidr, outcome.block());
      }
      count(handleId, h -> h.without(cidr).plus(cidr, left));
    }
    return released;
  }

  /** Releases one address whoever holds it; false when it was free. */
  boolean releaseAddress(IpAddress address) throws DatastoreException {
    for (Entry entry : reads.list(IpamKeys.blocks(address.family()))) {
      Cidr cidr = IpamKeys.cidrOf(entry.key());
      if (!cidr.contains(address)) {
        continue;
      }
      Held held = load(cidr);
      Block.Owner owner = held == null ? null : held.block().owner(address);
      if (held == null || owner == null) {
        guards.put(entry.key(), entry.revision());
        return false;
      }
      replace(cidr, held.block().releaseAll(List.of(address)).block());
      if (owner.handleId() != null) {
        count(owner.handleId(), h -> h.plus(cidr, -1));
      }
      return true;
    }
    return false;
  }

  /** Releases an assignment if it is still the one that was found; false when it is not. */
  boolean releaseLeak(IpamCheck.Leak leak) throws DatastoreException {
    for (Entry entry : reads.list(IpamKeys.blocks(leak.address().family()))) {
      Cidr cidr = IpamKeys.cidrOf(entry.key());
      Held held = cidr.contains(leak.address()) ? load(cidr) : null;
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
    HeldHandle known = handle(handleId);
    if (known.revision() != revision) {
      return false;
    }
    Handle after = Handle.NONE;
    for (IpFamily family : IpFamily.values()) {
      for (Entry entry : reads.list(IpamKeys.blocks(family))) {
        Cidr cidr = IpamKeys.cidrOf(entry.key());
        Held held = load(cidr);
        int count =
            held == null
                ? 0
                : held.block().addresses(owner -> handleId.equals(owner.handleId())).size();
        if (count > 0 || known.handle().counts().containsKey(cidr)) {
          guards.put(entry.key(), entry.revision());
          after = after.plus(cidr, count);
        }
      }
    }
    Handle counted = after;
    count(handleId, unused -> counted);
    return true;
  }

  /** Deletes an affinity that is not its block's, if it is still as it was found. */
  boolean dropAffinity(String key, long revision) throws DatastoreException {
    Optional<Entry> entry = reads.get(key);
    Optional<IpamKeys.Affinity> affinity = IpamKeys.parseAffinity(key);
    if (affinity.isEmpty() || entry.isEmpty() || entry.get().revision() != revision) {
      return false;
    }
    Held held = load(affinity.get().block());
    if (held != null && ("host:" + affinity.get().node()).equals(held.block().affinity())) {
      return false;
    }
    guards.put(key, revision);
    guards.put(IpamKeys.block(affinity.get().block()), held == null ? 0 : held.revision());
    affinities.put(key, Optional.empty());
    return true;
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
          String key = IpamKeys.block(cidr);
          conditions.put(key, held.revision());
          if (isGone(held.block())) {
            transaction.delete(key);
          } else {
            transaction.put(key, held.block().toJson());
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
            cache.put(IpamKeys.block(cidr), revision, held.block());
          }
        });
  }

  private IpAddress assignFixed(
      IpAddress address, Block.Owner owner, Pools pools, IpamConfig config)
      throws DatastoreException, IpamException {
    Pools.Pool pool = pools.holding(address);
    Cidr cidr = new Cidr(address, pool.spec().effectiveBlockSize());
    Held held = load(cidr);
    if (held == null) {
      held = claim(cidr);
    } else if (config.strictAffinity() && !isOurs(held.block())) {
      throw new IpamException(
          "address "
              + address
              + " belongs to block "
              + cidr
              + " of "
              + held.block().affinity()
              + ", and strict affinity is on");
    }
    Block.Assigned outcome = held.block().assign(address, owner);
    if (outcome.addresses().isEmpty()) {
      Block.Owner holder = held.block().owner(address);
      throw new AddressInUseException(address, holder == null ? "(none)" : holder.handleId());
    }
    replace(cidr, outcome.block());
    count(owner, h -> h.plus(cidr, 1));
    return address;
  }

  private List<IpAddress> choose(
      IpFamily family,
      int count,
      List<String> wanted,
      Block.Owner owner,
      Pools allPools,
      IpamConfig config)
      throws DatastoreException, IpamException {
    List<IpAddress> chosen = new ArrayList<>();
    if (count == 0) {
      return chosen;
    }
    List<Pools.Pool> pools = allPools.usable(family, wanted);
    Reservations reserved = reservations();
    int own = 0;
    for (Entry affinity : reads.list(IpamKeys.affinities(node, family))) {
      Cidr cidr = cache.get(affinity, Cidr.class, e -> IpamKeys.cidrOf(e.key()));
      if (pools.stream().noneMatch(p -> p.network().contains(cidr))) {
        continue;
      }
      own++;
      if (chosen.size() < count) {
        takeOwn(affinity, cidr, count, owner, reserved, chosen);
      }
    }
    if (config.autoAllocateBlocks()) {
      for (Pools.Pool pool : pools) {
        while (chosen.size() < count && own < config.maxBlocksPerHost()) {
          Optional<Cidr> free = freeBlock(pool, reserved);
          if (free.isEmpty()) {
            break;
          }
          own++;
          take(free.get(), claim(free.get()), count, owner, reserved, chosen);
        }
      }
    }
    if (config.autoAllocateBlocks() && own < config.maxBlocksPerHost()) {
      takeOver(family, pools, config.maxBlocksPerHost() - own, count, owner, reserved, chosen);
    }
    if (chosen.size() < count && !config.strictAffinity()) {
      borrow(family, pools, count, owner, reserved, chosen);
    }
    if (chosen.size() < count) {
      throw new PoolExhaustedException(
          "no free "
              + (family == IpFamily.IPV4 ? "IPv4" : "IPv6")
              + " address for node "
              + node
              + " in "
              + Pools.names(pools)
              + ": add an IPPool or release addresses");
    }
    return chosen;
  }

  private void borrow(
      IpFamily family,
      List<Pools.Pool> pools,
      int count,
      Block.Owner owner,
      Reservations reserved,
      List<IpAddress> chosen)
      throws DatastoreException {
    for (Entry entry : reads.list(IpamKeys.blocks(family))) {
      Cidr cidr = IpamKeys.cidrOf(entry.key());
      if (chosen.size() < count && pools.stream().anyMatch(p -> p.network().contains(cidr))) {
        Held held = load(cidr);
        if (held != null) {
          take(cidr, held, count, owner, reserved, chosen);
        }
      }
    }
  }

  /**
   * Takes from a block of this node. An affinity that somebody left half claimed or half released
   * is confirmed again in the same transaction; one to a block of another host goes.
   */
  private void takeOwn(
      Entry affinity,
      Cidr cidr,
      int count,
      Block.Owner owner,
      Reservations reserved,
      List<IpAddress> chosen)
      throws DatastoreException {
    Held held = load(cidr);
    boolean confirmed = !affinity.value().contains("pending");
    if (held == null) {
      if (!reserved.cover(cidr)) {
        guards.put(affinity.key(), affinity.revision());
        take(cidr, claim(cidr), count, owner, reserved, chosen);
      }
    } else if (isOurs(held.block())) {
      int before = chosen.size();
      take(cidr, held, count, owner, reserved, chosen);
      if (!confirmed && chosen.size() > before) {
        guards.put(affinity.key(), affinity.revision());
        affinities.put(affinity.key(), CONFIRMED);
      }
    } else {
      guards.put(affinity.key(), affinity.revision());
      guards.put(IpamKeys.block(cidr), held.revision());
      affinities.put(affinity.key(), Optional.empty());
    }
  }

  /** Takes empty blocks from other hosts, when no free block is left for this one. */
  private void takeOver(
      IpFamily family,
      List<Pools.Pool> pools,
      int limit,
      int count,
      Block.Owner owner,
      Reservations reserved,
      List<IpAddress> chosen)
      throws DatastoreException {
    if (chosen.size() >= count) {
      return;
    }
    int taken = 0;
    Instant latest = clock.instant().minus(MIN_CLAIM_AGE);
    for (Entry entry : reads.list(IpamKeys.blocks(family))) {
      Cidr cidr = IpamKeys.cidrOf(entry.key());
      if (chosen.size() >= count || taken >= limit) {
        return;
      }
      if (pools.stream().noneMatch(p -> p.network().contains(cidr)) || reserved.cover(cidr)) {
        continue;
      }
      Held held = load(cidr);
      if (held != null && held.block().isEmpty() && held.block().claimedBefore(latest)) {
        String other = held.block().affinity();
        if (other != null && other.startsWith("host:") && !isOurs(held.block())) {
          affinities.put(
              IpamKeys.affinity(other.substring("host:".length()), cidr), Optional.empty());
          replace(cidr, emptyBlock(cidr));
          taken++;
          affinities.put(IpamKeys.affinity(node, cidr), CONFIRMED);
          Held ours = blocks.get(cidr);
          if (ours != null) {
            take(cidr, ours, count, owner, reserved, chosen);
          }
        }
      }
    }
  }

  /** Gives the affinity to a block back if the block is empty; false when it is not. */
  boolean releaseEmptyBlock(Cidr cidr) throws DatastoreException {
    Held held = load(cidr);
    String key = IpamKeys.affinity(node, cidr);
    if (held == null || !isOurs(held.block())) {
      guards.put(IpamKeys.block(cidr), held == null ? 0 : held.revision());
      affinities.put(key, Optional.empty());
      return true;
    }
    if (!held.block().isEmpty()) {
      return false;
    }
    replace(cidr, held.block().withoutAffinity());
    affinities.put(key, Optional.empty());
    return true;
  }

  /** Gives a host's affinity to a block back, whoever holds addresses of it. */
  void releaseAffinity(String host, Cidr cidr) throws DatastoreException {
    Held held = load(cidr);
    if (held == null || !("host:" + host).equals(held.block().affinity())) {
      guards.put(IpamKeys.block(cidr), held == null ? 0 : held.revision());
    } else {
      replace(cidr, held.block().withoutAffinity());
    }
    affinities.put(IpamKeys.affinity(host, cidr), Optional.empty());
  }

  private void take(
      Cidr cidr,
      Held held,
      int count,
      Block.Owner owner,
      Reservations reserved,
      List<IpAddress> chosen)
      throws DatastoreException {
    if (held.block().freeCount() == 0 || chosen.size() >= count) {
      return;
    }
    Block.Assigned outcome =
        held.block().assign(count - chosen.size(), owner, address -> !reserved.contain(address));
    if (!outcome.addresses().isEmpty()) {
      replace(cidr, outcome.block());
      count(owner, h -> h.plus(cidr, outcome.addresses().size()));
      chosen.addAll(outcome.addresses());
    }
  }

  private Optional<Cidr> freeBlock(Pools.Pool pool, Reservations reserved)
      throws DatastoreException {
    Cidr network = pool.network();
    int size = pool.spec().effectiveBlockSize();
    TreeSet<Cidr> taken = new TreeSet<>(blocks.keySet());
    for (Entry entry : reads.list(IpamKeys.blocks(network.family()))) {
      taken.add(IpamKeys.cidrOf(entry.key()));
    }
    BigInteger total = BigInteger.ONE.shiftLeft(Math.max(0, size - network.prefix()));
    BigInteger start = BigInteger.valueOf(Integer.toUnsignedLong(spread(node))).mod(total);
    int shift = network.family().bits() - size;
    int probes = total.min(BigInteger.valueOf(MAX_BLOCK_PROBES)).intValue();
    for (int i = 0; i < probes; i++) {
      BigInteger index = start.add(BigInteger.valueOf(i)).mod(total);
      IpAddress first =
          new IpAddress(network.family(), network.address().value().add(index.shiftLeft(shift)));
      Cidr cidr = new Cidr(first, size);
      if (!taken.contains(cidr) && !reserved.cover(cidr)) {
        return Optional.of(cidr);
      }
    }
    return Optional.empty();
  }

  /** Spreads the hosts' starting blocks over a pool: 32-bit FNV-1 of the node's name. */
  private static int spread(String name) {
    int hash = 0x811c9dc5;
    for (int i = 0; i < name.length(); i++) {
      hash = hash * 0x01000193 ^ name.charAt(i);
    }
    return hash;
  }

  private Held claim(Cidr cidr) {
    Held held = new Held(emptyBlock(cidr), 0, true);
    blocks.put(cidr, held);
    affinities.put(IpamKeys.affinity(node, cidr), CONFIRMED);
    return held;
  }

  private Block emptyBlock(Cidr cidr) {
    Instant now = clock.instant();
    return Block.empty(
        cidr,
        "host:" + node,
        now.truncatedTo(ChronoUnit.SECONDS).toString(),
        now.getEpochSecond() * 1_000_000_000L + now.getNano());
  }

  private boolean isOurs(Block block) {
    return ("host:" + node).equals(block.affinity());
  }

  private Reservations reservations() throws DatastoreException {
    return Reservations.read(reads, cache);
  }

  private @Nullable Held load(Cidr cidr) throws DatastoreException {
    Held known = blocks.get(cidr);
    if (known != null) {
      return known;
    }
    Optional<Entry> entry = reads.get(IpamKeys.block(cidr));
    if (entry.isEmpty()) {
      return null;
    }
    Block block = cache.get(entry.get(), Block.class, Planner::block);
    Held held = new Held(block, entry.get().revision(), false);
    blocks.put(cidr, held);
    return held;
  }

  private static Block block(Entry entry) throws InvalidResourceException {
    try {
      return Block.parse(entry.value());
    } catch (IllegalArgumentException e) {
      throw new InvalidResourceException(entry.key() + ": " + e.getMessage(), e);
    }
  }

  private void replace(Cidr cidr, Block block) {
    Held held = blocks.get(cidr);
    blocks.put(cidr, new Held(block, held == null ? 0 : held.revision(), true));
  }

  private HeldHandle handle(String id) throws DatastoreException {
    HeldHandle known = handles.get(id);
    if (known != null) {
      return known;
    }
    Optional<Entry> entry = reads.get(IpamKeys.handle(id));
    try {
      HeldHandle held =
          new HeldHandle(
              entry.map(e -> Handle.parse(e.value())).orElse(Handle.NONE),
              entry.map(Entry::revision).orElse(0L),
              false);
      handles.put(id, held);
      return held;
    } catch (IllegalArgumentException e) {
      throw new InvalidResourceException(IpamKeys.handle(id) + ": " + e.getMessage(), e);
    }
  }

  private void count(Block.Owner owner, UnaryOperator<Handle> change) throws DatastoreException {
    String id = owner.handleId();
    if (id != null) {
      count(id, change);
    }
  }

  private void count(String handleId, UnaryOperator<Handle> change) throws DatastoreException {
    HeldHandle held = handle(handleId);
    Handle after = change.apply(held.handle());
    if (!after.equals(held.handle())) {
      handles.put(handleId, new HeldHandle(after, held.revision(), true));
    }
  }
}
