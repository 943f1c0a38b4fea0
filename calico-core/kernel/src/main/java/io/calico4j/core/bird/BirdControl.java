package io.calico4j.core.bird;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Talks to a running bird through its control socket: a command, and lines up to one with a final
 * code ({@code doc/reply_codes} of BIRD's source).
 */
public final class BirdControl {
  private static final Pattern FINAL = Pattern.compile("^[0-9]{4} .*");
  private static final Pattern CODE = Pattern.compile("^([0-9]{4}[- ]|[ +])");

  private final Path socket;

  /** Makes one for a socket; nothing is opened yet. */
  public BirdControl(Path socket) {
    this.socket = socket;
  }

  /** Makes bird read its configuration again; returns bird's last line, with its code. */
  public String configure() throws IOException {
    List<String> lines = ask("configure");
    return lines.get(lines.size() - 1);
  }

  /** Returns the sessions and their routes. */
  public List<BirdSession> sessions() throws IOException {
    List<String> lines = ask("show protocols all");
    return BirdSession.parse(
        lines.subList(0, lines.size() - 1).stream()
            .map(line -> CODE.matcher(line).replaceFirst(""))
            .toList());
  }

  private List<String> ask(String command) throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      InputStream in = Channels.newInputStream(channel);
      List<String> greeting = answer(in);
      if (!greeting.get(0).startsWith("0001")) {
        throw new IOException("bird greets with " + greeting);
      }
      channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.US_ASCII)));
      return answer(in);
    }
  }

  /** Tells whether a bird listens at the socket. */
  public boolean isAlive() {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      return channel.connect(UnixDomainSocketAddress.of(socket));
    } catch (IOException e) {
      return false;
    }
  }

  private static List<String> answer(InputStream in) throws IOException {
    List<String> lines = new ArrayList<>();
    byte[] part = new byte[16 * 1024];
    StringBuilder rest = new StringBuilder();
    while (true) {
      int read = in.read(part);
      if (read < 0) {
        throw new IOException("bird closed its control socket");
      }
      rest.append(new String(part, 0, read, StandardCharsets.ISO_8859_1));
      int start = 0;
      for (int end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n", start)) {
        String line = rest.substring(start, end);
        start = end + 1;
        lines.add(line);
        if (FINAL.matcher(line).matches()) {
          return lines;
        }
      }
      rest.delete(0, start);
    }
  }
}
