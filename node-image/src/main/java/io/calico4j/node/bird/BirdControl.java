package io.calico4j.node.bird;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Talks to a running bird through its control socket: a command, and lines up to a final code. */
final class BirdControl {
  private static final Pattern FINAL = Pattern.compile("^[0-9]{4} .*");

  private final Path socket;

  BirdControl(Path socket) {
    this.socket = socket;
  }

  /** Makes bird read its configuration again; returns bird's answer. */
  String configure() throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      InputStream in = Channels.newInputStream(channel);
      String greeting = answer(in);
      if (!greeting.startsWith("0001")) {
        throw new IOException("bird greets with " + greeting);
      }
      channel.write(ByteBuffer.wrap("configure\n".getBytes(StandardCharsets.US_ASCII)));
      return answer(in);
    }
  }

  /** Tells whether a bird listens at the socket. */
  boolean isAlive() {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket));
    } catch (IOException e) {
      return false;
    }
  }

  private static String answer(InputStream in) throws IOException {
    while (true) {
      StringBuilder line = new StringBuilder();
      for (int c = in.read(); c != '\n'; c = in.read()) {
        if (c < 0) {
          throw new IOException("bird closed its control socket");
        }
        line.append((char) c);
      }
      if (FINAL.matcher(line).matches()) {
        return line.toString();
      }
    }
  }
}
