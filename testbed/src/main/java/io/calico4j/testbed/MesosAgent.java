package io.calico4j.testbed;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;

/**
 * Does what a Mesos agent's {@code network/cni} isolator does with its containers: makes the
 * network namespace and its bind mount, writes the state below the isolator's root, calls the
 * plugins of all networks of a container at once with exactly the agent's environment, takes back
 * after a failure, and recovers.
 */
public final class MesosAgent implements Closeable {
  private static final String PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

  private final TestHost host;
  private final MesosIsolatorRoot root;
  private final Map<String, JsonObject> networks = new HashMap<>();
  private final Map<String, Container> containers = new LinkedHashMap<>();
  private final Map<String, Map<String, String>> interfaces = new HashMap<>();

  /** A launch that failed, with the message a framework sees. */
  public static final class LaunchException extends IOException {
    LaunchException(String message) {
      super(message);
    }
  }

  /**
   * Who a container is for.
   *
   * @param framework the framework's id; empty for a nested container
   * @param executor the executor's id
   * @param task the task's id; empty when no task is in it
   */
  public record Owner(String framework, String executor, String task) {
    /** Nobody: a nested container that says nothing. */
    public static final Owner NOBODY = new Owner("", "", "");
  }

  /**
   * A container that runs; it serves a page on {@link PacketProbe#PORT}.
   *
   * @param id its id, with dots when nested
   * @param owner whose it is
   * @param process its first process
   * @param sandbox its network namespace
   * @param addresses its IPv4 addresses by network
   */
  public record Container(
      String id, Owner owner, Process process, Namespace sandbox, Map<String, String> addresses) {
    /** Copies the addresses. */
    public Container {
      addresses = Map.copyOf(addresses);
    }

    /** Returns the address in its only network. */
    public String address() {
      return addresses.values().iterator().next();
    }
  }

  /** Makes an agent of a host, with an empty isolator root. */
  public MesosAgent(TestHost host) throws IOException {
    this.host = host;
    root = new MesosIsolatorRoot(host.state().resolve("mesos/isolators/network/cni"));
    Files.createDirectories(root.path());
  }

  /** Takes over a network's configuration file, as the operator wrote it. */
  public void network(String configuration) {
    JsonObject json = JsonParser.parseString(configuration).getAsJsonObject();
    networks.put(json.get("name").getAsString(), json);
  }

  /** Returns the containers that run, or are being destroyed in vain. */
  public List<Container> containers() {
    return List.copyOf(containers.values());
  }

  /** Returns where the isolator keeps its state. */
  public Path root() {
    return root.path();
  }

  /**
   * Launches a container with these NetworkInfos, as the agent prints them.
   *
   * @throws LaunchException when a plugin refuses; the container has been destroyed
   */
  public Container launch(String id, Owner owner, String... networkInfos) throws IOException {
    Path unusedDirectory = Files.createDirectories(root.container(id));
    Process process = startProcess();
    Path namespace = Files.createFile(root.namespace(id));
    String unused =
        Command.of("mount", "--bind", "/proc/" + process.pid() + "/ns/net", namespace.toString())
            .mustRun();
    Container planned = new Container(id, owner, process, Namespace.at(namespace), Map.of());
    containers.put(id, planned);
    Map<String, String> addresses = new TreeMap<>();
    List<String> failures = prepare(id, networkInfos);
    if (failures.isEmpty()) {
      together(
          Objects.requireNonNull(interfaces.get(id)),
          (name, link) -> {
            Command.Outcome added = call("ADD", id, name, link, true);
            String failure = failure(id, name, added);
            synchronized (addresses) {
              if (failure.isEmpty()) {
                root.saveResult(id, name, link, added.standardOutput());
                ipv4(added.standardOutput()).forEach(a -> addresses.put(name, a));
              } else {
                failures.add(failure);
              }
            }
          });
    }
    if (!failures.isEmpty()) {
      destroy(id);
      throw new LaunchException(String.join("\n", failures));
    }
    planned.sandbox().ip("link", "set", "dev", "lo", "up");
    root.writeHostFiles(id, addresses);
    Container launched = new Container(id, owner, process, planned.sandbox(), addresses);
    containers.put(id, launched);
    return launched;
  }

  /** Writes the networks' configurations; those without a name are nobody's. */
  private List<String> prepare(String id, String... networkInfos) throws IOException {
    Map<String, String> links = new LinkedHashMap<>();
    List<String> failures = new ArrayList<>();
    interfaces.put(id, links);
    for (String text : networkInfos) {
      JsonObject info = JsonParser.parseString(text).getAsJsonObject();
      if (info.has("name")) {
        String name = info.get("name").getAsString();
        JsonObject network = networks.get(name);
        if (network == null) {
          failures.add("Unknown CNI network '" + name + "'");
          return failures;
        }
        root.writeConfiguration(id, name, network, info);
        links.put(name, "eth" + links.size());
      }
    }
    return failures;
  }

  private Process startProcess() throws IOException {
    return PageServer.start(List.of("unshare", "--net", "--uts", "--mount"), host.state());
  }

