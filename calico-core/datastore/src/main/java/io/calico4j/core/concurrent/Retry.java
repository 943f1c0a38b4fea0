package io.calico4j.core.concurrent;

import dev.failsafe.Failsafe;
import dev.failsafe.FailsafeException;
import dev.failsafe.RetryPolicy;
import dev.failsafe.RetryPolicyBuilder;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats an operation that fails for a reason that passes: bounded, after pauses that grow, with
 * jitter. Which operations may be repeated the two factories say. Immutable, for any thread.
 */
public final class Retry {
  private static final Logger log = LoggerFactory.getLogger(Retry.class);
  private static final double JITTER = 0.25;

  private final RetryPolicy<Object> policy;

  private Retry(RetryPolicy<Object> policy) {
    this.policy = policy;
  }

  /** An operation with a result; each run reads anew what it depends on. */
  public interface Operation<T, E extends Exception> {
    /** Runs it once. */
    T run() throws E;
  }

  /**
   * For an operation that is refused as a whole when others are faster, such as a compare-and-swap:
   * a refused one has changed nothing, so it is safe to redo.
   *
   * @param attempts how often it is run at most
   * @param refusals the exceptions that say that it was refused
   */
  public static Retry refused(int attempts, List<Class<? extends Throwable>> refusals) {
    return new Retry(
        builder(Duration.ofMillis(1), Duration.ofMillis(50))
            .handle(refusals)
            .withMaxAttempts(attempts)
            .build());
  }

  /**
   * For an operation that is safe to redo even when nobody knows what became of it: one that reads
   * what is there before it writes.
   *
   * @param name of the operation, for the log
   * @param budget from the first attempt to the beginning of the last one
   * @param passing tells whether a failure passes
   */
  public static Retry safeToRedo(String name, Duration budget, Predicate<Throwable> passing) {
    return new Retry(
        builder(Duration.ofMillis(100), Duration.ofSeconds(2))
            .handleIf(passing::test)
            .withMaxRetries(-1)
            .withMaxDuration(budget)
            .onRetry(
                event ->
                    log.info("{} is tried again: {}", name, event.getLastException().getMessage()))
            .build());
  }

  private static RetryPolicyBuilder<Object> builder(Duration first, Duration longest) {
    return RetryPolicy.builder().withBackoff(first, longest).withJitter(JITTER);
  }

  /**
   * Runs an operation until it succeeds, fails for good, or the bound is reached.
   *
   * @param declared the checked exception that the operation declares
   * @throws E what the last attempt threw
   */
  public <T, E extends Exception> T run(Class<E> declared, Operation<T, E> operation) throws E {
    try {
      return Failsafe.with(policy).get(operation::run);
    } catch (FailsafeException e) {
      if (e.getCause() instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      if (declared.isInstance(e.getCause())) {
        throw declared.cast(e.getCause());
      }
      throw e;
    }
  }
}
