package io.calico4j.node;

import io.calico4j.core.plugin.PluginResponse;

/**
 * What a plugin process leaves behind, whether it served the request or had an agent serve it.
 *
 * @param exitCode 0 to 255
 * @param standardOutput text for the caller
 * @param standardError text for the log of the caller
 * @param afterwards what nobody waits for, such as logging
 */
record Answer(int exitCode, String standardOutput, String standardError, Runnable afterwards) {
  static Answer of(PluginResponse response) {
    return new Answer(
        response.exitCode(),
        response.standardOutput(),
        response.standardError(),
        response.afterwards());
  }
}
