package io.calico4j.testbed;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.Executors;
import org.apache.mesos.v1.Protos.ContainerID;
import org.apache.mesos.v1.Protos.ExecutorID;
import org.apache.mesos.v1.Protos.FrameworkID;
import org.apache.mesos.v1.Protos.Task;
import org.apache.mesos.v1.Protos.TaskState;
import org.apache.mesos.v1.Protos.TaskStatus;
import org.apache.mesos.v1.agent.Protos.Call;
import org.apache.mesos.v1.agent.Protos.Response;

/**
 * The v1 operator API of a {@link MesosAgent}, as a process in the host's network: an HTTP server
 * that speaks the protobufs. What it lists and how it behaves are files, so that the test can
 * change them.
 */
public final class MesosAgentApi {
  /** The port, an agent's usual one. */
  public static final int PORT = 5051;

  private static final String PROTOBUF = "application/x-protobuf";

  private final Path directory;

  private MesosAgentApi(Path directory) {
    this.directory = directory;
  }

  /** How it answers. */
  public enum Mode {
    /** As an agent that is well. */
    WELL,
    /** As an agent that has not finished its recovery: 503. */
    RECOVERING,
    /** With bytes that are no protobuf. */
    GARBAGE
  }

  /** Serves until it is killed; the argument is the directory with the files. */
  public static void main(String[] arguments) throws IOException {
    MesosAgentApi api = new MesosAgentApi(Path.of(arguments[0]));
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", PORT), 16);
    server.createContext("/api/v1", api::answer);
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
  }

  /** Starts it in a host's network. */
  public static Process start(TestHost host, Path directory) throws IOException {
    return new ProcessBuilder(
            host.namespace()
                .enter(
                    List.of(
                        "java",
                        "-cp",
                        System.getProperty("java.class.path"),
                        MesosAgentApi.class.getName(),
                        directory.toString())))
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("api.log").toFile()))
        .start();
  }

  /**
   * Writes what it lists from now on: an agent's containers and their tasks. As real agents do, it
   * names the parents of a nested container in its status only, and leaves out a list that is
   * empty.
   */
  public static void publish(Path directory, Mode mode, List<MesosAgent.Container> containers)
      throws IOException {
    Response.GetContainers.Builder listed = Response.GetContainers.newBuilder();
    Response.GetTasks.Builder tasks = Response.GetTasks.newBuilder();
    for (MesosAgent.Container container : containers) {
      Response.GetContainers.Container.Builder entry =
          listed
              .addContainersBuilder()
              .setContainerId(ContainerID.newBuilder().setValue(id(container.id()).getValue()));
      entry.getContainerStatusBuilder().setContainerId(id(container.id()));
      MesosAgent.Owner owner = container.owner();
      if (!owner.framework().isEmpty()) {
        entry
            .setFrameworkId(FrameworkID.newBuilder().setValue(owner.framework()))
            .setExecutorId(ExecutorID.newBuilder().setValue(owner.executor()));
      }
      if (!owner.task().isEmpty()) {
        tasks.addLaunchedTasks(task(container));
      }
    }
    Response.Builder all = Response.newBuilder().setType(Response.Type.GET_CONTAINERS);
    if (listed.getContainersCount() > 0) {
      var unused = all.setGetContainers(listed);
    }
    write(directory.resolve("containers"), all.build().toByteArray());
    Response.Builder launched = Response.newBuilder().setType(Response.Type.GET_TASKS);
    if (tasks.getLaunchedTasksCount() > 0) {
      var unused = launched.setGetTasks(tasks);
    }
    write(directory.resolve("tasks"), launched.build().toByteArray());
    write(directory.resolve("mode"), mode.name().getBytes(StandardCharsets.UTF_8));
  }

  private static Task task(MesosAgent.Container container) {
    org.apache.mesos.v1.Protos.TaskID id =
        org.apache.mesos.v1.Protos.TaskID.newBuilder().setValue(container.owner().task()).build();
    TaskStatus.Builder status =
        TaskStatus.newBuilder().setTaskId(id).setState(TaskState.TASK_RUNNING);
    status.getContainerStatusBuilder().setContainerId(id(container.id()));
    return Task.newBuilder()
        .setName(container.owner().task())
        .setTaskId(id)
        .setFrameworkId(FrameworkID.newBuilder().setValue(container.owner().framework()))
        .setAgentId(org.apache.mesos.v1.Protos.AgentID.newBuilder().setValue("agent-S0"))
        .setState(TaskState.TASK_RUNNING)
        .addStatuses(status.clone().setState(TaskState.TASK_STARTING))
        .addStatuses(status)
        .build();
  }

  private static ContainerID id(String text) {
    int dot = text.lastIndexOf('.');
    ContainerID.Builder id = ContainerID.newBuilder().setValue(text.substring(dot + 1));
    return dot < 0 ? id.build() : id.setParent(id(text.substring(0, dot))).build();
  }

  private static void write(Path file, byte[] bytes) throws IOException {
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.write(fresh, bytes);
    var unused =
        Files.move(
            fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      Call call = Call.parseFrom(exchange.getRequestBody().readAllBytes());
      boolean protobuf =
          PROTOBUF.equals(exchange.getRequestHeaders().getFirst("Content-Type"))
              && PROTOBUF.equals(exchange.getRequestHeaders().getFirst("Accept"));
      switch (protobuf ? Mode.valueOf(Files.readString(directory.resolve("mode"))) : Mode.GARBAGE) {
        case WELL -> send(exchange, 200, list(call));
        case RECOVERING ->
            send(exchange, 503, "Agent has not finished recovery".getBytes(StandardCharsets.UTF_8));
        case GARBAGE -> send(exchange, 200, new byte[] {1, 2, 3});
      }
    }
  }

  private byte[] list(Call call) throws IOException {
    if (call.getType() == Call.Type.GET_TASKS) {
      return Files.readAllBytes(directory.resolve("tasks"));
    }
    Response all = Response.parseFrom(Files.readAllBytes(directory.resolve("containers")));
    if (call.getGetContainers().getShowNested() || !all.hasGetContainers()) {
      return all.toByteArray();
    }
    Response.Builder response = all.toBuilder().clearGetContainers();
    all.getGetContainers().getContainersList().stream()
        .filter(c -> !c.getContainerStatus().getContainerId().hasParent())
        .forEach(response.getGetContainersBuilder()::addContainers);
    return response.build().toByteArray();
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", PROTOBUF);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }
}
