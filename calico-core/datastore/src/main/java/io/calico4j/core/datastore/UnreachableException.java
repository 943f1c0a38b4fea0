package io.calico4j.core.datastore;

import org.jspecify.annotations.Nullable;

/**
 * Nobody has answered. The datastore's client logs when that begins and when it ends, so that who
 * tries again need not.
 */
public final class UnreachableException extends UnavailableException {
  /**
   * Makes one.
   *
   * @param safeToRedo whether nothing was done for certain, or doing it twice does no harm
   */
  public UnreachableException(String message, boolean safeToRedo, @Nullable Throwable cause) {
    super(message, safeToRedo, cause);
  }

  /** Tells whether this is why something has failed. */
  public static boolean isReasonOf(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnreachableException) {
        return true;
      }
    }
    return false;
  }
}
