package io.calico4j.core.ipam;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.IpamConfig;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.math.BigInteger;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Decides which addresses a node gets, and which blocks it claims, borrows or takes over for it.
 */
final class Assigner {
  private static final int MAX_BLOCK_PROBES = 1 << 16;

  /** An empty block of another host is taken over when it was claimed longer ago than this. */
  private static final Duration MIN_CLAIM_AGE = Duration.ofMinutes(1);

  private static final Optional<String> CONFIRMED =
      Optional.of("{\"state\":\"confirmed\",\"deleted\":false}");

  private final Reads reads;
  private final DecodeCache cache;
  private final NodeName node;
  private final Clock clock;
  private final IpamTransaction changes;
  private final List<Cidr> hostNetworks;

  /**
   * Makes one for a transaction.
   *
   * @param hostNetworks networks of the host's own interfaces, of which nothing is assigned
   */
  Assigner(
      Reads reads,
      DecodeCache cache,
      NodeName node,
      Clock clock,
      IpamTransaction changes,
      List<Cidr> hostNetworks) {
    this.reads = reads;
    this.cache = cache;
    this.node = node;
    this.clock = clock;
    this.changes = changes;
    this.hostNetworks = hostNetworks;
  }

  /** Decides an assignment; all or nothing. */
  List<IpAddress> assign(AssignRequest request) throws DatastoreException, IpamException {
    changes.handle(request.handleId());
    Block.Owner owner = Block.Owner.of(request.handleId(), request.attributes());
    IpamConfig config = config();
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

  private IpamConfig config() throws DatastoreException {
    Optional<Entry> stored = reads.get(IpamKeys.CONFIG);
    return stored.isPresent()
        ? cache.get(stored.get(), IpamConfig.class, e -> IpamConfig.parseOrDefault(e.value()))
        : IpamConfig.parse(null);
  }

  private IpAddress assignFixed(
      IpAddress address, Block.Owner owner, Pools pools, IpamConfig config)
      throws DatastoreException, IpamException {
    Pools.Pool pool = pools.holding(address);
    refuseHostAddress(address);
    Cidr cidr = new Cidr(address, pool.spec().effectiveBlockSize());
    IpamTransaction.Held held = changes.load(cidr);
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
      String handle = holder == null ? null : holder.handleId();
      throw new AddressInUseException(address, handle == null ? "(none)" : handle);
    }
    changes.replace(cidr, outcome.block());
    changes.count(owner, h -> h.plus(cidr, 1));
    return address;
  }

  private void refuseHostAddress(IpAddress address) throws IpamException {
    for (Cidr network : hostNetworks) {
      if (network.contains(address)) {
        throw new IpamException(
            "address "
                + address
                + " lies in "
                + network
                + ", a network of this host's interfaces, and may be a host's: choose another one");
      }
    }
  }

  /** Names the networks of the host that lie in pools, for a message; empty when none does. */
  private String withoutHostNetworks(List<Pools.Pool> pools) {
    List<String> inside =
        hostNetworks.stream()
            .filter(each -> pools.stream().anyMatch(pool -> pool.network().overlaps(each)))
            .map(Cidr::toString)
            .toList();
    return inside.isEmpty()
        ? ""
        : " (without " + String.join(", ", inside) + ", networks of this host's interfaces)";
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
    String affinities = IpamKeys.affinities(node, family);
    List<Cidr> claimedBefore = changes.claimed(affinities);
    int own = 0;
    for (Entry affinity : reads.list(affinities)) {
      Cidr cidr = readable(affinity);
      if (cidr == null) {
        continue;
      }
      claimedBefore.remove(cidr);
      if (isOf(pools, cidr)) {
        own++;
        if (chosen.size() < count) {
          takeOwn(affinity, cidr, count, owner, reserved, chosen);
        }
      }
    }
    for (Cidr cidr : claimedBefore) {
      IpamTransaction.Held held = changes.held(cidr);
      if (held != null && isOf(pools, cidr)) {
        own++;
        take(cidr, held, count, owner, reserved, chosen);
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
              + withoutHostNetworks(pools)
              + ": add an IPPool or release addresses");
    }
    return chosen;
  }

