package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/** The datastore did not answer in time, or refused the connection. */
public class UnavailableException extends DatastoreException {
  private final boolean safeToRedo;

  /** Makes an exception; {@code safeToRedo} is false when a write may have happened. */
  public UnavailableException(String message, boolean safeToRedo, @Nullable Throwable cause) {
    super(message, cause);
    this.safeToRedo = safeToRedo;
  }

  /** Tells whether the operation certainly changed nothing, or was only a read. */
  public boolean safeToRedo() {
    return safeToRedo;
  }
}
