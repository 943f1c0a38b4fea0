package io.calico4j.core.datastore;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A compare-and-swap: all writes happen if every comparison holds, else none. Keys are written at
 * most once in a transaction.
 *
 * @param comparisons what must hold
 * @param writes what is then written
 */
public record Transaction(List<Comparison> comparisons, List<Write> writes) {
  /** Copies the lists. */
  public Transaction {
    comparisons = List.copyOf(comparisons);
    writes = List.copyOf(writes);
  }

  /**
   * Demands that a key's modification revision is the given one.
   *
   * @param key the full key
   * @param revision the revision, or 0 for "the key does not exist"
   */
  public record Comparison(String key, long revision) {}

  /**
   * One write.
   *
   * @param key the full key
   * @param value the new value, or null to delete the key (an absent key is fine)
   * @param ttlSeconds 0 for ever, else the seconds of a fresh lease for this put
   */
  public record Write(String key, @Nullable String value, long ttlSeconds) {}

  /** Starts a transaction. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects comparisons and writes. */
  public static final class Builder {
    private final List<Comparison> comparisons = new ArrayList<>();
    private final List<Write> writes = new ArrayList<>();

    private Builder() {}

    /** Puts a new key; fails when it exists. */
    public Builder create(String key, String value) {
      return require(key, 0).put(key, value);
    }

    /** Replaces a key read at the revision. */
    public Builder update(String key, String value, long revision) {
      return require(key, revision).put(key, value);
    }

    /** Deletes a key read at the revision. */
    public Builder delete(String key, long revision) {
      return require(key, revision).delete(key);
    }

    /** Demands a revision (0: absent) without writing. */
    public Builder require(String key, long revision) {
      comparisons.add(new Comparison(key, revision));
      return this;
    }

    /** Puts without a condition of its own. */
    public Builder put(String key, String value) {
      writes.add(new Write(key, value, 0));
      return this;
    }

    /** Puts with a fresh lease of so many seconds. */
    public Builder put(String key, String value, long ttlSeconds) {
      writes.add(new Write(key, value, ttlSeconds));
      return this;
    }

    /** Deletes without a condition of its own. */
    public Builder delete(String key) {
      writes.add(new Write(key, null, 0));
      return this;
    }

    /** Adds everything of another transaction. */
    public Builder addAll(Transaction other) {
      comparisons.addAll(other.comparisons());
      writes.addAll(other.writes());
      return this;
    }

    /** Finishes the transaction. */
    public Transaction build() {
      return new Transaction(comparisons, writes);
    }
  }
}
