package io.calico4j.node.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real sockets: whatever some clients do, the next one is served. */
@Timeout(120)
class PageServerTest {
  private static final String HOST = "127.0.0.1";

  private final List<Socket> clients = new ArrayList<>();

  @AfterEach
  void hangUp() throws IOException {
    for (Socket client : clients) {
      client.close();
    }
  }

  private static PageServer server(Duration deadline) throws IOException {
    PageServer server = new PageServer(HOST, 0, deadline);
    server.page("/readiness", () -> Page.plain(200, "ready\n"));
    return server;
  }

  private Socket send(PageServer server, String text) throws IOException {
    Socket client = new Socket(HOST, server.port());
    client.setSoTimeout(60_000);
    clients.add(client);
    client.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    return client;
  }

  private static String answer(Socket client) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try {
      InputStream in = client.getInputStream();
      byte[] part = new byte[4096];
      for (int n = in.read(part); n >= 0; n = in.read(part)) {
        all.write(part, 0, n);
      }
    } catch (java.net.SocketException e) {
      // Reset: what came is the answer.
    }
    return all.toString(StandardCharsets.US_ASCII);
  }

  private String get(PageServer server, String path) throws IOException {
    return answer(send(server, "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "GET /readi", "GET /readiness HTTP/1.1\r\nHost: x\r\nX-Slow: "})
  void manyHalfRequestsKeepNobodyWaiting(String half) throws IOException {
    try (PageServer server = server(Duration.ofHours(1))) {
      for (int i = 0; i < 2 * PageServer.MAX_CONNECTIONS; i++) {
        Socket unused = send(server, half);
        if (i % 64 == 0) {
          assertThat(get(server, "/readiness")).startsWith("HTTP/1.1 200").endsWith("ready\n");
        }
      }
      assertThat(get(server, "/readiness")).startsWith("HTTP/1.1 200").endsWith("ready\n");
    }
  }

  @Test
  void slowReadersKeepNobodyWaiting() throws IOException {
    try (PageServer server = server(Duration.ofHours(1))) {
      String large = "x".repeat(8 << 20);
      server.page("/large", () -> Page.plain(200, large));
      for (int i = 0; i < 20; i++) {
        Socket unused = send(server, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
      }
      assertThat(get(server, "/readiness")).endsWith("ready\n");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "GET /readi"})
  void aConnectionEndsAtItsDeadline(String half) throws IOException {
    try (PageServer server = server(Duration.ofMillis(300))) {
      assertThat(answer(send(server, half))).isEmpty();
    }
  }

  @Test
  void oversizedRequestsAreRefused() throws IOException {
    try (PageServer server = server(Duration.ofHours(1))) {
      String many = "X-Filler: yes\r\n".repeat(4000);
      assertThat(answer(send(server, "GET / HTTP/1.1\r\nHost: x\r\n" + many + "\r\n")))
          .doesNotContain(" 200 ");
      assertThat(get(server, "/" + "a".repeat(10_000))).doesNotContain(" 200 ");
      assertThat(
              answer(
                  send(
                      server,
                      "POST /readiness HTTP/1.1\r\nConnection: close\r\nContent-Length: 9999999\r\n\r\n")))
          .contains(" 413 ");
      assertThat(get(server, "/readiness")).endsWith("ready\n");
    }
  }

  @Test
  void otherMethodsAndPathsAndBrokenPagesAreAnswered() throws IOException {
    try (PageServer server = server(Duration.ofHours(1))) {
      server.page(
          "/broken",
          () -> {
            throw new IllegalStateException("a bug");
          });
      assertThat(get(server, "/none")).startsWith("HTTP/1.1 404").contains("/readiness");
      assertThat(get(server, "/broken")).startsWith("HTTP/1.1 500").contains("a bug");
      assertThat(answer(send(server, "PUT /readiness HTTP/1.1\r\nHost: x\r\n\r\n")))
          .startsWith("HTTP/1.1 405");
      assertThat(answer(send(server, "HEAD /readiness HTTP/1.1\r\nHost: x\r\n\r\n")))
          .startsWith("HTTP/1.1 200")
          .doesNotContain("ready\n");
      assertThat(get(server, "/readiness?full")).startsWith("HTTP/1.1 200");
    }
  }

  @Test
  void aPageThatTakesLongKeepsNoOtherWaiting() throws IOException {
    CountDownLatch free = new CountDownLatch(1);
    try (PageServer server = server(Duration.ofHours(1))) {
      server.page(
          "/slow",
          () -> {
            try {
              free.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            return Page.plain(200, "late\n");
          });
      Socket slow = send(server, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(get(server, "/readiness")).endsWith("ready\n");
      free.countDown();
      assertThat(answer(slow)).endsWith("late\n");
    }
  }
}
