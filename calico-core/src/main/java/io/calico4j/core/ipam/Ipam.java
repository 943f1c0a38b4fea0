package io.calico4j.core.ipam;

import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.ipam.decision.Handle;
import io.calico4j.core.ipam.decision.IpamKeys;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * Assigns and releases addresses for one node. Every change is one transaction that compares all it
 * depends on, so that two agents racing for an address cannot both get it. Safe for many threads:
 * callers of one node take turns, because they change the same block.
 */
public final class Ipam implements AutoCloseable {
  private static final int MAX_ATTEMPTS = 100;

  private final Datastore datastore;
  private final String node;
  private final Clock clock;
  private final Reads fresh;
  private final Optional<WatchedReads> watched;
  private final ReentrantLock turn = new ReentrantLock(true);

  /** Makes one that reads the datastore at every operation: for short-lived processes. */
  public Ipam(Datastore datastore, String node) {
    this(datastore, node, Clock.systemUTC(), Optional.empty());
  }

  private Ipam(Datastore datastore, String node, Clock clock, Optional<WatchedReads> watched) {
    this.datastore = datastore;
    this.node = node;
    this.clock = clock;
    this.fresh = Reads.direct(datastore);
    this.watched = watched;
  }

  /** Makes one that keeps a watched copy of IPAM's data: for calico-node. */
  public static Ipam watching(Datastore datastore, String node) {
    return new Ipam(datastore, node, Clock.systemUTC(), Optional.of(new WatchedReads(datastore)));
  }

  /** Adds further writes to an assignment's transaction, once the addresses are known. */
  public interface Companion {
    /** Adds conditions and writes; called once per attempt. */
    void addTo(Transaction.Builder transaction, List<IpAddress> addresses)
        throws DatastoreException;

    /** Nothing besides the addresses. */
    Companion NONE = (transaction, addresses) -> {};
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
  public String node() {
    return node;
  }

  /** Returns the reads of the hot path: watched if there is a watch, else direct. */
  public Reads reads() {
    return watched.isPresent() ? watched.get() : fresh;
  }

  /**
   * Assigns all that is asked for or nothing, together with the companion's writes.
   *
   * @throws PoolExhaustedException when the usable pools are full
   * @throws AddressInUseException when a fixed address is held
   * @throws IpamException when the request cannot be met for another reason
   * @throws ConflictException when a condition of the companion does not hold
   */
  public Assignment assign(AssignRequest request, Companion companion)
      throws DatastoreException, IpamException {
    turn.lock();
    try {
      return attempt(
          planner -> planner.assign(request),
          (transaction, addresses) -> companion.addTo(transaction, addresses));
    } finally {
      turn.unlock();
    }
  }

  /**
   * Releases what a handle holds, as far as the test on the recorded attributes selects it,
   * together with the companion's writes. Safe to repeat: a handle that holds nothing is fine.
   */
  public List<IpAddress> release(String handleId, Predicate<Block.Owner> test, Companion companion)
      throws DatastoreException {
    turn.lock();
    try {
      return attempt(planner -> planner.releaseByHandle(handleId, test), companion).addresses();
    } catch (IpamException e) {
      throw new IllegalStateException(e);
    } finally {
      turn.unlock();
    }
  }

  /** Releases everything a handle holds. */
  public List<IpAddress> release(String handleId) throws DatastoreException {
    return release(handleId, owner -> true, Companion.NONE);
  }

  /** Releases one address, whoever holds it; false when it was free already. */
  public boolean release(IpAddress address) throws DatastoreException {
    turn.lock();
    try {
      return !attempt(
              planner -> planner.releaseAddress(address) ? List.of(address) : List.of(),
              Companion.NONE)
          .addresses()
          .isEmpty();
    } catch (IpamException e) {
      throw new IllegalStateException(e);
    } finally {
      turn.unlock();
    }
  }

  /** Returns the addresses a handle holds, ascending within each block. */
  public List<IpAddress> addressesOf(String handleId) throws DatastoreException {
    List<IpAddress> addresses = new ArrayList<>();
    var stored = fresh.get(IpamKeys.handle(handleId));
    if (stored.isPresent()) {
      for (Cidr cidr : Handle.parse(stored.get().value()).counts().keySet()) {
        var block = fresh.get(IpamKeys.block(cidr));
        if (block.isPresent()) {
          addresses.addAll(
              parse(block.get().value(), block.get().key())
                  .addresses(owner -> handleId.equals(owner.handleId())));
        }
      }
    }
    return addresses;
  }

  private static Block parse(String json, String key) throws InvalidResourceException {
    try {
      return Block.parse(json);
    } catch (IllegalArgumentException e) {
      throw new InvalidResourceException(key + ": " + e.getMessage(), e);
    }
  }

  private interface Decision {
    List<IpAddress> decide(Planner planner) throws DatastoreException, IpamException;
  }

  /**
   * Decides on watched reads first; whatever fails there (a conflict, or a refusal that old data
   * may have caused) is decided again on fresh reads before it counts.
   */
  private Assignment attempt(Decision decision, Companion companion)
      throws DatastoreException, IpamException {
    if (watched.isPresent()) {
      try {
        return once(watched.get(), decision, companion);
      } catch (ConflictException | IpamException | InvalidResourceException e) {
        // Old data: the fresh attempts below give the answer that counts.
      }
    }
    for (int i = 1; ; i++) {
      try {
        return once(fresh, decision, companion);
      } catch (ConflictException e) {
        if (i >= MAX_ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  private Assignment once(Reads reads, Decision decision, Companion companion)
      throws DatastoreException, IpamException {
    Planner planner = new Planner(reads, node, clock);
    List<IpAddress> addresses = decision.decide(planner);
    Transaction.Builder builder = Transaction.builder();
    planner.addTo(builder);
    companion.addTo(builder, addresses);
    Transaction transaction = builder.build();
    if (transaction.writes().isEmpty()) {
      if (addresses.isEmpty() && watched.isPresent() && reads == watched.get()) {
        throw new ConflictException("nothing to do, says a copy that may be old", null);
      }
      return new Assignment(addresses, 0);
    }
    long revision = datastore.commit(transaction);
    watched.ifPresent(w -> w.committed(transaction, revision));
    return new Assignment(addresses, revision);
  }

  @Override
  public void close() {
    watched.ifPresent(WatchedReads::close);
  }
}
