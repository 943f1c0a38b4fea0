package io.calico4j.mesos;

import java.util.Map;
import java.util.TreeMap;

/**
 * Who a container belongs to, as the endpoint's annotations say it; empty where it is not known.
 *
 * @param framework the framework's id
 * @param executor the executor's id
 * @param tasks the ids of the tasks in the container's network, joined by commas; cut at 8192
 *     characters
 * @param agent the agent's id
 */
record TaskIds(String framework, String executor, String tasks, String agent) {
  static final TaskIds NONE = new TaskIds("", "", "", "");

  /** In characters: an executor may have thousands of tasks, and every host keeps annotations. */
  private static final int MAX_LENGTH = 8192;

  static final String FRAMEWORK = "io.calico4j/mesos-framework-id";
  static final String EXECUTOR = "io.calico4j/mesos-executor-id";
  static final String TASKS = "io.calico4j/mesos-task-ids";
  static final String AGENT = "io.calico4j/mesos-agent-id";

  /** Returns the annotations with what is known laid over them: the last known task stays. */
  Map<String, String> over(Map<String, String> annotations) {
    Map<String, String> all = new TreeMap<>(annotations);
    put(all, FRAMEWORK, framework);
    put(all, EXECUTOR, executor);
    put(all, TASKS, tasks);
    put(all, AGENT, agent);
    return all;
  }

  private static void put(Map<String, String> into, String name, String value) {
    if (!value.isEmpty()) {
      into.put(name, value.length() <= MAX_LENGTH ? value : value.substring(0, MAX_LENGTH) + "…");
    }
  }
}
