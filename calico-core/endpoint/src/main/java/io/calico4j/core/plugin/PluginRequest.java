package io.calico4j.core.plugin;

import java.util.Map;

/**
 * What a runtime's call of a plugin executable consists of.
 *
 * @param program the last path component of argv[0]: calico, calico-ipam or calico-mesos
 * @param environment the CNI_* variables; the last of a repeated name counts
 * @param standardInput all of standard input, as text
 * @param namespaceDescriptor the opened CNI_NETNS, owned by the receiver, or -1 when there is none
 */
public record PluginRequest(
    String program,
    Map<String, String> environment,
    String standardInput,
    int namespaceDescriptor) {
  /** Copies the environment. */
  public PluginRequest {
    environment = Map.copyOf(environment);
  }
}
