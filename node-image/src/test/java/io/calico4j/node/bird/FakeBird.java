package io.calico4j.node.bird;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** Listens at a control socket, greets as BIRD 2 does, and counts who asks it to configure. */
final class FakeBird implements AutoCloseable {
  private static final String RECONFIGURED =
      "0002-Reading configuration from bird.cfg\n0003 Reconfigured\n";

  private final Path socket;
  private final ServerSocketChannel server;
  private final AtomicInteger configured = new AtomicInteger();
  private volatile String answer = RECONFIGURED;

  FakeBird(Path socket) throws IOException {
    this.socket = socket;
    server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(socket));
    Thread thread = new Thread(this::serve, "fake-bird");
    thread.setDaemon(true);
    thread.start();
  }

  private void serve() {
    while (server.isOpen()) {
      try (SocketChannel client = server.accept()) {
        serve(client);
      } catch (IOException e) {
        // The caller only tried whether a bird listens, or this bird is dead.
      }
    }
  }

  private void serve(SocketChannel client) throws IOException {
    BufferedReader in = new BufferedReader(Channels.newReader(client, StandardCharsets.US_ASCII));
    write(client, "0001 BIRD 2.0.12 ready.\n");
    if ("configure".equals(in.readLine())) {
      String text = answer;
      configured.incrementAndGet();
      write(client, text);
    }
  }

  private static void write(SocketChannel client, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
    while (bytes.hasRemaining()) {
      int unused = client.write(bytes);
    }
  }

  /** Refuses from now on what it is asked to load. */
  void refuse(String text) {
    answer = text;
  }

  /** Loads again what it is asked to load. */
  void accept() {
    answer = RECONFIGURED;
  }

  /** Tells how often it was asked to configure. */
  int configured() {
    return configured.get();
  }

  @Override
  public void close() throws IOException {
    server.close();
    Files.deleteIfExists(socket);
  }
}