  /** Calls the plugin of a network with the agent's whole environment for it. */
  private Command.Outcome call(
      String command, String id, String network, String link, boolean hasNamespace)
      throws IOException {
    Map<String, String> environment = new TreeMap<>();
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", id);
    environment.put("CNI_PATH", host.plugins().toString());
    environment.put("CNI_IFNAME", link);
    environment.put("PATH", PATH);
    if (hasNamespace) {
      environment.put("CNI_NETNS", root.namespace(id).toString());
    }
    String configuration = root.configuration(id, network);
    String type = JsonParser.parseString(configuration).getAsJsonObject().get("type").getAsString();
    return type.equals(MesosPortMapper.TYPE)
        ? new MesosPortMapper(host).run(environment, configuration)
        : host.plugin(type, environment, configuration);
  }

  /** Reads a result as the agent does, which understands {@code ip4} and {@code ip6} only. */
  private static String failure(String id, String network, Command.Outcome added) {
    String output =
        "stdout='" + added.standardOutput() + "', stderr='" + added.standardError() + "'";
    if (added.exitCode() != 0) {
      return "The CNI plugin failed to attach container "
          + id
          + " to CNI network '"
          + network
          + "': "
          + output;
    }
    try {
      JsonObject result = JsonParser.parseString(added.standardOutput()).getAsJsonObject();
      for (String family : List.of("ip4", "ip6")) {
        if (result.get(family) instanceof JsonObject address
            && !address.get("ip").getAsString().contains("/")) {
          return "Invalid CIDR in the result: " + output;
        }
      }
      return "";
    } catch (RuntimeException e) {
      return "The result of the CNI plugin cannot be parsed: " + output;
    }
  }

  private static Stream<String> ipv4(String result) {
    JsonElement family = JsonParser.parseString(result).getAsJsonObject().get("ip4");
    return family instanceof JsonObject address
        ? Stream.of(address.get("ip").getAsString().replaceFirst("/.*", ""))
        : Stream.empty();
  }

  /** Kills a container's processes and detaches its networks. */
  public void destroy(String id) throws IOException {
    Container container = containers.get(id);
    if (container != null) {
      Await.killed(container.process());
    }
    List<String> failures = detach(id);
    if (!failures.isEmpty()) {
      throw new IOException("container " + id + " stays destroying: " + failures);
    }
    containers.remove(id);
  }

  /** Calls DEL of every network that was begun; removes the container's state if all succeed. */
  private List<String> detach(String id) throws IOException {
    List<String> failures = new ArrayList<>();
    if (!Files.exists(root.container(id))) {
      return failures;
    }
    Map<String, String> known = interfaces.getOrDefault(id, Map.of());
    Map<String, String> links = new LinkedHashMap<>();
    root.networks(id)
        .forEach(
            (network, saved) ->
                links.put(
                    network, saved.isEmpty() ? known.getOrDefault(network, "eth0") : saved.get(0)));
    boolean hasNamespace = root.hasNamespace(id);
    together(
        links,
        (name, link) -> {
          Command.Outcome deleted = call("DEL", id, name, link, hasNamespace);
          if (deleted.exitCode() == 0) {
            root.forgetInterface(id, name, link);
          } else {
            synchronized (failures) {
              failures.add(name + ": " + deleted.output());
            }
          }
        });
    if (failures.isEmpty()) {
      root.forget(id);
      interfaces.remove(id);
    }
    return failures;
  }

  /** Restarts the agent's process: containers that run stay, all others are orphans. */
  public void restart() throws IOException {
    for (String id : root.containers()) {
      if (containers.containsKey(id)) {
        root.readResults(id);
        continue;
      }
      interfaces.remove(id);
      List<String> failures = detach(id);
      if (!failures.isEmpty()) {
        throw new IOException("orphan " + id + ": " + failures);
      }
    }
  }

  /** Forgets a container as an agent does whose checkpoints were wiped; its processes end. */
  public void forget(String id) throws IOException {
    Container forgotten = containers.remove(id);
    if (forgotten != null) {
      Await.killed(forgotten.process());
    }
  }

  /**
   * Reboots what the agent has on the machine: processes and mounts are gone; the isolator's state
   * too, unless it is kept.
   */
  public void reboot(boolean keepRoot) throws IOException {
    Set<String> ids = new HashSet<>(containers.keySet());
    for (String id : ids) {
      forget(id);
    }
    for (String id : root.containers()) {
      if (keepRoot) {
        root.unmount(id);
      } else {
        root.forget(id);
      }
    }
  }

  private interface Step {
    void run(String network, String link) throws IOException;
  }

  /** Runs a step for all networks at once, as the agent does, and waits for all of them. */
  private static void together(Map<String, String> interfaces, Step step) throws IOException {
    List<CompletableFuture<Void>> steps = new ArrayList<>();
    interfaces.forEach(
        (network, link) ->
            steps.add(
                CompletableFuture.runAsync(
                    () -> {
                      try {
                        step.run(network, link);
                      } catch (IOException e) {
                        throw new UncheckedIOException(e);
                      }
                    },
                    task -> new Thread(task, "cni-" + network).start())));
    try {
      CompletableFuture.allOf(steps.toArray(CompletableFuture[]::new)).join();
    } catch (CompletionException e) {
      throw new IOException(e.getCause());
    }
  }

  /** Ends what runs; the plugins are not called. */
  @Override
  public void close() throws IOException {
    reboot(false);
  }
}
