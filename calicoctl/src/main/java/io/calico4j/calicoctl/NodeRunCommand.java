package io.calico4j.calicoctl;

import io.calico4j.core.datastore.etcd.LocalEtcd;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code node run}: starts calico-node in a container of Docker or podman, as upstream's does. */
@Command(
    description =
        "Starts calico-node in a container with the host's network. A container calico-node that"
            + " is there is replaced.",
    mixinStandardHelpOptions = true)
final class NodeRunCommand implements Callable<Integer> {
  private static final String DOCKER_NETWORKING = "CALICO_LIBNETWORK_ENABLED";
  private static final Set<String> ENABLED = Set.of("true", "1", "yes", "y", "t");
  private static final String DOCKER_SOCKET = "CALICO_LIBNETWORK_DOCKER_SOCKET";
  private static final String SOCKET = "/var/run/docker.sock";

  /** Where Docker finds plugins. */
  private static final String PLUGINS = "/run/docker/plugins";

  private static final String DOCKER_PLUGINS = "CALICO_LIBNETWORK_PLUGIN_DIR";

  private static final Set<String> CERTIFICATES =
      Set.of("ETCD_CA_CERT_FILE", "ETCD_CERT_FILE", "ETCD_KEY_FILE");

  /** What calico-node says when all of it works; upstream's words. */
  private static final String STARTED = "Calico node started successfully";

  private static final Duration START = Duration.ofSeconds(90);
  private static final int LAST_LINES = 10;

  private final Supplier<Map<String, String>> connection;
  private final Map<String, String> environment;

  @Option(names = "--name", description = "the node's name (default: the host's name)")
  private String name = "";

  @Option(names = "--ip", description = "IPv4 address for BGP, or autodetect")
  private String ip = "";

  @Option(names = "--ip6", description = "IPv6 address for BGP, or autodetect")
  private String ip6 = "";

  @Option(names = "--as", description = "the node's AS number (default: the cluster's)")
  private String as = "";

  @Option(names = "--ip-autodetection-method", description = "how an IPv4 address is found")
  private String method = "";

  @Option(names = "--ip6-autodetection-method", description = "how an IPv6 address is found")
  private String method6 = "";

  @Option(names = "--backend", description = "bird, vxlan or none")
  private String backend = "";

  @Option(names = "--no-default-ippools", description = "make no pool where there is none")
  private boolean noPools;

  @Option(names = "--felix-config", description = "a felix.cfg of the host")
  private String felixConfig = "";

  @Option(
      names = "--mount",
      description =
          "a directory of the host that calico-node looks into, as of an orchestrator; may be"
              + " repeated")
  private List<String> mounts = new ArrayList<>();

  @Option(
      names = "--node-image",
      description = "the image (default: calico/node of calicoctl's version)")
  private String image = "";

  @Option(
      names = "--engine",
      description = "docker or podman (default ${DEFAULT-VALUE})",
      defaultValue = "docker")
  private NodeContainer.Engine engine = NodeContainer.Engine.docker;

  @Option(
      names = "--init-system",
      description = "stay until the container ends, for an init system that starts it again")
  private boolean initSystem;

  @Option(names = "--dryrun", description = "print the command, with its settings, only")
  private boolean dryRun;

  @Option(names = "--log-dir", hidden = true)
  private String logDirectory = "";

  @Spec private CommandSpec spec = CommandSpec.create();

  /** Makes the command; the connection to the datastore is calico-node's too. */
  NodeRunCommand(Supplier<Map<String, String>> connection, Map<String, String> environment) {
    this.connection = connection;
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    if (!logDirectory.isEmpty()) {
      throw new IllegalArgumentException(
          "--log-dir has no effect: calico-node writes to its standard output, see "
              + engine
              + " logs calico-node");
    }
    NodeContainer container = container();
    PrintWriter out = spec.commandLine().getOut();
    if (dryRun) {
      new TreeMap<>(container.settings())
          .forEach(
              (variable, value) ->
                  out.println(
                      "export " + variable + "=" + quoted(isSecret(variable) ? "..." : value)));
      out.println(
          String.join(" ", container.start().stream().map(NodeRunCommand::quoted).toList()));
      out.flush();
      return 0;
    }
    for (Path directory : container.directories()) {
      Files.createDirectories(directory);
    }
    // A calico-node that runs is not removed before there is another one to start.
    if (run(container.lookForImage(), Map.of(), ProcessBuilder.Redirect.DISCARD) != 0
        && run(container.fetchImage(), Map.of(), ProcessBuilder.Redirect.INHERIT) != 0) {
      throw new IOException(
          "image "
              + container.image()
              + " is not on this host and cannot be fetched: load it with "
              + engine
              + " load, or name another one with --node-image");
    }
    run(container.removal(), Map.of(), ProcessBuilder.Redirect.DISCARD);
    int status = run(container.start(), container.settings(), ProcessBuilder.Redirect.INHERIT);
    return status == 0 && !initSystem ? awaitStart(out) : status;
  }

