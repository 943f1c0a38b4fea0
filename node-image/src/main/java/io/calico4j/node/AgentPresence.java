package io.calico4j.node;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Tells the plugins' launcher that an agent runs this host. The file {@code agent.lock} beside the
 * plugin socket is locked for the agent's life, from before it listens; its content stays when the
 * agent ends, so that a plugin waits for the next one. A launcher that waited in vain empties the
 * file, and a reboot removes it with the rest of {@code /run}.
 */
final class AgentPresence implements AutoCloseable {
  private static final String FILE = "agent.lock";
  private static final int PAUSE_MILLIS = 20;

  private final FileChannel channel;

  private AgentPresence(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Locks the file and fills it.
   *
   * @throws IllegalArgumentException when another agent holds it for the whole time
   */
  static AgentPresence take(Path runDirectory, Duration timeout)
      throws IOException, InterruptedException {
    Path file = runDirectory.resolve(FILE);
    long deadline = System.nanoTime() + timeout.toNanos();
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    while (true) {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        byte[] text = "calico-node runs this host\n".getBytes(StandardCharsets.US_ASCII);
        int unused = channel.write(ByteBuffer.wrap(text), 0);
        return new AgentPresence(channel);
      }
      if (System.nanoTime() > deadline) {
        channel.close();
        throw new IllegalArgumentException(
            file + " is held: another calico-node runs on this host, stop it first");
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }

  /** Tells whether an agent lives on this host, whether it listens or not. */
  static boolean isHeld(Path runDirectory) throws IOException {
    Path file = runDirectory.resolve(FILE);
    if (!Files.exists(file)) {
      return false;
    }
    // A shared lock is not in the way of other plugins, and an agent that starts tries again.
    try (FileChannel probe = FileChannel.open(file, StandardOpenOption.READ);
        FileLock lock = probe.tryLock(0, Long.MAX_VALUE, true)) {
      return lock == null;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
