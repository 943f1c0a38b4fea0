package io.calico4j.calicoctl;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How an engine is told to run calico-node in a container: with the host's network and process ids,
 * the directories that plugins and agents share, and these capabilities instead of {@code
 * --privileged}.
 *
 * @param engine docker or podman
 * @param image what to run
 * @param attached whether the engine's process stays until the container ends, for an init system
 * @param settings of calico-node; the engine takes values from its environment, so that {@code ps}
 *     shows none
 * @param directories of the host, which the container sees in the same places
 * @param files of the host, which the container may read in the same places
 */
record NodeContainer(
    Engine engine,
    String image,
    boolean attached,
    Map<String, String> settings,
    List<Path> directories,
    Map<Path, Path> files) {
  /** The container's name, upstream's. */
  static final String NAME = "calico-node";

  /**
   * What calico-node may do: change the network, its rules and its namespaces (NET_ADMIN, NET_RAW,
   * SYS_ADMIN), listen on BGP's port, open sandboxes of other users' processes, read and write its
   * directories, and end its bird and etcd.
   */
  static final List<String> CAPABILITIES =
      List.of(
          "NET_ADMIN",
          "NET_RAW",
          "NET_BIND_SERVICE",
          "SYS_ADMIN",
          "SYS_PTRACE",
          "DAC_OVERRIDE",
          "KILL");

  /** A container engine, and how it makes the host's sysctls writable in a container. */
  enum Engine {
    docker("systempaths=unconfined"),
    podman("unmask=/proc/sys");

    private final String writableSysctls;

    Engine(String writableSysctls) {
      this.writableSysctls = writableSysctls;
    }
  }

  NodeContainer {
    settings = Map.copyOf(settings);
    directories = List.copyOf(directories);
    files = Map.copyOf(files);
  }

  /** Returns the command that fails where the image is not on the host. */
  List<String> lookForImage() {
    return List.of(engine.name(), "image", "inspect", image);
  }

  /** Returns the command that fetches the image from its registry. */
  List<String> fetchImage() {
    return List.of(engine.name(), "pull", image);
  }

  /** Returns the command that removes a former container; it succeeds when there is none. */
  List<String> removal() {
    return List.of(engine.name(), "rm", "--force", NAME);
  }

  /** Returns the command that starts the container. */
  List<String> start() {
    List<String> command =
        new ArrayList<>(
            List.of(engine.name(), "run", "--name", NAME, "--net", "host", "--pid", "host"));
    command.addAll(attached ? List.of("--rm") : List.of("--detach", "--restart", "always"));
    command.addAll(List.of("--cap-drop", "ALL"));
    for (String capability : CAPABILITIES) {
      command.addAll(List.of("--cap-add", capability));
    }
    // AppArmor's profile for containers forbids what SYS_ADMIN allows.
    command.addAll(
        List.of("--security-opt", engine.writableSysctls, "--security-opt", "apparmor=unconfined"));
    for (String name : new TreeMap<>(settings).keySet()) {
      command.addAll(List.of("--env", name));
    }
    for (Path directory : directories) {
      command.addAll(List.of("--volume", directory + ":" + directory));
    }
    new TreeMap<>(files)
        .forEach((from, to) -> command.addAll(List.of("--volume", from + ":" + to + ":ro")));
    command.add(image);
    return List.copyOf(command);
  }
}
