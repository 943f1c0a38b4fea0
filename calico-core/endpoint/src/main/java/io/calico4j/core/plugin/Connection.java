package io.calico4j.core.plugin;

import io.calico4j.core.kernel.linux.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One caller: its request as far as it has come, and its answer. Used by one thread at a time. Owns
 * the socket and the descriptor that came with the request, until a handler takes the latter over.
 */
final class Connection {
  /** The longest request, in bytes. */
  static final int MAX_REQUEST = 1 << 20;

  private static final int HEADER = 8;
  private static final int LONGEST = HEADER + MAX_REQUEST;
  private static final int EINTR = 4;
  private static final int EAGAIN = 11;
  private static final byte[] MAGIC = "C4J1".getBytes(StandardCharsets.US_ASCII);

  private final int socket;
  private final long deadline;
  private byte[] bytes = new byte[4096];
  private int length;
  private int descriptor = -1;

  /** Takes over an accepted socket, whose request must be there at the deadline (nanoTime). */
  Connection(int socket, long deadline) {
    this.socket = socket;
    this.deadline = deadline;
  }

  int socket() {
    return socket;
  }

  long deadline() {
    return deadline;
  }

  /** Returns the memory it holds, in bytes. */
  int size() {
    return bytes.length;
  }

  /**
   * Takes what has come without waiting for more, and returns the request when it is complete.
   *
   * @throws IOException saying what is wrong with it, as the end of a sentence
   */
  Optional<PluginRequest> receive(Receiver receiver) throws IOException {
    while (true) {
      long got = receiver.receive(socket, length == 0);
      if (got < 0 && LibC.errno() == EINTR) {
        continue;
      }
      if (got < 0 && LibC.errno() == EAGAIN) {
        return Optional.empty();
      }
      if (got <= 0) {
        throw new IOException(atEnd());
      }
      if (length == 0) {
        descriptor = receiver.descriptor();
      }
      append(receiver, (int) got);
      if (length >= HEADER && length - HEADER >= bodyLength()) {
        return Optional.of(request());
      }
    }
  }

  private void append(Receiver receiver, int got) throws IOException {
    if (length + got > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(length + got, Math.min(2 * bytes.length, LONGEST)));
    }
    receiver.copyTo(bytes, length, got);
    length += got;
    for (int i = 0; i < Math.min(length, MAGIC.length); i++) {
      if (bytes[i] != MAGIC[i]) {
        throw new IOException("it does not begin with C4J1");
      }
    }
    if (length >= HEADER && (bodyLength() < 0 || bodyLength() > MAX_REQUEST)) {
      throw new IOException("it is longer than " + MAX_REQUEST + " bytes");
    }
  }

  private ByteBuffer buffer() {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private int bodyLength() {
    return buffer().getInt(4);
  }

  private String atEnd() {
    return length == 0
        ? "nothing came"
        : length < HEADER
            ? "it ends after " + length + " of " + HEADER + " bytes"
            : "it ends after " + (length - HEADER) + " of " + bodyLength() + " bytes";
  }

  private PluginRequest request() throws IOException {
    ByteBuffer body = buffer();
    body.position(HEADER).limit(HEADER + bodyLength());
    return RequestParser.parse(body, descriptor);
  }

  /** Leaves the descriptor that came with the request to a handler. */
  void giveDescriptorAway() {
    descriptor = -1;
  }

  /** Tells whether the caller has closed, so that nobody would hear an answer. */
  boolean isAbandoned() {
    return (Polling.await(socket, 0, 0) & LibC.POLLHUP) != 0;
  }

  /** Answers; waits at most so long for a caller that does not read. */
  void answer(PluginResponse response, long seconds) {
    byte[] out = response.standardOutput().getBytes(StandardCharsets.UTF_8);
    byte[] err = response.standardError().getBytes(StandardCharsets.UTF_8);
    byte[] rest =
        ByteBuffer.allocate(12 + out.length + err.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(response.exitCode())
            .putInt(out.length)
            .put(out)
            .putInt(err.length)
            .put(err)
            .array();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (rest.length > 0) {
      long sent =
          LibC.INSTANCE.send(socket, rest, rest.length, LibC.MSG_NOSIGNAL | LibC.MSG_DONTWAIT);
      if (sent > 0) {
        rest = Arrays.copyOfRange(rest, (int) sent, rest.length);
      } else if (sent == 0 || LibC.errno() != EAGAIN && LibC.errno() != EINTR) {
        return;
      } else {
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (left <= 0) {
          return;
        }
        int unused = Polling.await(socket, LibC.POLLOUT, (int) left);
      }
    }
  }

  void close() {
    if (descriptor >= 0) {
      LibC.INSTANCE.close(descriptor);
      descriptor = -1;
    }
    LibC.INSTANCE.close(socket);
  }
}
