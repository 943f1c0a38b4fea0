package io.calico4j.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A router between two segments: a namespace that forwards, with a BIRD that peers with hosts. */
public final class Router implements Closeable {
  /** Its AS number. */
  public static final int AS = 64500;

  private final Namespace namespace;
  private final Path state;
  private final StringBuilder neighbours = new StringBuilder();

  Router(Namespace namespace, Path state) throws IOException {
    this.namespace = namespace;
    this.state = Files.createDirectories(state);
    namespace.command("sysctl", "-qw", "net.ipv4.ip_forward=1").mustRun();
  }

  /** Returns its namespace. */
  public Namespace namespace() {
    return namespace;
  }

  /** Accepts a BGP session from a host. */
  void addPeer(String name, String address, String as) {
    neighbours.append(
        "protocol bgp %s from host { neighbor %s as %s; }%n".formatted(name, address, as));
  }

  /** Starts BIRD with the peers known by now. */
  void start(String routerId) throws IOException {
    Path configuration = state.resolve("bird.cfg");
    Files.write(
        configuration,
        ("router id "
                + routerId
                + ";\nprotocol device { scan time 2; }\n"
                + "protocol kernel { ipv4 { export all; }; }\n"
                + "template bgp host { local as "
                + AS
                + "; passive on; ipv4 { import all; export all; next hop self; }; }\n"
                + neighbours)
            .getBytes(StandardCharsets.UTF_8));
    namespace
        .command(
            "bird",
            "-c",
            configuration.toString(),
            "-s",
            state.resolve("bird.ctl").toString(),
            "-P",
            state.resolve("bird.pid").toString())
        .mustRun();
  }

  @Override
  public void close() throws IOException {
    PidFile.kill(state.resolve("bird.pid"));
    namespace.delete();
  }
}
