package io.calico4j.node;

import io.calico4j.node.http.Page;
import io.calico4j.node.http.PageServer;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Answers /liveness (is every part still working, or should the process be restarted?) and
 * /readiness (is everything that was asked for in force?): 200 or 503, with a table.
 */
final class HealthServer implements AutoCloseable {
  private final PageServer server;

  HealthServer(String host, int port, Map<String, BooleanSupplier> living, Readiness readiness)
      throws IOException {
    server = new PageServer(host, port);
    server.page("/readiness", readiness::page);
    server.page("/liveness", () -> liveness(living));
  }

  /** Adds a page that is made anew for everyone who asks. */
  void page(String path, Supplier<Page> page) {
    server.page(path, page);
  }

  private static Page liveness(Map<String, BooleanSupplier> components) {
    boolean well = true;
    StringBuilder table = new StringBuilder();
    for (Map.Entry<String, BooleanSupplier> component : new TreeMap<>(components).entrySet()) {
      boolean good = component.getValue().getAsBoolean();
      well &= good;
      table.append(component.getKey()).append(good ? ": live\n" : ": not live\n");
    }
    return Page.plain(well ? 200 : 503, table.toString());
  }

  @Override
  public void close() {
    server.close();
  }
}
