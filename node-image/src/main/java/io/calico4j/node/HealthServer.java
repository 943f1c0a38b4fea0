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
    byte[] body = table.toString().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(well ? 200 : 503, body.length);
    try (var out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
