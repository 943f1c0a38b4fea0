package io.calico4j.core.plugin;

/**
 * What a plugin answers.
 *
 * @param exitCode 0 to 255
 * @param standardOutput text for the caller
 * @param standardError text for the log of the caller
 */
public record PluginResponse(int exitCode, String standardOutput, String standardError) {}
