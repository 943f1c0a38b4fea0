package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/** The resource exists already. */
public class AlreadyExistsException extends DatastoreException {
  /** Makes an exception with a message for the operator and the cause, if any. */
  public AlreadyExistsException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