  /** Follows the container's log until calico-node says that it has started. */
  private int awaitStart(PrintWriter out) throws IOException {
    Process log =
        new ProcessBuilder(engine.name(), "logs", "--follow", NodeContainer.NAME)
            .redirectErrorStream(true)
            .start();
    CompletableFuture<Void> late =
        CompletableFuture.runAsync(
            log::destroy, CompletableFuture.delayedExecutor(START.toSeconds(), TimeUnit.SECONDS));
    Deque<String> last = new ArrayDeque<>();
    try (BufferedReader lines = log.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.contains(STARTED)) {
          out.println(STARTED);
          out.flush();
          return 0;
        }
        last.addLast(line);
        if (last.size() > LAST_LINES) {
          last.removeFirst();
        }
      }
    } catch (IOException e) {
      last.addLast("its log cannot be read any more: " + e.getMessage());
    } finally {
      boolean unused = late.cancel(false);
      log.destroy();
    }
    throw new IOException(
        "calico-node has not started within "
            + START.toSeconds()
            + " s, or has ended; its last lines, see also "
            + engine
            + " logs calico-node:\n"
            + String.join("\n", last));
  }

  private NodeContainer container() throws IOException {
    Map<String, String> settings = new HashMap<>();
    Map<Path, Path> files = new HashMap<>();
    Path run = Path.of(environment.getOrDefault("CALICO_RUN_DIR", "/run/calico"));
    List<Path> directories = new ArrayList<>(List.of(run, LocalEtcd.libDirectory(environment)));
    environment.forEach(
        (variable, value) -> {
          if (variable.startsWith("CALICO_") || variable.startsWith("FELIX_")) {
            settings.put(variable, value);
          }
        });
    connection
        .get()
        .forEach(
            (variable, value) -> {
              if (variable.startsWith("ETCD_") && !value.isEmpty()) {
                settings.put(variable, value);
              }
            });
    put(settings, "NODENAME", name);
    put(settings, "IP", ip);
    put(settings, "IP6", ip6);
    put(settings, "AS", as);
    put(settings, "IP_AUTODETECTION_METHOD", method);
    put(settings, "IP6_AUTODETECTION_METHOD", method6);
    put(settings, "CALICO_NETWORKING_BACKEND", backend);
    put(settings, "NO_DEFAULT_POOLS", noPools ? "true" : "");
    for (String variable : CERTIFICATES) {
      if (settings.containsKey(variable)) {
        Path file = readable(variable, settings.get(variable));
        files.put(file, file);
      }
    }
    if (!felixConfig.isEmpty()) {
      files.put(readable("--felix-config", felixConfig), Path.of("/etc/calico/felix.cfg"));
    }
    if (ENABLED.contains(settings.getOrDefault(DOCKER_NETWORKING, "").toLowerCase(Locale.ROOT))) {
      directories.add(Path.of(settings.getOrDefault(DOCKER_PLUGINS, PLUGINS)));
      Path socket = readable(DOCKER_SOCKET, settings.getOrDefault(DOCKER_SOCKET, SOCKET));
      files.put(socket, socket);
    }
    for (String mount : mounts) {
      directories.add(readable("--mount", mount));
    }
    String version = image.isEmpty() ? "calico/node:" + VersionCommand.ownVersion() : image;
    return new NodeContainer(engine, version, initSystem, settings, directories, files);
  }

  private static void put(Map<String, String> settings, String variable, String value) {
    if (!value.isEmpty()) {
      settings.put(variable, value);
    }
  }

  private static Path readable(String name, String file) {
    Path path = Path.of(file).toAbsolutePath();
    if (!Files.isReadable(path)) {
      throw new IllegalArgumentException(name + " " + file + " cannot be read");
    }
    return path;
  }

  private static boolean isSecret(String variable) {
    return variable.contains("PASSWORD") || variable.equals("ETCD_KEY");
  }

  private static String quoted(String argument) {
    return argument.matches("[\\w@%+=:,./-]+")
        ? argument
        : "'" + argument.replace("'", "'\\''") + "'";
  }

  private int run(
      List<String> command, Map<String, String> settings, ProcessBuilder.Redirect output)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
            .redirectOutput(output)
            .redirectError(output);
    builder.environment().putAll(settings);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new IOException(
          engine + " cannot be run: install it, or name another one with --engine", e);
    }
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroy();
      return 1;
    }
  }
}
