package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/** A stored or given value cannot be read as the resource it claims to be. */
public class InvalidResourceException extends DatastoreException {
  /** Makes an exception with a message for the operator and the cause, if any. */
  public InvalidResourceException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
