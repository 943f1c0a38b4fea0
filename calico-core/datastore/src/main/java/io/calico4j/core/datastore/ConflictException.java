package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/**
 * A comparison of a transaction did not hold: another process wrote first. Read again and retry.
 */
public class ConflictException extends DatastoreException {
  /** Makes an exception with a message for the operator and the cause, if any. */
  public ConflictException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
