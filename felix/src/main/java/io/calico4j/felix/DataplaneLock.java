package io.calico4j.felix;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The right to program a host's table: held by the agent for its life, and by a plugin that works
 * alone while it reads the policy and writes the rules, so that old policy never replaces newer.
 * The kernel releases it when its holder dies.
 */
public final class DataplaneLock implements AutoCloseable {
  private static final int PAUSE_MILLIS = 10;

  private final FileChannel channel;

  private DataplaneLock(FileChannel channel) {
    this.channel = channel;
  }

  /** Takes the lock; empty when another process held it for the whole time. */
  public static Optional<DataplaneLock> take(Path file, Duration timeout)
      throws IOException, InterruptedException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    long deadline = System.nanoTime() + timeout.toNanos();
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    while (true) {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return Optional.of(new DataplaneLock(channel));
      }
      if (System.nanoTime() > deadline) {
        channel.close();
        return Optional.empty();
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
