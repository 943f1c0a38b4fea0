package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/** The root of what can go wrong with the datastore; callers branch on the subclass. */
public class DatastoreException extends Exception {
  /** Makes an exception that says what was attempted, on what, and what to do. */
  public DatastoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
