package io.calico4j.libnetwork;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.calico4j.libnetwork.http.Answer;
import io.calico4j.libnetwork.http.UnixHttpClient;
import io.calico4j.libnetwork.http.UnixHttpServer;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTP on a unix socket, with Docker's kind of requests. */
class UnixHttpTest {
  @Test
  void aConnectionServesManyRequests(@TempDir Path directory) throws Exception {
    Path socket = directory.resolve("plugins/calico.sock");
    Files.createDirectories(socket.getParent());
    Files.createFile(socket); // as a killed process leaves one
    try (UnixHttpServer server =
            new UnixHttpServer(socket, (path, body) -> new Answer(200, path + "=" + body));
        SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      assertThat(server).isNotNull();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
          .isEqualTo("rw-------");
      client.connect(UnixDomainSocketAddress.of(socket));
      for (int i = 0; i < 3; i++) {
        write(
            client,
            "POST /Plugin.Activate?x HTTP/1.1\r\nHost: %2Frun\r\nContent-Length: 2\r\n\r\n{}");
        assertThat(read(client, "/Plugin.Activate={}")).startsWith("HTTP/1.1 200 OK");
      }
    }
  }

  private static void write(SocketChannel client, String text) throws IOException {
    int unused = client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static String read(SocketChannel client, String end) throws IOException {
    StringBuilder all = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    while (!all.toString().endsWith(end) && client.read(buffer) >= 0) {
      all.append(StandardCharsets.UTF_8.decode(buffer.flip()));
      buffer.clear();
    }
    return all.toString();
  }

  @Test
  void theClientSaysWhyThereIsNoAnswer(@TempDir Path directory) throws Exception {
    Path socket = directory.resolve("docker.sock");
    try (UnixHttpClient client = new UnixHttpClient(socket, Duration.ofSeconds(5))) {
      assertThatThrownBy(() -> client.get("/networks")).isInstanceOf(IOException.class);
      try (UnixHttpServer server =
          new UnixHttpServer(socket, (path, body) -> new Answer(404, "{}"))) {
        assertThat(server).isNotNull();
        assertThat(client.get("/networks")).isEqualTo(new Answer(404, "{}"));
      }
      assertThatThrownBy(() -> client.get("/networks")).isInstanceOf(IOException.class);
    }
  }
}
