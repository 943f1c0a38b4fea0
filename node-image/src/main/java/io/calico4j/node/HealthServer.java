package io.calico4j.node;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Answers /liveness (is every part still working, or should the process be restarted?) and
 * /readiness (can the host take workloads?): 200 when every component is well, else 503, with a
 * table.
 */
final class HealthServer implements AutoCloseable {
  private final HttpServer server;

  HealthServer(
      String host,
      int port,
      Map<String, BooleanSupplier> living,
      Map<String, BooleanSupplier> ready)
      throws IOException {
    server = HttpServer.create(new InetSocketAddress(host, port), 16);
    server.createContext("/readiness", exchange -> answer(exchange, ready, "ready"));
    server.createContext("/liveness", exchange -> answer(exchange, living, "live"));
    server.setExecutor(
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "health");
              thread.setDaemon(true);
              return thread;
            }));
    server.start();
  }

  /**
   * What a further page shows.
   *
   * @param status the HTTP status
   * @param text the text
   */
  record Page(int status, String text) {}

  /** Adds a page that is made anew for everyone who asks. */
  void page(String path, Supplier<Page> page) {
    server.createContext(
        path,
        exchange -> {
          Page now = page.get();
          exchange.getResponseHeaders().set("Content-Type", Metrics.CONTENT_TYPE);
          send(exchange, now.status(), now.text());
        });
  }

  private static void answer(
      HttpExchange exchange, Map<String, BooleanSupplier> components, String state)
      throws IOException {
    boolean well = true;
    StringBuilder table = new StringBuilder();
    for (Map.Entry<String, BooleanSupplier> component : new TreeMap<>(components).entrySet()) {
      boolean good = component.getValue().getAsBoolean();
      well &= good;
      table.append(component.getKey()).append(": ").append(good ? state : "not " + state);
      table.append('\n');
    }
    send(exchange, well ? 200 : 503, table.toString());
  }

  private static void send(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    try (var out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
