package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/** A watch asked for a revision that etcd has compacted away: list again. */
public class CompactedException extends DatastoreException {
  private final long compactedRevision;

  /** Makes an exception naming the oldest revision still available. */
  public CompactedException(long compactedRevision, @Nullable Throwable cause) {
    super("revisions below " + compactedRevision + " have been compacted away", cause);
    this.compactedRevision = compactedRevision;
  }

  /** Returns the oldest revision still available. */
  public long compactedRevision() {
    return compactedRevision;
  }
}
