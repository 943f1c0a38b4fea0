package io.calico4j.core.ipam;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.NotFoundException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamConfig;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.model.Entry;
import io.calico4j.core.model.ResourceKey;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.name.HandleId;
import io.calico4j.core.name.NodeName;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Assigns and releases addresses for one node. Every change is one transaction that compares all it
 * depends on, so that two agents racing for an address cannot both get it. Safe for many threads:
 * requests that arrive while another is being committed share a transaction.
 */
public final class Ipam implements AutoCloseable {
  private static final Retry AGAIN = Retry.refused(100, List.of(ConflictException.class));

  private final Datastore datastore;
  private final @Nullable NodeName node;
  private final Reads fresh;
  private final Optional<WatchedReads> watched;
  private final TransactionRunner transactions;
  private volatile List<Cidr> hostNetworks = List.of();

  /** An IPAM that reads the datastore at every operation: for short-lived processes. */
  public Ipam(Datastore datastore, NodeName node) {
    this(datastore, node, Optional.empty());
  }

  private Ipam(Datastore datastore, @Nullable NodeName node, Optional<WatchedReads> watched) {
    this.datastore = datastore;
    this.node = node;
    this.fresh = Reads.direct(datastore);
    this.watched = watched;
    this.transactions =
        new TransactionRunner(datastore, Clock.systemUTC(), fresh, watched, () -> hostNetworks);
  }

  /** An IPAM that keeps a watched copy of IPAM's data: for calico-node. */
  public static Ipam watching(Datastore datastore, NodeName node) {
    return new Ipam(datastore, node, Optional.of(new WatchedReads(datastore)));
  }

  /**
   * Takes over the networks of the host's own interfaces. No address in them is assigned, and no
   * block that lies in one is claimed: the block's route would cut the host off from its
   * neighbours, or the address may be one of theirs.
   */
  public void putHostNetworks(List<Cidr> networks) {
    hostNetworks = List.copyOf(networks);
  }

  /** An IPAM of no node, which assigns nothing: for an operator's commands and repairs. */
  public static Ipam ofCluster(Datastore datastore) {
    return new Ipam(datastore, null, Optional.empty());
  }

  /** Adds further writes to an assignment's transaction, once the addresses are known. */
  @FunctionalInterface
  public interface FurtherWrites {
    /** Adds conditions and writes; called once per attempt. */
    void addTo(Transaction.Builder transaction, List<IpAddress> addresses)
        throws DatastoreException;

    /** Nothing besides the addresses. */
    FurtherWrites NONE = (transaction, addresses) -> {};
  }

  /**
   * What was assigned.
   *
   * @param addresses fixed ones first, then IPv4, then IPv6
   * @param revision the revision of the transaction
   */
  public record Assignment(List<IpAddress> addresses, long revision) {
    /** Copies the list. */
    public Assignment {
      addresses = List.copyOf(addresses);
    }
  }

  /** Returns the node this assigns for. */
  public NodeName node() {
    return Objects.requireNonNull(node, "an IPAM of the cluster has no node");
  }

  /** Returns the reads of the hot path: watched if there is a watch, else direct. */
  public Reads reads() {
    return watched.isPresent() ? watched.get() : fresh;
  }

  /**
   * Assigns all that is asked for or nothing, together with further writes.
   *
   * @throws PoolExhaustedException when the usable pools are full
   * @throws AddressInUseException when a fixed address is held
   * @throws IpamException when the request cannot be met for another reason
   * @throws ConflictException when a condition of the further writes does not hold
   */
  public Assignment assign(AssignRequest request, FurtherWrites furtherWrites)
      throws DatastoreException, IpamException {
    return transactions.run(attempt -> attempt.assigner(node()).assign(request), furtherWrites);
  }

  /**
   * Tells whether an assignment could be made now, without making it; reads the datastore.
   *
   * @throws IpamException when it could not, and why
   */
  public void tryAssign(AssignRequest request) throws DatastoreException, IpamException {
    var unused = transactions.attempt(fresh).assigner(node()).assign(request);
  }

  /** Returns the ids of all handles that begin so, ascending; those that are none are left out. */
  public List<HandleId> handles(String prefix) throws DatastoreException {
    return fresh.list(IpamKeys.HANDLES + prefix).stream()
        .flatMap(e -> HandleId.tryParse(e.key().substring(IpamKeys.HANDLES.length())).stream())
        .toList();
  }

