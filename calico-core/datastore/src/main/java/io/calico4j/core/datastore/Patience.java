package io.calico4j.core.datastore;

import io.calico4j.core.concurrent.Retry;
import java.time.Duration;

/**
 * The time that one operation may take altogether, in which it is repeated while the datastore does
 * not answer. A request to the datastore has a shorter deadline of its own. Only operations that
 * are safe to repeat belong here, also after a write of which nobody knows whether it happened:
 * those that read back what is there before they write.
 *
 * @param budget from the first attempt to the beginning of the last one
 */
public record Patience(Duration budget) {
  /** The budget of an ADD unless the operator says otherwise. */
  public static final Duration DEFAULT = Duration.ofSeconds(30);

  /** Reads a number of seconds, 1 to 100, so that it stays below the launcher's deadline. */
  public static Patience ofSeconds(String name, String text) {
    if (!text.matches("[1-9][0-9]?|100")) {
      throw new IllegalArgumentException(
          name + " \"" + text + "\" must be a number of seconds, 1 to 100");
    }
    return new Patience(Duration.ofSeconds(Integer.parseInt(text)));
  }

  /**
   * Runs an operation, again after a growing pause while the datastore is away and the budget
   * lasts.
   *
   * @param name of the operation, for the log
   * @param failure the checked exception that the operation declares
   * @throws E what the last attempt threw
   */
  public <T, E extends Exception> T run(
      String name, Class<E> failure, Retry.Operation<T, E> operation) throws E {
    return Retry.safeToRedo(name, budget, Patience::isAway).run(failure, operation);
  }

  /** Tells whether a failure comes of a datastore that did not answer. */
  public static boolean isAway(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnavailableException) {
        return true;
      }
    }
    return false;
  }
}
