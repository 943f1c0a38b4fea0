package io.calico4j.testbed;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Speaks to a plugin socket without the launcher, byte by byte if need be.
 *
 * @param socket the path of the socket
 */
record RawCaller(Path socket) {
  private static final int MAX_ANSWER = 1 << 20;

  /**
   * What a plugin answered.
   *
   * @param exitCode its exit status
   * @param standardOutput what the launcher would print there
   * @param standardError what the launcher would print there
   */
  record Answer(int exitCode, String standardOutput, String standardError) {}

  /** Returns a caller of a host's agent. */
  static RawCaller of(TestHost host) {
    // relative, because the path of a socket has 107 bytes at most
    return new RawCaller(
        Path.of("").toAbsolutePath().relativize(host.state().resolve("run/plugin.sock")));
  }

  /** Returns a body with its header. */
  static byte[] frame(byte[] body) {
    return ByteBuffer.allocate(8 + body.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put("C4J1".getBytes(StandardCharsets.US_ASCII))
        .putInt(body.length)
        .put(body)
        .array();
  }

  /** Returns the request that the launcher makes of a call. */
  static byte[] request(String program, List<String> variables, String input) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    put(body, 1);
    put(body, program);
    put(body, variables.size());
    variables.forEach(variable -> put(body, variable));
    put(body, input);
    return frame(body.toByteArray());
  }

  private static void put(ByteArrayOutputStream body, int number) {
    body.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(number).array());
  }

  private static void put(ByteArrayOutputStream body, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    put(body, bytes.length);
    body.writeBytes(bytes);
  }

  SocketChannel connect() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(socket));
  }

  /** Sends bytes, ends the stream, and returns the answer; empty when none came. */
  Optional<Answer> exchange(byte[] request) throws IOException {
    return exchange(request, request.length, RandomGenerator.getDefault());
  }

  /** The same in pieces of a random length up to a maximum. */
  Optional<Answer> exchange(byte[] request, int piece, RandomGenerator random) throws IOException {
    try (SocketChannel channel = connect()) {
      try {
        for (int at = 0; at < request.length; ) {
          int length = Math.min(request.length - at, 1 + random.nextInt(Math.max(1, piece)));
          at += channel.write(ByteBuffer.wrap(request, at, length));
        }
        channel.shutdownOutput();
      } catch (IOException e) {
        return readAnswer(channel);
      }
      return readAnswer(channel);
    }
  }

  private static Optional<Answer> readAnswer(SocketChannel channel) {
    ByteBuffer in = ByteBuffer.allocate(MAX_ANSWER).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (channel.read(in) >= 0 && in.hasRemaining()) {
        Thread.onSpinWait();
      }
    } catch (IOException e) {
      Thread.onSpinWait();
    }
    in.flip();
    if (!in.hasRemaining()) {
      return Optional.empty();
    }
    return Optional.of(new Answer(in.getInt(), text(in), text(in)));
  }

  private static String text(ByteBuffer in) {
    byte[] text = new byte[in.getInt()];
    in.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }
}
