package io.calico4j.core.datastore.etcd;

import com.google.protobuf.ByteString;
import io.calico4j.core.datastore.UnavailableException;
import io.etcd.jetcd.api.MaintenanceGrpc;
import io.etcd.jetcd.api.SnapshotRequest;
import io.etcd.jetcd.api.SnapshotResponse;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Iterator;

/**
 * All that an etcd holds, as one of its members has it, in one file: the member's database with its
 * SHA-256 behind it (Snapshot of etcd's rpc.proto), as {@code etcdctl snapshot save} writes it.
 */
public final class EtcdSnapshot {
  /** For a full etcd of 8 GB over a slow network. */
  private static final Duration LIMIT = Duration.ofHours(1);

  private static final int DIGEST_BYTES = 32;

  /** Of which size the pages of etcd's database are multiples. */
  private static final int PAGE_BYTES = 512;

  private static final int BUFFER_BYTES = 1 << 20;

  private EtcdSnapshot() {}

  /**
   * Writes a snapshot of the first member that answers to a file that only this user reads. It has
   * its name as soon as it is whole, verified and on the disk; after a failure the file that had
   * the name is as it was.
   *
   * @return the file's length
   * @throws IOException when the file cannot be written
   * @throws UnavailableException when etcd does not give all of it, or something else
   */
  public static long save(EtcdConfig config, Path file) throws IOException, UnavailableException {
    Path target = file.toAbsolutePath();
    Path directory = target.resolveSibling("");
    // A temporary file has the mode 0600.
    Path fresh = Files.createTempFile(directory, target.getFileName() + ".", ".part");
    try {
      receive(config, fresh);
      verify(fresh);
      Files.move(
          fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      boolean unused = Files.deleteIfExists(fresh);
    }
    try (FileChannel names = FileChannel.open(directory)) {
      names.force(true);
    }
    return Files.size(target);
  }

  private static void receive(EtcdConfig config, Path file)
      throws IOException, UnavailableException {
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE);
        EtcdCalls calls = new EtcdCalls(config, false)) {
      try {
        Iterator<SnapshotResponse> parts =
            calls.stream(
                MaintenanceGrpc.getSnapshotMethod(), SnapshotRequest.getDefaultInstance(), LIMIT);
        while (parts.hasNext()) {
          write(out, parts.next().getBlob());
        }
      } catch (CallFailure e) {
        throw unavailable(
            calls.isGivenUp()
                ? "etcd cannot be reached: " + calls.failures()
                : "etcd at " + config + " gives no snapshot: " + e.getMessage(),
            e);
      } catch (StatusRuntimeException e) {
        throw unavailable(
            "etcd at " + config + " gives no snapshot: " + CallFailure.of(e, true).getMessage(), e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw unavailable("interrupted: snapshot", e);
      }
      out.force(true);
    }
  }

  private static UnavailableException unavailable(String message, Exception cause) {
    return new UnavailableException(message, true, cause);
  }

  private static void write(FileChannel out, ByteString part) throws IOException {
    for (ByteBuffer bytes : part.asReadOnlyByteBufferList()) {
      while (bytes.hasRemaining()) {
        int unused = out.write(bytes);
      }
    }
  }

  /**
   * Compares what is in a snapshot with the digest at its end.
   *
   * @throws UnavailableException when it is damaged or not whole
   */
  public static void verify(Path file) throws IOException, UnavailableException {
    try (FileChannel in = FileChannel.open(file)) {
      long data = in.size() - DIGEST_BYTES;
      if (data <= 0 || data % PAGE_BYTES != 0) {
        throw new UnavailableException(
            file + " is no whole snapshot of etcd: it has " + in.size() + " bytes", true, null);
      }
      MessageDigest digest = sha256();
      ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
      long left = data;
      while (left > 0) {
        buffer.clear().limit((int) Math.min(left, BUFFER_BYTES));
        left -= read(in, buffer);
        digest.update(buffer);
      }
      buffer.clear().limit(DIGEST_BYTES);
      int unused = read(in, buffer);
      if (!buffer.equals(ByteBuffer.wrap(digest.digest()))) {
        throw new UnavailableException(
            file + " is damaged: its SHA-256 is not the one at its end", true, null);
      }
    }
  }

  private static int read(FileChannel in, ByteBuffer full) throws IOException {
    while (full.hasRemaining()) {
      if (in.read(full) < 0) {
        throw new IOException("the file has become shorter");
      }
    }
    full.flip();
    return full.limit();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
