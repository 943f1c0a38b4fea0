package io.calico4j.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A mount namespace on a host in which a container engine is installed with our plugin, as an
 * operator does it: programs in /opt/cni/bin, networks in /etc/cni/net.d. What engines write there
 * and below /var/lib goes to memory and ends with it; cgroups are out of sight, because they are
 * the machine's. Sandboxes that an engine mounts here are mounted nowhere else: the agent, in
 * another mount namespace, sees none of their paths.
 */
final class EngineSpace implements Closeable {
  private static final String SETUP =
      """
      set -e
      own=$(mktemp -d /run/engine.XXXXXX)
      mount -t tmpfs tmpfs "$own"
      for part in opt var/lib; do
        mkdir -p "$own/$part"
        for entry in "/$part"/*; do
          case $entry in
            '/opt/*' | /opt/cni | /var/lib/cni | /var/lib/containers) continue ;;
          esac
          if [ -d "$entry" ]; then mkdir "$own$entry"; else touch "$own$entry"; fi
          mount --rbind "$entry" "$own$entry"
        done
        mount --rbind "$own/$part" "/$part"
      done
      for part in /etc/cni /dev/shm /sys/fs/cgroup; do mount -t tmpfs tmpfs "$part"; done
      mkdir -p /etc/cni/net.d /opt/cni/bin
      cp "$1/bin/calico" "$1/bin/calico-ipam" /usr/lib/cni/loopback /opt/cni/bin/
      echo "$own" >"$2.new"
      mv "$2.new" "$2"
      exec cat
      """;

  private final TestHost host;
  private final Process holder;
  private final Path directory;
  private final List<Process> servers = new ArrayList<>();

  /** Makes it, with one network for each configuration list. */
  EngineSpace(TestHost host, List<String> networks) throws IOException {
    this.host = host;
    Path ready = host.state().resolve("engine");
    holder =
        new ProcessBuilder(
                host.enter(
                    List.of(
                        "sh",
                        "-c",
                        SETUP,
                        "sh",
                        Installed.distribution().toString(),
                        ready.toString())))
            .redirectErrorStream(true)
            .redirectOutput(host.state().resolve("engine.log").toFile())
            .start();
    Await.until(
        "the engine's directories are mounted, see " + host.state().resolve("engine.log"),
        10,
        () -> {
          if (!holder.isAlive()) {
            throw new IOException(Files.readString(host.state().resolve("engine.log")));
          }
          return Files.exists(ready);
        });
    directory = Path.of(Files.readString(ready).strip());
    for (int i = 0; i < networks.size(); i++) {
      String file = "/etc/cni/net.d/" + (10 + i) + "-calico.conflist";
      new Command(enter("sh", "-c", "cat >\"$0\"", file), System.getenv(), networks.get(i))
          .mustRun();
    }
  }

  /** Returns a directory in memory that only programs in here see. */
  Path directory() {
    return directory;
  }

  private List<String> enter(String... arguments) {
    List<String> all =
        new ArrayList<>(List.of("nsenter", "--mount=/proc/" + holder.pid() + "/ns/mnt"));
    all.addAll(List.of(arguments));
    return host.namespace().enter(all);
  }

  /** Makes a command that runs a program in here. */
  Command command(String... arguments) {
    return Command.of(enter(arguments).toArray(String[]::new));
  }

  /** Starts a program that goes on; its output is in the host's directory. */
  Process start(String log, String... arguments) throws IOException {
    Process server =
        new ProcessBuilder(enter(arguments))
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(host.state().resolve(log + ".log").toFile()))
            .start();
    servers.add(server);
    return server;
  }

  /** Kills what was started here; the last process takes the mounts along. */
  @Override
  public void close() throws IOException {
    for (Process server : servers) {
      Await.killed(server);
    }
    holder.destroy();
    try {
      boolean unused = holder.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
