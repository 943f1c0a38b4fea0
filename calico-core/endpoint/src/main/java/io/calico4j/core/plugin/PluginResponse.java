package io.calico4j.core.plugin;

/**
 * What a plugin answers.
 *
 * @param exitCode 0 to 255
 * @param standardOutput text for the caller
 * @param standardError text for the log of the caller
 * @param afterwards what nobody waits for, such as logging: run once the caller has its answer
 */
public record PluginResponse(
    int exitCode, String standardOutput, String standardError, Runnable afterwards) {
  /** Makes an answer after which nothing is left to do. */
  public PluginResponse(int exitCode, String standardOutput, String standardError) {
    this(exitCode, standardOutput, standardError, () -> {});
  }
}
