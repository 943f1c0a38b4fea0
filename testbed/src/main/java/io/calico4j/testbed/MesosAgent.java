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
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Does what a Mesos agent's {@code network/cni} isolator does with its containers: makes the
 * network namespace and its bind mount, writes the state below the isolator's root, calls the
 * plugins of all networks of a container at once with exactly the agent's environment, takes back
 * after a failure, and recovers.
 */
public final class MesosAgent implements Closeable {
  private static final String PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

  private final TestHost host;
  private final Path root;
  private final Path pages;
  private final Map<String, JsonObject> networks = new HashMap<>();
  private final Map<String, Container> containers = new LinkedHashMap<>();

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
    root = host.state().resolve("mesos/isolators/network/cni");
    pages = Files.createDirectories(host.state().resolve("www"));
    Files.writeString(pages.resolve("index.html"), "ok\n");
    Files.createDirectories(root);
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
    return root;
  }

  /**
   * Launches a container with these NetworkInfos, as the agent prints them.
   *
   * @throws LaunchException when a plugin refuses; the container has been destroyed
   */
  public Container launch(String id, Owner owner, String... networkInfos) throws IOException {
    Path directory = Files.createDirectories(root.resolve(id));
    Process process = startProcess();
    Path namespace = Files.createFile(directory.resolve("ns"));
    String unused =
        Command.of("mount", "--bind", "/proc/" + process.pid() + "/ns/net", namespace.toString())
            .mustRun();
    Container planned = new Container(id, owner, process, Namespace.at(namespace), Map.of());
    containers.put(id, planned);
    Map<String, String> interfaces = new LinkedHashMap<>();
    for (String text : networkInfos) {
      JsonObject info = JsonParser.parseString(text).getAsJsonObject();
      if (info.has("name")) {
        String name = info.get("name").getAsString();
        Path configuration = Files.createDirectories(directory.resolve(name));
        Files.writeString(configuration.resolve("network.conf"), configuration(name, info));
        interfaces.put(name, "eth" + interfaces.size());
      }
    }
    List<String> failures = new ArrayList<>();
    Map<String, String> addresses = new TreeMap<>();
    together(
        interfaces,
        (name, link) -> {
          Command.Outcome added = call("ADD", id, name, link, namespace.toString());
          String failure = failure(id, name, added);
          synchronized (addresses) {
            if (failure.isEmpty()) {
              Path saved = Files.createDirectories(directory.resolve(name).resolve(link));
              Files.writeString(saved.resolve("network.info"), added.standardOutput());
              ipv4(added.standardOutput()).forEach(a -> addresses.put(name, a));
            } else {
              failures.add(failure);
            }
          }
        });
    if (!failures.isEmpty()) {
      destroy(id);
      throw new LaunchException(String.join("\n", failures));
    }
    planned.sandbox().ip("link", "set", "dev", "lo", "up");
    writeHostFiles(directory, id, addresses);
    Container launched = new Container(id, owner, process, planned.sandbox(), addresses);
    containers.put(id, launched);
    return launched;
  }

  /** Writes what the agent mounts into the container, with an image or without. */
  private static void writeHostFiles(Path directory, String id, Map<String, String> addresses)
      throws IOException {
    String hostname = id.substring(id.lastIndexOf('.') + 1);
    StringBuilder hosts = new StringBuilder("127.0.0.1 localhost\n");
    addresses.values().stream()
        .findFirst()
        .ifPresent(address -> hosts.append(address + " " + hostname + "\n"));
    Files.writeString(directory.resolve("hosts"), hosts);
    Files.writeString(directory.resolve("hostname"), hostname + "\n");
    Files.writeString(directory.resolve("resolv.conf"), "");
  }

  private Process startProcess() throws IOException {
    Process process =
        new ProcessBuilder(
                "unshare",
                "--net",
                "--uts",
                "--mount",
                "busybox",
                "httpd",
                "-f",
                "-p",
                Integer.toString(PacketProbe.PORT),
                "-h",
                pages.toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    Path own = Path.of("/proc/self/ns/net");
    Path its = Path.of("/proc/" + process.pid() + "/ns/net");
    Await.until(
        "the container's process has a namespace of its own",
        10,
        () -> !Files.readSymbolicLink(its).equals(Files.readSymbolicLink(own)));
    return process;
  }

  /** Merges the NetworkInfo into the operator's file, members sorted by name. */
  private String configuration(String name, JsonObject info) throws IOException {
    JsonObject network = networks.get(name);
    if (network == null) {
      throw new LaunchException("Unknown CNI network '" + name + "'");
    }
    JsonObject merged = network.deepCopy();
    JsonObject arguments =
        merged.get("args") instanceof JsonObject given ? given : new JsonObject();
    JsonObject mesos = new JsonObject();
    mesos.add("network_info", info);
    arguments.add("org.apache.mesos", mesos);
    merged.add("args", arguments);
    return sorted(merged).toString();
  }

  private static JsonElement sorted(JsonElement element) {
    if (!(element instanceof JsonObject object)) {
      return element;
    }
    JsonObject sorted = new JsonObject();
    new TreeMap<>(object.asMap()).forEach((name, value) -> sorted.add(name, sorted(value)));
    return sorted;
  }

  /** Calls the plugin of a network with the agent's whole environment for it. */
  private Command.Outcome call(
      String command, String id, String network, String link, @Nullable String namespace)
      throws IOException {
    Map<String, String> environment = new TreeMap<>();
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", id);
    environment.put("CNI_PATH", host.plugins().toString());
    environment.put("CNI_IFNAME", link);
    environment.put("PATH", PATH);
    if (namespace != null) {
      environment.put("CNI_NETNS", namespace);
    }
    String configuration =
        Files.readString(root.resolve(id).resolve(network).resolve("network.conf"));
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
    Path directory = root.resolve(id);
    Path namespace = directory.resolve("ns");
    List<String> failures = new ArrayList<>();
    if (!Files.exists(directory)) {
      return failures;
    }
    Map<String, String> interfaces = new LinkedHashMap<>();
    for (Path network : directories(directory)) {
      if (Files.exists(network.resolve("network.conf"))) {
        List<Path> links = directories(network);
        interfaces.put(
            String.valueOf(network.getFileName()),
            links.isEmpty()
                ? "eth" + interfaces.size()
                : String.valueOf(links.get(0).getFileName()));
      }
    }
    String handle = isNamespace(namespace) ? namespace.toString() : null;
    together(
        interfaces,
        (name, link) -> {
          Command.Outcome deleted = call("DEL", id, name, link, handle);
          if (deleted.exitCode() != 0) {
            synchronized (failures) {
              failures.add(name + ": " + deleted.output());
            }
          } else {
            delete(directory.resolve(name).resolve(link));
          }
        });
    if (failures.isEmpty()) {
      var unused = Command.of("umount", namespace.toString()).run();
      delete(directory);
    }
    return failures;
  }

  private static boolean isNamespace(Path file) throws IOException {
    return Command.of("stat", "-f", "-c", "%T", file.toString()).mustRun().contains("nsfs");
  }

  /** Restarts the agent's process: containers that run stay, all others are orphans. */
  public void restart() throws IOException {
    for (Path directory : directories(root)) {
      String id = String.valueOf(directory.getFileName());
      if (!containers.containsKey(id)) {
        List<String> failures = detach(id);
        if (!failures.isEmpty()) {
          throw new IOException("orphan " + id + ": " + failures);
        }
        continue;
      }
      for (Path network : directories(directory)) {
        for (Path link : directories(network)) {
          var unused =
              JsonParser.parseString(Files.readString(link.resolve("network.info")))
                  .getAsJsonObject();
        }
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
    for (Path directory : directories(root)) {
      var unused = Command.of("umount", directory.resolve("ns").toString()).run();
      if (!keepRoot) {
        delete(directory);
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

  private static List<Path> directories(Path parent) throws IOException {
    try (Stream<Path> files = Files.list(parent)) {
      return files.filter(Files::isDirectory).sorted().toList();
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** Ends what runs, without a word to the plugins. */
  @Override
  public void close() throws IOException {
    reboot(false);
  }
}