  /**
   * Releases what a handle holds, as far as the test on the recorded attributes selects it,
   * together with further writes. Safe to repeat: a handle that holds nothing is fine.
   */
  public List<IpAddress> release(
      HandleId handleId, Predicate<Block.Owner> test, FurtherWrites furtherWrites)
      throws DatastoreException {
    try {
      return transactions
          .run(attempt -> attempt.releaser().releaseByHandle(handleId, test), furtherWrites)
          .addresses();
    } catch (IpamException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Releases everything a handle holds. */
  public List<IpAddress> release(HandleId handleId) throws DatastoreException {
    return release(handleId, owner -> true, FurtherWrites.NONE);
  }

  /** Releases one address, whoever holds it; false when it was free already. */
  public boolean release(IpAddress address) throws DatastoreException {
    try {
      return !transactions
          .run(
              attempt -> attempt.releaser().releaseAddress(address) ? List.of(address) : List.of(),
              FurtherWrites.NONE)
          .addresses()
          .isEmpty();
    } catch (IpamException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Releases addresses, whoever holds them, together with further writes; those that are free
   * already are fine.
   */
  public List<IpAddress> release(List<IpAddress> addresses, FurtherWrites furtherWrites)
      throws DatastoreException {
    try {
      return transactions
          .run(
              attempt -> {
                List<IpAddress> released = new ArrayList<>();
                for (IpAddress address : addresses) {
                  if (attempt.releaser().releaseAddress(address)) {
                    released.add(address);
                  }
                }
                return released;
              },
              furtherWrites)
          .addresses();
    } catch (IpamException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Releases the addresses that the test selects, and gives back all blocks of a node, also those
   * in which others hold addresses. For a node that is gone; safe to repeat.
   */
  public void releaseAllOf(String node, Predicate<Block.Owner> test) throws DatastoreException {
    for (IpFamily family : IpFamily.values()) {
      for (Entry entry : fresh.list(IpamKeys.blocks(family))) {
        for (IpAddress address : tryParse(entry).map(b -> b.addresses(test)).orElse(List.of())) {
          boolean unused = release(address);
        }
      }
    }
    releaseAffinities(affinity -> affinity.node().equals(node));
  }

  /**
   * Gives back this node's blocks that hold no address, except so many of each family.
   *
   * @param keep blocks that stay although they are empty, so that the next address needs no claim
   * @return what was given back
   */
  public List<Cidr> releaseEmptyBlocks(int keep) throws DatastoreException {
    return releaseEmptyBlocks(keep, cidr -> true);
  }

  /**
   * Gives back this node's empty blocks as far as they are selected, except so many of each family.
   */
  public List<Cidr> releaseEmptyBlocks(int keep, Predicate<Cidr> selected)
      throws DatastoreException {
    List<Cidr> released = new ArrayList<>();
    for (IpFamily family : IpFamily.values()) {
      int kept = 0;
      for (Cidr cidr : blocksOf(family)) {
        var stored = fresh.get(IpamKeys.block(cidr));
        if (stored.isPresent() && !tryParse(stored.get()).map(Block::isEmpty).orElse(false)) {
          continue;
        }
        if (kept < keep && stored.isPresent()) {
          kept++;
        } else if (selected.test(cidr)
            && decides(attempt -> attempt.releaser().releaseEmptyBlock(node(), cidr))) {
          released.add(cidr);
        }
      }
    }
    return released;
  }

  /**
   * Gives the blocks of a network back, those of all hosts, as when a pool is deleted. Addresses in
   * use stay assigned. Safe to repeat.
   */
  public void releaseAffinitiesIn(Cidr network) throws DatastoreException {
    releaseAffinities(affinity -> network.contains(affinity.block()));
  }

  private void releaseAffinities(Predicate<IpamKeys.Affinity> selected) throws DatastoreException {
    for (Entry entry : fresh.list(IpamKeys.HOSTS)) {
      Optional<IpamKeys.Affinity> affinity = IpamKeys.parseAffinity(entry.key());
      if (affinity.filter(selected).isPresent()) {
        boolean unused =
            decides(
                attempt -> {
                  attempt.releaser().releaseAffinity(affinity.get());
                  return true;
                });
      }
    }
  }

  /** Returns the blocks of this node, both families, that hold no address. */
  public Set<Cidr> emptyBlocks() throws DatastoreException {
    Set<Cidr> empty = new HashSet<>();
    for (IpFamily family : IpFamily.values()) {
      for (Cidr cidr : blocksOf(family)) {
        var stored = fresh.get(IpamKeys.block(cidr));
        if (stored.isEmpty() || tryParse(stored.get()).map(Block::isEmpty).orElse(false)) {
          empty.add(cidr);
        }
      }
    }
    return empty;
  }

  /**
   * Returns a test for addresses of this node's blocks, both families, that nothing holds; as it is
   * now.
   */
  public Predicate<IpAddress> freeAddresses() throws DatastoreException {
    List<Block> blocks = new ArrayList<>();
    for (IpFamily family : IpFamily.values()) {
      for (Cidr cidr : blocksOf(family)) {
        var stored = fresh.get(IpamKeys.block(cidr));
        if (stored.isPresent()) {
          tryParse(stored.get()).ifPresent(blocks::add);
        }
      }
    }
    return address ->
        blocks.stream().anyMatch(b -> b.cidr().contains(address) && b.owner(address) == null);
  }

  /**
   * IpamTransaction the cluster's IPAM configuration.
   *
   * @param strictAffinity whether hosts take addresses of their own blocks only; null: as it is
   * @param maxBlocksPerHost 0 for the default limit; null: as it is
   * @throws IllegalArgumentException when the outcome makes no sense
   */
  public void configure(@Nullable Boolean strictAffinity, @Nullable Integer maxBlocksPerHost)
      throws DatastoreException {
    long unused =
        AGAIN.run(
            DatastoreException.class,
            () -> {
              Optional<Entry> stored = fresh.get(IpamKeys.CONFIG);
              String after =
                  IpamConfig.change(
                      stored.map(Entry::value).orElse(null), strictAffinity, maxBlocksPerHost);
              return datastore.commit(
                  Transaction.builder()
                      .update(IpamKeys.CONFIG, after, stored.map(Entry::revision).orElse(0L))
                      .build());
            });
  }

  /** Returns the cluster's IPAM configuration. */
  public IpamConfig configuration() throws DatastoreException {
    return IpamConfig.parse(fresh.get(IpamKeys.CONFIG).map(Entry::value).orElse(null));
  }

  /** Returns the blocks this node has an affinity to, ascending. */
  public List<Cidr> blocksOf(IpFamily family) throws DatastoreException {
    return fresh.list(IpamKeys.affinities(node(), family)).stream()
        .flatMap(entry -> IpamKeys.tryCidrOf(entry.key()).stream())
        .toList();
  }

  /** Tells whether an address is of a block this node has an affinity to; from the watched copy. */
  public boolean isOfOwnBlock(IpAddress address) throws DatastoreException {
    return reads().list(IpamKeys.affinities(node(), address.family())).stream()
        .flatMap(entry -> IpamKeys.tryCidrOf(entry.key()).stream())
        .anyMatch(block -> block.contains(address));
  }

  /**
   * Puts right what {@link IpamCheck} found, if it is still as it was found.
   *
   * @return whether it was put right
   */
  boolean repair(IpamCheck.Problem problem) throws DatastoreException {
    IpamCheck.Leak leak = problem.leak();
    return switch (problem.kind()) {
      case LEAKED -> leak != null && decides(attempt -> attempt.releaser().releaseLeak(leak));
      case WRONG_HANDLE -> recount(HandleId.tryParse(problem.subject()), problem.revision());
      case WRONG_AFFINITY ->
          decides(
              attempt -> attempt.releaser().dropAffinity(problem.subject(), problem.revision()));
      case NO_NODE -> removeEndpoint(problem);
      case NOT_ASSIGNED, SEVERAL_USERS, UNREADABLE -> false;
    };
  }

  private boolean removeEndpoint(IpamCheck.Problem problem) throws DatastoreException {
    try {
      int slash = problem.subject().indexOf('/');
      new EndpointRemoval(datastore)
          .run(
              new ResourceKey(
                  ResourceKind.WORKLOAD_ENDPOINT,
                  problem.subject().substring(0, slash),
                  problem.subject().substring(slash + 1)),
              problem.revision());
      return true;
    } catch (NotFoundException | ConflictException e) {
      return false;
    }
  }

  private boolean recount(Optional<HandleId> handle, long revision) throws DatastoreException {
    return handle.isPresent()
        && decides(attempt -> attempt.releaser().recount(handle.get(), revision));
  }

  private interface Check {
    boolean test(IpamAttempt attempt) throws DatastoreException;
  }

  private boolean decides(Check check) throws DatastoreException {
    AtomicBoolean answer = new AtomicBoolean();
    try {
      var unused =
          transactions.run(
              attempt -> {
                answer.set(check.test(attempt));
                return List.of();
              },
              FurtherWrites.NONE);
      return answer.get();
    } catch (IpamException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns the addresses a handle holds, ascending within each block. */
  public List<IpAddress> addressesOf(HandleId handleId) throws DatastoreException {
    List<IpAddress> addresses = new ArrayList<>();
    var stored = fresh.get(IpamKeys.handle(handleId));
    if (stored.isPresent()) {
      for (Cidr cidr : handle(handleId, stored.get().value()).counts().keySet()) {
        var block = fresh.get(IpamKeys.block(cidr));
        if (block.isPresent()) {
          addresses.addAll(
              parse(block.get().value(), block.get().key())
                  .addresses(owner -> owner.isHeldBy(handleId)));
        }
      }
    }
    return addresses;
  }

  private Handle handle(HandleId id, String json) throws DatastoreException {
    try {
      return Handle.parse(json);
    } catch (IllegalArgumentException e) {
      return IpamTransaction.counted(fresh, id);
    }
  }

  /** Returns who holds an address; empty when nobody does. */
  public Optional<Block.Owner> ownerOf(IpAddress address) throws DatastoreException {
    for (Entry entry : fresh.list(IpamKeys.blocks(address.family()))) {
      if (IpamKeys.tryCidrOf(entry.key()).filter(c -> c.contains(address)).isPresent()) {
        return Optional.ofNullable(parse(entry.value(), entry.key()).owner(address));
      }
    }
    return Optional.empty();
  }

  private static Optional<Block> tryParse(Entry entry) {
    try {
      return Optional.of(parse(entry.value(), entry.key()));
    } catch (InvalidResourceException e) {
      return Optional.empty();
    }
  }

  private static Block parse(String json, String key) throws InvalidResourceException {
    try {
      return Block.parse(json);
    } catch (IllegalArgumentException e) {
      throw new InvalidResourceException(key + ": " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    watched.ifPresent(WatchedReads::close);
  }
}
