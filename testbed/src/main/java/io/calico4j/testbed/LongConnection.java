package io.calico4j.testbed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A TCP connection between two workloads that carries a line every tenth of a second. */
public final class LongConnection implements AutoCloseable {
  private static final String LISTEN =
      "$|=1; $c=IO::Socket::INET->new(LocalPort=>9000,Listen=>1)->accept; print while <$c>";
  private static final String SEND =
      "until exec 3<>\"/dev/tcp/$1/9000\"; do sleep 0.1; done 2>/dev/null;"
          + " while sleep 0.1; do echo tick >&3 || exit; done";

  private final Path received;
  private final Process listener;
  private final Process sender;

  /** Opens the connection and waits for its first line. */
  public LongConnection(Workload from, Workload to, Path state) throws IOException {
    received = Files.createTempFile(state, "received", "");
    listener =
        new ProcessBuilder(
                to.sandbox().enter(java.util.List.of("perl", "-MIO::Socket::INET", "-e", LISTEN)))
            .redirectOutput(received.toFile())
            .start();
    sender =
        new ProcessBuilder(
                from.sandbox().enter(java.util.List.of("bash", "-c", SEND, "send", to.address())))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    Await.until("a first line from " + from.name() + " to " + to.name(), 10, () -> lines() > 0);
  }

  /** Returns how many lines have arrived. */
  public long lines() throws IOException {
    return Files.size(received) / "tick\n".length();
  }

  /** Waits for lines that come from now on; fails when none comes within ten seconds. */
  public void mustGoOn() throws IOException {
    long before = lines();
    Await.until("further lines on an established connection", 10, () -> lines() > before + 1);
  }

  @Override
  public void close() {
    sender.destroyForcibly();
    listener.destroyForcibly();
  }
}
