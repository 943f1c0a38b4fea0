package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/** The resource does not exist. */
public class NotFoundException extends DatastoreException {
  /** Makes an exception with a message for the operator and the cause, if any. */
  public NotFoundException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
