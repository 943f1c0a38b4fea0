package io.calico4j.mesos;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import org.apache.mesos.v1.Protos.ContainerID;
import org.apache.mesos.v1.Protos.Task;
import org.apache.mesos.v1.agent.Protos.Call;
import org.apache.mesos.v1.agent.Protos.Response;

/** The operator API of an agent: a real HTTP server that speaks the v1 protobufs. */
final class FakeAgent implements AutoCloseable {
  private final HttpServer server;
  final List<Response.GetContainers.Container> containers = new ArrayList<>();
  final List<Task> tasks = new ArrayList<>();
  final List<String> authorizations = new ArrayList<>();
  private final CountDownLatch over = new CountDownLatch(1);
  volatile Behaviour behaviour = Behaviour.WELL;

  /** What a real agent answered, in place of {@link #containers}; empty for those. */
  volatile byte[] recordedContainers = {};

  /** The same in place of {@link #tasks}. */
  volatile byte[] recordedTasks = {};

  /** What it does with a question. */
  enum Behaviour {
    WELL,
    RECOVERING,
    GARBAGE,
    HTML,
    OTHER_TYPE,
    NO_LIST,
    SILENT,
    ENDLESS
  }

  FakeAgent() throws IOException {
    this(HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 8));
  }

  FakeAgent(HttpServer server) {
    this.server = server;
    server.createContext("/api/v1", this::answer);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
  }

  URI url(String scheme) {
    return URI.create(scheme + "://127.0.0.1:" + server.getAddress().getPort());
  }

  static ContainerID id(String text) {
    int dot = text.lastIndexOf('.');
    ContainerID.Builder id = ContainerID.newBuilder().setValue(text.substring(dot + 1));
    return dot < 0 ? id.build() : id.setParent(id(text.substring(0, dot))).build();
  }

  /** Lists a container as agents do: the parents are named in its status only. */
  static Response.GetContainers.Container.Builder container(String id) {
    Response.GetContainers.Container.Builder container =
        Response.GetContainers.Container.newBuilder()
            .setContainerId(ContainerID.newBuilder().setValue(id(id).getValue()));
    container.getContainerStatusBuilder().setContainerId(id(id));
    return container;
  }

  /** Reads what a real agent answered. */
  static byte[] capture(String file) throws IOException {
    return Files.readAllBytes(Path.of("src/test/resources/captures", file));
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
      Call call = Call.parseFrom(exchange.getRequestBody().readAllBytes());
      if (!exchange.getRequestMethod().equals("POST")
          || !"application/x-protobuf".equals(exchange.getRequestHeaders().getFirst("Content-Type"))
          || !"application/x-protobuf".equals(exchange.getRequestHeaders().getFirst("Accept"))) {
        send(exchange, 406, "text/plain", "only protobufs".getBytes(StandardCharsets.UTF_8));
        return;
      }
      switch (behaviour) {
        case WELL -> send(exchange, 200, "application/x-protobuf", answer(call));
        case RECOVERING ->
            send(
                exchange,
                503,
                "text/plain",
                "Agent has not finished recovery".getBytes(StandardCharsets.UTF_8));
        case GARBAGE ->
            send(
                exchange,
                200,
                "application/x-protobuf",
                "{\"type\":\"X\"}".getBytes(StandardCharsets.UTF_8));
        case HTML -> send(exchange, 200, "text/html", response(call).toByteArray());
        case OTHER_TYPE ->
            send(
                exchange,
                200,
                "application/x-protobuf",
                response(call).toBuilder().setType(Response.Type.GET_HEALTH).build().toByteArray());
        case NO_LIST ->
            send(
                exchange,
                200,
                "application/x-protobuf",
                Response.newBuilder()
                    .setType(Response.Type.valueOf(call.getType().name()))
                    .build()
                    .toByteArray());
        case SILENT -> hold();
        case ENDLESS -> {
          exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
          exchange.sendResponseHeaders(200, 1000);
          exchange.getResponseBody().write(1);
          exchange.getResponseBody().flush();
          hold();
        }
      }
    }
  }

  /** Keeps a question open until the test is over. */
  private void hold() {
    try {
      over.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private byte[] answer(Call call) {
    byte[] recorded =
        call.getType() == Call.Type.GET_CONTAINERS ? recordedContainers : recordedTasks;
    return recorded.length > 0 ? recorded : response(call).toByteArray();
  }

  private Response response(Call call) {
    Response.Builder response =
        Response.newBuilder().setType(Response.Type.valueOf(call.getType().name()));
    switch (call.getType()) {
      case GET_CONTAINERS -> {
        Response.GetContainers.Builder list = response.getGetContainersBuilder();
        containers.stream()
            .filter(
                c ->
                    !c.getContainerStatus().getContainerId().hasParent()
                        || call.getGetContainers().getShowNested())
            .filter(c -> c.hasExecutorId() || call.getGetContainers().getShowStandalone())
            .forEach(list::addContainers);
        if (list.getContainersCount() == 0) {
          response.clearGetContainers();
        }
      }
      case GET_TASKS -> response.getGetTasksBuilder().addAllLaunchedTasks(tasks);
      default -> throw new IllegalArgumentException(call.getType().name());
    }
    return response.build();
  }

  private static void send(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    over.countDown();
    server.stop(0);
  }
}
