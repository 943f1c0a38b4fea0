package io.calico4j.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** A router with Debian's FRR: zebra and bgpd. */
final class Frr implements Closeable {
  private static final int SECONDS = 60;

  private final Namespace namespace;
  private final Path state;
  private final List<Process> daemons = new ArrayList<>();

  private Frr(Namespace namespace, Path state) {
    this.namespace = namespace;
    this.state = state;
  }

  /**
   * Starts one in a namespace.
   *
   * @param state its directory
   * @param configuration of bgpd, as {@code frr.conf} has it
   */
  static Frr start(Namespace namespace, Path state, String configuration) throws IOException {
    // FRR works as a user of its own.
    Files.setPosixFilePermissions(
        Files.createDirectories(state), PosixFilePermissions.fromString("rwxrwxrwx"));
    Path empty = Files.writeString(state.resolve("zebra.conf"), "");
    Path file = Files.writeString(state.resolve("frr.conf"), configuration);
    Frr frr = new Frr(namespace, state);
    frr.run("zebra", empty);
    Await.until("zebra listens", SECONDS, () -> Files.exists(state.resolve("zserv.api")));
    frr.run("bgpd", file);
    return frr;
  }

  private void run(String name, Path configuration) throws IOException {
    List<String> command =
        List.of(
            "/usr/lib/frr/" + name,
            "--config_file=" + configuration,
            "--socket=" + state.resolve("zserv.api"),
            "--pid_file=" + state.resolve(name + ".pid"),
            "--vty_socket=" + state,
            "--log=stdout");
    daemons.add(
        new ProcessBuilder(namespace.enter(command))
            .redirectErrorStream(true)
            .redirectOutput(state.resolve(name + ".log").toFile())
            .start());
  }

  /** Runs commands of its shell and returns what they print. */
  String vtysh(String... commands) throws IOException {
    List<String> all = new ArrayList<>(List.of("vtysh", "--vty_socket", state.toString()));
    for (String command : commands) {
      all.add("-c");
      all.add(command);
    }
    return namespace.command(all.toArray(String[]::new)).run().output();
  }

  @Override
  public void close() throws IOException {
    for (Process daemon : daemons) {
      Await.killed(daemon);
    }
  }
}
