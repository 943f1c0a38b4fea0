package io.calico4j.mesos;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.mesos.v1.Protos.ContainerID;
import org.apache.mesos.v1.Protos.Task;
import org.apache.mesos.v1.Protos.TaskStatus;
import org.apache.mesos.v1.agent.Protos.Response;

/**
 * What an agent said of its containers, by the ids that its isolator gives to plugins: a nested
 * container's is its parent's, a dot, its own. Agents name the parents in the container's status
 * only; its {@code container_id} is the last part alone. A container without status is known by
 * that part, so that it is not taken for one that ended.
 */
final class AgentView {
  private final Map<String, Response.GetContainers.Container> containers = new HashMap<>();
  private final Set<String> withoutStatus = new HashSet<>();

  AgentView(Response.GetContainers answer) {
    for (Response.GetContainers.Container container : answer.getContainersList()) {
      ContainerID inStatus = container.getContainerStatus().getContainerId();
      if (container.hasContainerStatus() && !inStatus.getValue().isEmpty()) {
        containers.put(id(inStatus), container);
      } else {
        containers.put(id(container.getContainerId()), container);
        withoutStatus.add(container.getContainerId().getValue());
      }
    }
  }

  static String id(ContainerID id) {
    return id.hasParent() ? id(id.getParent()) + "." + id.getValue() : id.getValue();
  }

  boolean knows(String container) {
    return containers.containsKey(container)
        || withoutStatus.contains(container.substring(container.lastIndexOf('.') + 1));
  }

  /**
   * Returns who a container belongs to.
   *
   * @param container the container's id
   * @param tasks the agent's tasks
   * @param endpoints the containers that have an endpoint of their own
   */
  TaskIds idsOf(String container, List<Task> tasks, Set<String> endpoints) {
    Response.GetContainers.Container known = containers.get(container);
    int dot = container.indexOf('.');
    Response.GetContainers.Container root =
        dot < 0 ? known : containers.getOrDefault(container.substring(0, dot), known);
    if (known == null || root == null) {
      return TaskIds.NONE;
    }
    String framework =
        known.hasFrameworkId()
            ? known.getFrameworkId().getValue()
            : root.getFrameworkId().getValue();
    String executor =
        known.hasExecutorId() ? known.getExecutorId().getValue() : root.getExecutorId().getValue();
    Set<String> own = new TreeSet<>();
    String agent = "";
    for (Task task : tasks) {
      if (task.getFrameworkId().getValue().equals(framework)
          && nearest(containerOf(task, executor, container), endpoints).equals(container)) {
        own.add(task.getTaskId().getValue());
        agent = task.getAgentId().getValue();
      }
    }
    return new TaskIds(framework, executor, String.join(",", own), agent);
  }

  /**
   * Returns the container of a task: its newest status names it; before there is one, a command
   * task is known by its executor, which has its name, and another by the executor it names.
   */
  private static String containerOf(Task task, String executor, String container) {
    for (int i = task.getStatusesCount() - 1; i >= 0; i--) {
      TaskStatus status = task.getStatuses(i);
      if (status.getContainerStatus().hasContainerId()) {
        return id(status.getContainerStatus().getContainerId());
      }
    }
    String named =
        task.hasExecutorId() ? task.getExecutorId().getValue() : task.getTaskId().getValue();
    int dot = container.indexOf('.');
    return named.equals(executor) && dot < 0 ? container : "";
  }

  /** Finds whose network a container is in: its own, or that of the nearest container above. */
  private static String nearest(String container, Set<String> endpoints) {
    String at = container;
    while (!endpoints.contains(at)) {
      int dot = at.lastIndexOf('.');
      if (dot < 0) {
        return "";
      }
      at = at.substring(0, dot);
    }
    return at;
  }
}
