package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.Entry;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamConfig;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.IpPoolSpec;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.resource.ResourceCodec;
import io.calico4j.core.selector.Selector;
import java.math.BigInteger;
import java.time.Clock;
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

  private final Reads reads;
  private final DecodeCache cache;
  private final String node;
  private final Clock clock;
  private final Map<Cidr, Held> blocks = new LinkedHashMap<>();
  private final List<Cidr> claimed = new ArrayList<>();
  private final Map<String, HeldHandle> handles = new LinkedHashMap<>();

  /** Keys whose revision a decision depends on although it does not write them; 0 is absent. */
  private final Map<String, Long> guards = new LinkedHashMap<>();

  /** A block with the revision it was read at (0: new) and whether it changed. */
  private record Held(Block block, long revision, boolean changed) {}

  private record HeldHandle(Handle handle, long revision, boolean changed) {}

  private record Pool(String name, IpPoolSpec spec) {}

  /** What had been decided at some point. */
  record Mark(
      Map<Cidr, Held> blocks,
      List<Cidr> claimed,
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
        Map.copyOf(blocks), List.copyOf(claimed), Map.copyOf(handles), Map.copyOf(guards));
  }

  /** Forgets what was decided after the mark. */
  void reset(Mark mark) {
    blocks.keySet().retainAll(mark.blocks().keySet());
    blocks.putAll(mark.blocks());
    claimed.clear();
    claimed.addAll(mark.claimed());
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
    List<Pool> pools = pools();
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
    for (Cidr cidr : claimed) {
      transaction.put(IpamKeys.affinity(node, cidr), "{\"state\":\"confirmed\",\"deleted\":false}");
    }
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
      IpAddress address, Block.Owner owner, List<Pool> pools, IpamConfig config)
      throws DatastoreException, IpamException {
    Pool pool =
        pools.stream()
            .filter(p -> p.spec().enabled() && p.spec().network().contains(address))
            .findFirst()
            .orElseThrow(
                () ->
                    new IpamException(
                        "address "
                            + address
                            + " is in no enabled IPPool: choose one inside "
                            + names(pools)));
    if (!pool.spec().allows("Workload")) {
      throw new IpamException(
          "address " + address + ": IPPool " + pool.name() + " does not allow workloads");
    }
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
      List<Pool> allPools,
      IpamConfig config)
      throws DatastoreException, IpamException {
    List<IpAddress> chosen = new ArrayList<>();
    if (count == 0) {
      return chosen;
    }
    List<Pool> pools = usablePools(family, wanted, allPools);
    int own = 0;
    for (Entry affinity : reads.list(IpamKeys.affinities(node, family))) {
      Cidr cidr = IpamKeys.cidrOf(affinity.key());
      if (pools.stream().noneMatch(p -> p.spec().network().contains(cidr))
          || affinity.value().contains("pending")) {
        continue;
      }
      own++;
      Held held = chosen.size() < count ? load(cidr) : null;
      if (held != null && isOurs(held.block())) {
        take(cidr, held, count, owner, chosen);
      }
    }
    if (config.autoAllocateBlocks()) {
      for (Pool pool : pools) {
        while (chosen.size() < count && own < config.maxBlocksPerHost()) {
          Optional<Cidr> free = freeBlock(pool);
          if (free.isEmpty()) {
            break;
          }
          own++;
          take(free.get(), claim(free.get()), count, owner, chosen);
        }
      }
    }
    if (chosen.size() < count && !config.strictAffinity()) {
      borrow(family, pools, count, owner, chosen);
    }
    if (chosen.size() < count) {
      throw new PoolExhaustedException(
          "no free "
              + (family == IpFamily.IPV4 ? "IPv4" : "IPv6")
              + " address for node "
              + node
              + " in "
              + names(pools)
              + ": add an IPPool or release addresses");
    }
    return chosen;
  }

  private void borrow(
      IpFamily family, List<Pool> pools, int count, Block.Owner owner, List<IpAddress> chosen)
      throws DatastoreException {
    for (Entry entry : reads.list(IpamKeys.blocks(family))) {
      Cidr cidr = IpamKeys.cidrOf(entry.key());
      if (chosen.size() < count
          && pools.stream().anyMatch(p -> p.spec().network().contains(cidr))) {
        Held held = load(cidr);
        if (held != null) {
          take(cidr, held, count, owner, chosen);
        }
      }
    }
  }

  private void take(Cidr cidr, Held held, int count, Block.Owner owner, List<IpAddress> chosen)
      throws DatastoreException {
    if (held.block().freeCount() == 0 || chosen.size() >= count) {
      return;
    }
    Block.Assigned outcome = held.block().assign(count - chosen.size(), owner);
    replace(cidr, outcome.block());
    count(owner, h -> h.plus(cidr, outcome.addresses().size()));
    chosen.addAll(outcome.addresses());
  }

  private Optional<Cidr> freeBlock(Pool pool) throws DatastoreException {
    Cidr network = pool.spec().network();
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
      if (!taken.contains(cidr)) {
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
    Instant now = clock.instant();
    Block block =
        Block.empty(
            cidr,
            "host:" + node,
            now.truncatedTo(ChronoUnit.SECONDS).toString(),
            now.getEpochSecond() * 1_000_000_000L + now.getNano());
    Held held = new Held(block, 0, true);
    blocks.put(cidr, held);
    claimed.add(cidr);
    return held;
  }

  private boolean isOurs(Block block) {
    return ("host:" + node).equals(block.affinity());
  }

  private List<Pool> pools() throws DatastoreException {
    List<Pool> pools = new ArrayList<>();
    for (Entry entry : reads.list(ResourceKind.IP_POOL.prefix())) {
      pools.add(cache.get(entry, Pool.class, Planner::pool));
    }
    return pools;
  }

  private static Pool pool(Entry entry) throws InvalidResourceException {
    Resource<IpPoolSpec> pool = ResourceCodec.decode(ResourceKind.IP_POOL, entry);
    return new Pool(pool.metadata().name(), pool.spec());
  }

  private List<Pool> usablePools(IpFamily family, List<String> wanted, List<Pool> pools)
      throws DatastoreException, IpamException {
    List<Pool> ofFamily =
        pools.stream().filter(p -> p.spec().network().family() == family).toList();
    List<Pool> usable = new ArrayList<>();
    if (wanted.isEmpty()) {
      Map<String, String> labels = nodeLabels();
      for (Pool pool : ofFamily) {
        String selector = pool.spec().nodeSelector();
        if (pool.spec().enabled()
            && pool.spec().allows("Workload")
            && !"Manual".equals(pool.spec().assignmentMode())
            && (selector == null || Selector.parse(selector).matches(labels))) {
          usable.add(pool);
        }
      }
    }
    for (String name : wanted) {
      Pool pool =
          ofFamily.stream()
              .filter(p -> p.name().equals(name) || p.spec().cidr().equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      new IpamException(
                          "there is no "
                              + family.keyName()
                              + " IPPool \""
                              + name
                              + "\": the pools are "
                              + names(pools)));
      if (!pool.spec().enabled()) {
        throw new IpamException("IPPool \"" + name + "\" is disabled");
      }
      usable.add(pool);
    }
    if (usable.isEmpty()) {
      throw new IpamException(
          "no configured Calico pools for node "
              + node
              + " ("
              + family.keyName()
              + "); the pools are "
              + names(pools));
    }
    return usable;
  }

  private Map<String, String> nodeLabels() throws DatastoreException, IpamException {
    Entry entry =
        reads
            .get(ResourceKey.of(ResourceKind.NODE, node).path())
            .orElseThrow(
                () ->
                    new IpamException(
                        "node " + node + " has no Node resource: is calico-node running there?"));
    return cache
        .get(entry, Resource.class, e -> ResourceCodec.decode(ResourceKind.NODE, e))
        .metadata()
        .labels();
  }

  private static String names(List<Pool> pools) {
    return pools.isEmpty()
        ? "(none)"
        : String.join(
            ", ", pools.stream().map(p -> p.name() + " (" + p.spec().cidr() + ")").toList());
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
