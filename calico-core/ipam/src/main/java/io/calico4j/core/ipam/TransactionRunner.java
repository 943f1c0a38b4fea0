package io.calico4j.core.ipam;

import io.calico4j.core.concurrent.Retry;
import io.calico4j.core.datastore.ConflictException;
import io.calico4j.core.datastore.Datastore;
import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.InvalidResourceException;
import io.calico4j.core.datastore.Transaction;
import io.calico4j.core.ipam.Ipam.Assignment;
import io.calico4j.core.ipam.Ipam.FurtherWrites;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides requests on the state of IPAM's data and commits the outcome: those that arrive together
 * in one transaction, and again on fresh reads when it conflicts.
 */
final class TransactionRunner {
  private static final Retry AGAIN = Retry.refused(100, List.of(ConflictException.class));

  /** etcd's default limit of operations in a transaction is 128. */
  private static final int MAX_OPERATIONS = 120;

  private final Datastore datastore;
  private final Clock clock;
  private final Reads fresh;
  private final Optional<WatchedReads> watched;
  private final Supplier<List<Cidr>> hostNetworks;
  private final DecodeCache cache = new DecodeCache();
  private final GroupCommit<Job> group = new GroupCommit<>(this::work);

  /**
   * Makes one that has committed nothing yet.
   *
   * @param hostNetworks networks of the host's own interfaces, as of now
   */
  TransactionRunner(
      Datastore datastore,
      Clock clock,
      Reads fresh,
      Optional<WatchedReads> watched,
      Supplier<List<Cidr>> hostNetworks) {
    this.datastore = datastore;
    this.clock = clock;
    this.fresh = fresh;
    this.watched = watched;
    this.hostNetworks = hostNetworks;
  }

  /** Makes those who decide, for one attempt. */
  IpamAttempt attempt(Reads reads) {
    return IpamAttempt.of(reads, cache, clock, hostNetworks.get());
  }

  /** Decides what to write. */
  interface Decision {
    /** Collects the changes in the attempt, and returns the addresses in question. */
    List<IpAddress> decide(IpamAttempt attempt) throws DatastoreException, IpamException;
  }

  /** A request, and after it has been worked on its outcome. */
  private static final class Job {
    final Decision decision;
    final FurtherWrites furtherWrites;
    @Nullable Assignment outcome;
    @Nullable Exception failure;

    Job(Decision decision, FurtherWrites furtherWrites) {
      this.decision = decision;
      this.furtherWrites = furtherWrites;
    }
  }

  /**
   * Decides and commits.
   *
   * @throws DatastoreException nothing is written, unless it is an {@link
   *     io.calico4j.core.datastore.UnavailableException} that is not safe to redo
   * @throws IpamException when the request cannot be met; nothing is written
   */
  Assignment run(Decision decision, FurtherWrites furtherWrites)
      throws DatastoreException, IpamException {
    Job job = new Job(decision, furtherWrites);
    group.run(job);
    Assignment outcome = job.outcome;
    if (outcome != null) {
      return outcome;
    }
    Exception failure = job.failure;
    if (failure instanceof DatastoreException unavailable) {
      throw unavailable;
    } else if (failure instanceof IpamException refused) {
      throw refused;
    } else if (failure instanceof RuntimeException bug) {
      throw bug;
    }
    throw new IllegalStateException("a request was never worked on", failure);
  }

  /** Works on a group: together if that is possible, else one by one. */
  private void work(List<Job> jobs) {
    List<Job> left = new ArrayList<>(jobs);
    Reads reads = watched.isPresent() ? watched.get() : fresh;
    while (left.size() > 1) {
      List<Job> done = together(left, reads);
      left.removeAll(done);
      if (done.isEmpty()) {
        if (reads == fresh) {
          break;
        }
        reads = fresh;
      }
    }
    for (Job job : left) {
      try {
        job.outcome = alone(job);
      } catch (DatastoreException | IpamException | RuntimeException e) {
        job.failure = e;
      }
    }
  }

  /**
   * Commits as many of the jobs as one transaction holds, and returns those. A job that cannot be
   * decided here is left, and so are all after a conflict.
   */
  private List<Job> together(List<Job> jobs, Reads reads) {
    IpamAttempt attempt = attempt(reads);
    Transaction.Builder further = Transaction.builder();
    Map<Job, List<IpAddress>> decided = new LinkedHashMap<>();
    int extras = 0;
    for (Job job : jobs) {
      IpamTransaction.Mark mark = attempt.changes().mark();
      try {
        List<IpAddress> addresses = job.decision.decide(attempt);
        Transaction.Builder own = Transaction.builder();
        job.furtherWrites.addTo(own, addresses);
        Transaction extra = own.build();
        int with = extras + Math.max(extra.writes().size(), extra.comparisons().size());
        if (!decided.isEmpty() && attempt.changes().size() + with > MAX_OPERATIONS) {
          attempt.changes().reset(mark);
          break;
        }
        extras = with;
        further.addAll(extra);
        decided.put(job, addresses);
      } catch (DatastoreException | IpamException | RuntimeException e) {
        attempt.changes().reset(mark);
      }
    }
    try {
      Transaction.Builder builder = Transaction.builder();
      attempt.changes().addTo(builder);
      Transaction transaction = builder.addAll(further.build()).build();
      if (transaction.writes().isEmpty()) {
        return List.of();
      }
      long revision = commit(attempt, transaction);
      decided.forEach((job, addresses) -> job.outcome = new Assignment(addresses, revision));
    } catch (ConflictException e) {
      return List.of();
    } catch (DatastoreException | RuntimeException e) {
      decided.keySet().forEach(job -> job.failure = e);
    }
    return List.copyOf(decided.keySet());
  }

  /**
   * Decides on watched reads first; whatever fails there (a conflict, or a refusal that old data
   * may have caused) is decided again on fresh reads before it counts.
   */
  private Assignment alone(Job job) throws DatastoreException, IpamException {
    if (watched.isPresent()) {
      try {
        return once(watched.get(), job);
      } catch (ConflictException | IpamException | InvalidResourceException e) {
        // Old data: the fresh attempts below give the answer that counts.
      }
    }
    try {
      return AGAIN.run(Exception.class, () -> once(fresh, job));
    } catch (DatastoreException | IpamException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private Assignment once(Reads reads, Job job) throws DatastoreException, IpamException {
    IpamAttempt attempt = attempt(reads);
    List<IpAddress> addresses = job.decision.decide(attempt);
    Transaction.Builder builder = Transaction.builder();
    attempt.changes().addTo(builder);
    job.furtherWrites.addTo(builder, addresses);
    Transaction transaction = builder.build();
    if (transaction.writes().isEmpty()) {
      if (addresses.isEmpty() && watched.isPresent() && reads == watched.get()) {
        throw new ConflictException("nothing to do, says a copy that may be old", null);
      }
      return new Assignment(addresses, 0);
    }
    return new Assignment(addresses, commit(attempt, transaction));
  }

  private long commit(IpamAttempt attempt, Transaction transaction) throws DatastoreException {
    long revision;
    try {
      revision = datastore.commit(transaction);
    } catch (ConflictException e) {
      watched.ifPresent(w -> w.refused(transaction));
      throw e;
    }
    attempt.changes().committed(revision);
    watched.ifPresent(w -> w.committed(transaction, revision));
    return revision;
  }
}
