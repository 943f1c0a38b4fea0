package io.calico4j.core.plugin;

/**
 * What a plugin answers.
 *
 * @param outcome how the request ended
 * @param standardOutput text for the caller
 * @param standardError text for the log of the caller
 * @param afterwards what nobody waits for, such as logging: run once the caller has its answer
 */
public record PluginResponse(
    Outcome outcome, String standardOutput, String standardError, Runnable afterwards) {
  /** Makes an answer after which nothing is left to do. */
  public PluginResponse(Outcome outcome, String standardOutput, String standardError) {
    this(outcome, standardOutput, standardError, () -> {});
  }

  /** Makes the answer to a request that was served; nothing is left to do after it. */
  public static PluginResponse served(String standardOutput) {
    return new PluginResponse(new Outcome.Served(), standardOutput, "");
  }

  /** Tells whether the request was served. */
  public boolean isServed() {
    return outcome instanceof Outcome.Served;
  }

  /** Returns the exit code of the plugin's process. */
  public int exitCode() {
    return isServed() ? 0 : 1;
  }
}
