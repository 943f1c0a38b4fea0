package io.calico4j.node;

import io.calico4j.core.plugin.PluginRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/**
 * Calls a plugin server as the launcher does (the protocol is described in {@code
 * io.calico4j.core.plugin}), but without a descriptor.
 */
final class RehearsalCaller {
  private static final int ANSWER_HEADER = 8;

  private final UnixDomainSocketAddress server;

  RehearsalCaller(Path socket) {
    server = UnixDomainSocketAddress.of(socket);
  }

  /** Sends a request and returns what would be the plugin's standard output. */
  String call(PluginRequest request) throws IOException {
    try (SocketChannel channel = SocketChannel.open(server)) {
      ByteBuffer frame = ByteBuffer.wrap(frame(request));
      while (frame.hasRemaining()) {
        channel.write(frame);
      }
      ByteBuffer header = read(channel, ANSWER_HEADER);
      int exitCode = header.getInt();
      String output = new String(read(channel, header.getInt()).array(), StandardCharsets.UTF_8);
      if (exitCode != 0) {
        throw new IOException(output);
      }
      return output;
    }
  }

  private static ByteBuffer read(SocketChannel channel, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw new IOException("the answer ends early");
      }
    }
    return bytes.flip();
  }

  private static byte[] frame(PluginRequest request) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    number(body, 1);
    text(body, request.program());
    Map<String, String> environment = request.environment();
    number(body, environment.size());
    environment.forEach((name, value) -> text(body, name + "=" + value));
    text(body, request.standardInput());
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.writeBytes("C4J1".getBytes(StandardCharsets.US_ASCII));
    number(frame, body.size());
    frame.writeBytes(body.toByteArray());
    return frame.toByteArray();
  }

  private static void text(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(out, bytes.length);
    out.writeBytes(bytes);
  }

  private static void number(ByteArrayOutputStream out, int number) {
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(number).array());
  }
}
