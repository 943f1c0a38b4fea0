package io.calico4j.calicoctl;

import io.calico4j.core.bird.BirdControl;
import io.calico4j.core.bird.BirdSession;
import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.endpoint.TeardownRecords;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code node status}: whether calico-node runs, this host's BGP sessions with the numbers of their
 * routes, from bird's control socket, and the containers that were removed while etcd was away and
 * are still to be released.
 */
@Command(
    description =
        "Shows this node's BGP sessions, and how many containers that were removed while etcd was"
            + " away are still to be released.",
    mixinStandardHelpOptions = true)
final class NodeStatusCommand implements Callable<Integer> {
  private static final List<String> HEADER =
      List.of("PEER ADDRESS", "PEER TYPE", "STATE", "SINCE", "INFO", "IMPORTED", "EXPORTED");

  /** By the begin of the session's name; upstream's words. */
  private static final Map<String, String> TYPES =
      Map.of(
          "Mesh_", "node-to-node mesh",
          "Node_", "node specific",
          "Global_", "global",
          "Local_Workload_", "local workload");

  private final Path socket;
  private final Path plugins;
  private final TeardownRecords teardowns;

  @Spec private CommandSpec spec = CommandSpec.create();

  NodeStatusCommand(Map<String, String> environment) {
    Path run = Path.of(environment.getOrDefault("CALICO_RUN_DIR", "/run/calico"));
    socket = run.resolve("bird.ctl");
    plugins = run.resolve("plugin.sock");
    teardowns = new TeardownRecords(TeardownRecords.directory(LocalEtcd.libDirectory(environment)));
  }

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    List<BirdSession> sessions;
    try {
      sessions = new BirdControl(socket).sessions();
    } catch (IOException e) {
      printTeardowns(out);
      throw new IOException(
          "bird cannot be asked at " + socket + ": is calico-node running here? " + e.getMessage(),
          e);
    }
    out.println(
        isAgentRunning()
            ? "Calico process is running."
            : "Calico process is not running, bird is.");
    out.println();
    printSessions(out, "IPv4", sessions.stream().filter(s -> !s.isV6()).toList());
    printSessions(out, "IPv6", sessions.stream().filter(BirdSession::isV6).toList());
    printTeardowns(out);
    return 0;
  }

  /** Tells whether calico-node listens for plugins. */
  private boolean isAgentRunning() {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(plugins))) {
      return channel.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private static void printSessions(PrintWriter out, String family, List<BirdSession> sessions) {
    out.println(family + " BGP status");
    if (sessions.isEmpty()) {
      out.println("No " + family + " peers found.");
    } else {
      Table table = new Table(HEADER);
      for (BirdSession session : sessions) {
        table.row(
            List.of(
                session.address(),
                type(session.name()),
                session.state(),
                session.since(),
                session.info(),
                Long.toString(session.imported()),
                Long.toString(session.exported())));
      }
      table.print(out);
    }
    out.println();
  }

  private static String type(String name) {
    return TYPES.entrySet().stream()
        .filter(type -> name.startsWith(type.getKey()))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse("");
  }

  private void printTeardowns(PrintWriter out) throws IOException {
    TeardownRecords.Waiting waiting;
    try {
      waiting = teardowns.waiting();
    } catch (IOException e) {
      throw new IOException("teardown records cannot be listed: " + e, e);
    }
    out.println(
        "Teardown records that wait for etcd: "
            + waiting
                .oldest()
                .map(t -> waiting.count() + ", the oldest since " + t)
                .orElse("none"));
    out.flush();
  }
}