  /** Returns the block that a block's or an affinity's key names; null when either is damaged. */
  private @Nullable Cidr readable(Entry entry) throws DatastoreException {
    Optional<Cidr> cidr = IpamKeys.tryCidrOf(entry.key());
    return cidr.isEmpty() || changes.isDamaged(cidr.get()) ? null : cidr.get();
  }

  private static boolean isOf(List<Pools.Pool> pools, Cidr block) {
    for (Pools.Pool pool : pools) {
      if (pool.network().contains(block)) {
        return true;
      }
    }
    return false;
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
      Cidr cidr = chosen.size() < count ? readable(entry) : null;
      if (cidr != null && isOf(pools, cidr)) {
        IpamTransaction.Held held = changes.load(cidr);
        if (held != null) {
          take(cidr, held, count, owner, reserved, chosen);
        }
      }
    }
  }

  /**
   * Takes from a block of this node. An affinity that was left half claimed or half released is
   * confirmed again in the same transaction; one to a block of another host goes.
   */
  private void takeOwn(
      Entry affinity,
      Cidr cidr,
      int count,
      Block.Owner owner,
      Reservations reserved,
      List<IpAddress> chosen)
      throws DatastoreException {
    IpamTransaction.Held held = changes.load(cidr);
    boolean confirmed = !affinity.value().contains("pending");
    if (held == null) {
      if (!reserved.cover(cidr)) {
        changes.guard(affinity.key(), affinity.revision());
        take(cidr, claim(cidr), count, owner, reserved, chosen);
      }
    } else if (isOurs(held.block())) {
      int before = chosen.size();
      take(cidr, held, count, owner, reserved, chosen);
      if (!confirmed && chosen.size() > before) {
        changes.guard(affinity.key(), affinity.revision());
        changes.affinity(affinity.key(), CONFIRMED);
      }
    } else {
      changes.guard(affinity.key(), affinity.revision());
      changes.guard(IpamKeys.block(cidr), held.revision());
      changes.affinity(affinity.key(), Optional.empty());
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
      if (chosen.size() >= count || taken >= limit) {
        return;
      }
      Cidr cidr = readable(entry);
      if (cidr == null || !isOf(pools, cidr) || reserved.cover(cidr)) {
        continue;
      }
      IpamTransaction.Held held = changes.load(cidr);
      if (held != null && held.block().isEmpty() && held.block().claimedBefore(latest)) {
        String other = held.block().affinity();
        if (other != null && other.startsWith("host:") && !isOurs(held.block())) {
          changes.affinity(
              new IpamKeys.Affinity(other.substring("host:".length()), cidr).key(),
              Optional.empty());
          changes.replace(cidr, emptyBlock(cidr));
          taken++;
          changes.affinity(IpamKeys.affinity(node, cidr), CONFIRMED);
          IpamTransaction.Held ours = changes.held(cidr);
          if (ours != null) {
            take(cidr, ours, count, owner, reserved, chosen);
          }
        }
      }
    }
  }

  private void take(
      Cidr cidr,
      IpamTransaction.Held held,
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
      changes.replace(cidr, outcome.block());
      changes.count(owner, h -> h.plus(cidr, outcome.addresses().size()));
      chosen.addAll(outcome.addresses());
    }
  }

  private Optional<Cidr> freeBlock(Pools.Pool pool, Reservations reserved)
      throws DatastoreException {
    Cidr network = pool.network();
    int size = pool.spec().effectiveBlockSize();
    TreeSet<Cidr> taken = new TreeSet<>(changes.blocks());
    for (Entry entry : reads.list(IpamKeys.blocks(network.family()))) {
      IpamKeys.tryCidrOf(entry.key()).ifPresent(taken::add);
    }
    BigInteger total = BigInteger.ONE.shiftLeft(Math.max(0, size - network.prefix()));
    BigInteger start = BigInteger.valueOf(Integer.toUnsignedLong(spread(node.text()))).mod(total);
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

  private IpamTransaction.Held claim(Cidr cidr) {
    changes.replace(cidr, emptyBlock(cidr));
    changes.affinity(IpamKeys.affinity(node, cidr), CONFIRMED);
    return Objects.requireNonNull(changes.held(cidr));
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
    return IpamKeys.Affinity.of(node, block.cidr()).isOf(block);
  }

  private Reservations reservations() throws DatastoreException {
    return Reservations.read(reads, cache).and(hostNetworks);
  }
}
