package io.calico4j.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A real dockerd on a host, which finds the plugins of that host's agent and no others. */
final class DockerEngine implements Closeable {
  /** The image of every container. */
  static final String IMAGE = "busybox:test";

  private static final String START =
      "mkdir -p /run/docker/plugins && mount --bind \"$0\" /run/docker/plugins && exec \"$@\"";

  private final TestHost host;
  private final Path directory;
  private @Nullable Process dockerd;

  /** Prepares the host; its agent, started afterwards, serves this Docker. */
  DockerEngine(TestHost host) throws IOException {
    this.host = host;
    directory = Files.createDirectories(Path.of("/run/docker-of-" + host.name()));
    Files.createDirectories(directory.resolve("plugins"));
    host.set("CALICO_LIBNETWORK_ENABLED", "true");
    host.set("CALICO_LIBNETWORK_PLUGIN_DIR", directory.resolve("plugins").toString());
    host.set("CALICO_LIBNETWORK_DOCKER_SOCKET", directory.resolve("docker.sock").toString());
    host.set("CALICO_LIBNETWORK_SECONDS", "1");
    host.set("DOCKER_HOST", "unix://" + directory.resolve("docker.sock"));
  }

  /** Starts dockerd and waits until it answers. */
  void start() throws IOException {
    dockerd =
        new ProcessBuilder(
                host.enter(
                    List.of(
                        "sh",
                        "-c",
                        START,
                        directory.resolve("plugins").toString(),
                        "dockerd",
                        "--data-root=" + directory.resolve("data"),
                        "--exec-root=" + directory.resolve("exec"),
                        "--pidfile=" + directory.resolve("pid"),
                        "--host=unix://" + directory.resolve("docker.sock"),
                        "--storage-driver=vfs",
                        "--exec-opt=native.cgroupdriver=cgroupfs")))
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(host.state().resolve("dockerd.log").toFile()))
            .start();
    Await.until(
        "dockerd answers, see " + host.state().resolve("dockerd.log"),
        30,
        () -> docker("version").exitCode() == 0);
  }

  /** Makes the image, without a registry. */
  void importImage() throws IOException {
    Path files = Files.createDirectories(host.state().resolve("image"));
    Path unused = BusyboxImage.write(files, IMAGE, List.of("/bin/sh"));
    String unusedId = must("import", files.resolve("layer.tar").toString(), IMAGE);
  }

  /** Runs docker. */
  Command.Outcome docker(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("docker"));
    all.addAll(Arrays.asList(arguments));
    return host.withSettings("", all).run();
  }

  /** Runs docker, which must succeed; returns what it printed. */
  String must(String... arguments) throws IOException {
    Command.Outcome outcome = docker(arguments);
    if (outcome.exitCode() != 0) {
      throw new IOException("docker " + String.join(" ", arguments) + ": " + outcome.output());
    }
    return outcome.standardOutput().strip();
  }

  /** Begins a command of docker, whose output is in the host's directory. */
  Process begin(String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of("docker"));
    all.addAll(Arrays.asList(arguments));
    Command command = host.withSettings("", all);
    ProcessBuilder builder =
        new ProcessBuilder(command.arguments())
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(host.state().resolve("docker.log").toFile()));
    builder.environment().clear();
    builder.environment().putAll(command.environment());
    return builder.start();
  }

  /** Removes every container except one. */
  void removeAllBut(String kept) throws IOException {
    for (String name : must("ps", "--all", "--format", "{{.Names}}").lines().toList()) {
      if (!name.equals(kept)) {
        String unused = must("rm", "--force", name);
      }
    }
  }

  /** Starts a container in a network, which serves a page; further options may be given. */
  void run(String name, String network, String... options) throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of("run", "--detach", "--stop-signal=KILL", "--name", name, "--network", network));
    all.addAll(Arrays.asList(options));
    all.addAll(
        List.of(IMAGE, "sh", "-c", "echo ok >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"));
    String unused = must(all.toArray(String[]::new));
  }

  /** Returns what Docker says of a container's address in a network. */
  String address(String container, String network) throws IOException {
    return inspect(container, network, "IPAddress");
  }

  /** Returns what Docker says of a container's IPv6 address in a network. */
  String address6(String container, String network) throws IOException {
    return inspect(container, network, "GlobalIPv6Address");
  }

  private String inspect(String container, String network, String field) throws IOException {
    return must(
        "inspect",
        "--format",
        "{{(index .NetworkSettings.Networks \"" + network + "\")." + field + "}}",
        container);
  }

  /** Tells whether a container gets an answer to a ping within a second. */
  boolean pings(String container, String address) throws IOException {
    return docker("exec", container, "ping", "-c", "1", "-W", "1", address).exitCode() == 0;
  }

  /** Kills dockerd and its containerd at once; containers go on. */
  void kill() throws IOException {
    Process running = dockerd;
    if (running != null) {
      running.descendants().filter(DockerEngine::isContainerd).forEach(p -> p.destroyForcibly());
      Await.killed(running);
    }
    dockerd = null;
  }

  private static boolean isContainerd(ProcessHandle process) {
    return process.info().command().orElse("").endsWith("/containerd");
  }

  /** Removes every container, and stops dockerd. */
  @Override
  public void close() throws IOException {
    Process running = dockerd;
    if (running == null) {
      return;
    }
    String all = docker("ps", "--all", "--quiet").standardOutput().strip();
    if (!all.isEmpty()) {
      List<String> remove = new ArrayList<>(List.of("rm", "--force"));
      remove.addAll(all.lines().toList());
      var unused = docker(remove.toArray(String[]::new));
    }
    running.destroy();
    Await.until("dockerd has ended", 30, () -> !running.isAlive());
  }
}
