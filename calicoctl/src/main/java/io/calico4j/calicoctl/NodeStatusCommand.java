package io.calico4j.calicoctl;

import io.calico4j.core.datastore.etcd.LocalEtcd;
import io.calico4j.core.endpoint.TeardownRecords;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringTokenizer;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code node status}: this host's BGP sessions, from bird's control socket, and the containers
 * that were removed while etcd was away and are still to be released.
 */
@Command(
    description =
        "Shows this node's BGP sessions, and how many containers that were removed while etcd was"
            + " away are still to be released.",
    mixinStandardHelpOptions = true)
final class NodeStatusCommand implements Callable<Integer> {
  private final Path socket;
  private final TeardownRecords teardowns;

  @Spec private CommandSpec spec = CommandSpec.create();

  NodeStatusCommand(Map<String, String> environment) {
    socket = Path.of(environment.getOrDefault("CALICO_RUN_DIR", "/run/calico"), "bird.ctl");
    teardowns = new TeardownRecords(TeardownRecords.directory(LocalEtcd.libDirectory(environment)));
  }

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    List<String> lines;
    try {
      lines = ask("show protocols");
    } catch (IOException e) {
      printTeardowns(out);
      throw new IOException(
          "bird cannot be asked at " + socket + ": is calico-node running here? " + e.getMessage(),
          e);
    }
    Table table = new Table(List.of("PEER ADDRESS", "PEER TYPE", "STATE", "SINCE", "INFO"));
    for (String line : lines) {
      row(line, table);
    }
    out.println("Calico process is running.");
    out.println();
    out.println("IPv4 BGP status");
    table.print(out);
    out.println();
    printTeardowns(out);
    return 0;
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

  /** A line such as {@code Mesh_192_0_2_12 BGP --- up 22:03:43.230 Established}. */
  private static void row(String line, Table table) {
    StringTokenizer words = new StringTokenizer(line);
    if (words.countTokens() < 5) {
      return;
    }
    String name = words.nextToken();
    String type =
        name.startsWith("Mesh_")
            ? "node-to-node mesh"
            : name.startsWith("Node_")
                ? "node specific"
                : name.startsWith("Global_") ? "global" : "";
    if (type.isEmpty() || !words.nextToken().equals("BGP")) {
      return;
    }
    words.nextToken();
    String state = words.nextToken();
    String since = words.nextToken();
    String info = words.hasMoreTokens() ? words.nextToken("\n").strip() : "";
    String address = name.substring(name.indexOf('_') + 1).replace('_', '.');
    table.row(List.of(address, type, state, since, info));
  }

  private List<String> ask(String command) throws IOException {
    List<String> lines = new ArrayList<>();
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      BufferedReader reader =
          new BufferedReader(
              new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.US_ASCII));
      String greeting = reader.readLine();
      channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.US_ASCII)));
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.startsWith("0000") || line.startsWith("8") || line.startsWith("9")) {
          return lines;
        }
        lines.add(line.replaceFirst("^[0-9]{4}[- ]", "").strip());
      }
      throw new IOException("it closed the connection after " + greeting);
    }
  }
}
