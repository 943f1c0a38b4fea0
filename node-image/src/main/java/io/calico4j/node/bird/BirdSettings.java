package io.calico4j.node.bird;

import io.calico4j.core.name.NodeName;
import java.nio.file.Path;
import java.util.List;

/**
 * How a host's bird is run.
 *
 * @param node the node's name
 * @param runDirectory where bird's configuration, log and control socket are
 * @param command how bird is started, when none is running
 * @param routerId how the router id is chosen
 * @param secrets where passwords of sessions are
 */
public record BirdSettings(
    NodeName node, Path runDirectory, List<String> command, RouterId routerId, Path secrets) {
  /** Copies the command. */
  public BirdSettings {
    command = List.copyOf(command);
  }
}
