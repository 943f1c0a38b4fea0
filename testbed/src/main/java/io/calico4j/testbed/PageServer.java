package io.calico4j.testbed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The web server of a container; its page has {@code ok}, which {@link PacketProbe} looks for. */
public final class PageServer {
  private static final int SECONDS = 10;

  private PageServer() {}

  /**
   * Starts one on {@link PacketProbe#PORT} and returns when it takes connections.
   *
   * @param into the command that enters the container and becomes the program it is given
   * @param state a directory for the page, outside the container
   */
  public static Process start(List<String> into, Path state) throws IOException {
    Path pages = Files.createDirectories(state.resolve("www"));
    Files.writeString(pages.resolve("index.html"), "ok\n");
    List<String> command = new ArrayList<>(into);
    command.addAll(
        List.of("busybox", "httpd", "-f", "-p", "" + PacketProbe.PORT, "-h", pages.toString()));
    Process server =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      Await.until("port " + PacketProbe.PORT + " is open: " + command, SECONDS, () -> open(server));
    } catch (IOException e) {
      server.destroyForcibly();
      throw e;
    }
    return server;
  }

  /** Looks at the sockets of the container, once the process is inside: proc(5), net/tcp. */
  private static boolean open(Process server) throws IOException {
    if (!server.isAlive()) {
      throw new IOException("the web server has ended with " + server.exitValue());
    }
    Path own = Files.readSymbolicLink(Path.of("/proc/self/ns/net"));
    if (own.equals(Files.readSymbolicLink(Path.of("/proc", "" + server.pid(), "ns/net")))) {
      return false;
    }
    String listening = String.format(Locale.ROOT, ".*:%04X [0:]+ 0A .*", PacketProbe.PORT);
    for (String table : List.of("tcp", "tcp6")) {
      Path sockets = Path.of("/proc", "" + server.pid(), "net", table);
      if (Files.readString(sockets).lines().anyMatch(line -> line.matches(listening))) {
        return true;
      }
    }
    return false;
  }
}
