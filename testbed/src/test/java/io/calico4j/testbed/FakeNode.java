package io.calico4j.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A plugin socket behind which anything may happen, for the launcher to cope with. */
final class FakeNode implements Closeable {
  /** What is done with a caller, which is hung up afterwards. */
  interface Behaviour {
    void serve(SocketChannel caller) throws IOException;
  }

  private final ServerSocketChannel server;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  FakeNode(Path socket, Behaviour behaviour) throws IOException {
    Files.deleteIfExists(socket);
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    threads.execute(
        () -> {
          while (server.isOpen()) {
            try {
              SocketChannel caller = server.accept();
              threads.execute(() -> serve(caller, behaviour));
            } catch (IOException e) {
              return;
            }
          }
        });
  }

  private static void serve(SocketChannel caller, Behaviour behaviour) {
    try (caller) {
      behaviour.serve(caller);
    } catch (IOException e) {
      // the caller has gone, which is its right
    }
  }

  /** Reads a whole request and returns its body. */
  static byte[] readRequest(SocketChannel caller) throws IOException {
    ByteBuffer header = read(caller, 8);
    return read(caller, header.getInt(4)).array();
  }

  private static ByteBuffer read(SocketChannel caller, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (caller.read(bytes) < 0) {
        throw new IOException("the request ends early");
      }
    }
    return bytes;
  }

  /** Returns the bytes of an answer. */
  static byte[] answer(int exitCode, String output, String error) {
    byte[] out = output.getBytes(StandardCharsets.UTF_8);
    byte[] err = error.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(12 + out.length + err.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(exitCode)
        .putInt(out.length)
        .put(out)
        .putInt(err.length)
        .put(err)
        .array();
  }

  /** Writes bytes in pieces of a size. */
  static void write(SocketChannel caller, byte[] bytes, int piece) throws IOException {
    for (int at = 0; at < bytes.length; ) {
      at += caller.write(ByteBuffer.wrap(bytes, at, Math.min(piece, bytes.length - at)));
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    threads.shutdownNow();
  }
}
