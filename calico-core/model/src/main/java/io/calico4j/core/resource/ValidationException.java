package io.calico4j.core.resource;

import org.jspecify.annotations.Nullable;

/** A stored or given value cannot be read as the resource it claims to be. */
public class ValidationException extends Exception {
  private static final long serialVersionUID = 1;

  /** Makes an exception with a message for the operator and the cause, if any. */
  public ValidationException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
