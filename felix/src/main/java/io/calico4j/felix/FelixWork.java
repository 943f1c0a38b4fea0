package io.calico4j.felix;

import java.util.Map;
import java.util.Optional;

/**
 * What Felix has done since it started.
 *
 * @param sync whether it knows the datastore
 * @param resyncs how often a snapshot of the datastore was begun
 * @param updates updates of the datastore, and the seconds that the calculation took of each
 * @param messages changes that the dataplane was told of, by type
 * @param batches how often it was told, and of how many changes
 * @param applies how often they were brought into the kernel, and the seconds that it took
 * @param failures how often that could not be done
 * @param initialSeconds from the start until the first snapshot was in the kernel
 */
public record FelixWork(
    Sync sync,
    long resyncs,
    Sum updates,
    Map<String, Long> messages,
    Sum batches,
    Sum applies,
    long failures,
    Optional<Double> initialSeconds) {
  /** How far Felix knows the datastore. */
  public enum Sync {
    /** It has not asked yet. */
    WAIT_FOR_READY,
    /** A snapshot is being fetched. */
    RESYNC,
    /** It is told of every change. */
    IN_SYNC
  }
}
