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

/** Answers /liveness and /readiness: 200 when every component is well, else 503, with a table. */
final class HealthServer implements AutoCloseable {
  private final HttpServer server;
  private final Map<String, BooleanSupplier> components;

  HealthServer(String host, int port, Map<String, BooleanSupplier> components) throws IOException {
    this.components = new TreeMap<>(components);
    server = HttpServer.create(new InetSocketAddress(host, port), 16);
    server.createContext("/readiness", exchange -> answer(exchange, true));
    server.createContext("/liveness", exchange -> answer(exchange, false));
    server.setExecutor(
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "health");
              thread.setDaemon(true);
              return thread;
            }));
    server.start();
  }

  private void answer(HttpExchange exchange, boolean readiness) throws IOException {
    boolean well = true;
    StringBuilder table = new StringBuilder();
    for (Map.Entry<String, BooleanSupplier> component : components.entrySet()) {
      boolean good = component.getValue().getAsBoolean();
      well &= good;
      table.append(component.getKey()).append(": ").append(good ? "ready" : "not ready");
      table.append('\n');
    }
    byte[] body = table.toString().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(well || !readiness ? 200 : 503, body.length);
    try (var out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
