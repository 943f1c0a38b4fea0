package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/**
 * What is stored under a key cannot be read as what the key says it is; or a resource is refused,
 * because it is not valid or contradicts others.
 */
public class InvalidResourceException extends DatastoreException {
  /** Makes an exception with a message that names the resource, and the cause, if any. */
  public InvalidResourceException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
