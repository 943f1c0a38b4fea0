package io.calico4j.testbed;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A host: the network namespace this process runs in, with an installed Calico4J and its agent.
 * Must be a private namespace, where this process is root.
 */
public final class TestHost {
  private static final int READY_SECONDS = 60;

  private final Path distribution;
  private final Path state;
  private final String node;
  private final List<String> namespaces = new ArrayList<>();
  private @Nullable Process agent;

  /** Makes a host with its own address on a bridge; no agent runs yet. */
  public TestHost(Path distribution, Path state, String node)
      throws IOException, InterruptedException {
    this.distribution = distribution;
    this.state = state;
    this.node = node;
    if (Command.of("ip", "link", "show", "uplink").run().exitCode() != 0) {
      Command.of("ip", "link", "add", "uplink", "type", "bridge").mustRun();
      Command.of("ip", "address", "add", "192.0.2.11/24", "dev", "uplink").mustRun();
      Command.of("ip", "link", "set", "uplink", "up").mustRun();
    }
  }

  /** Starts the agent, with an etcd of its own, and waits until it is ready. */
  public void startAgent() throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(distribution.resolve("bin/calico-node").toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(state.resolve("node.log").toFile()));
    builder
        .environment()
        .putAll(
            Map.of(
                "NODENAME",
                node,
                "IP",
                "192.0.2.11/24",
                "CALICO_IPV4POOL_CIDR",
                "10.65.0.0/16",
                "CALICO_RUN_DIR",
                state.resolve("run").toString(),
                "CALICO_LIB_DIR",
                state.resolve("lib").toString()));
    agent = builder.start();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
    while (!isReady()) {
      if (!agent.isAlive() || System.nanoTime() > deadline) {
        throw new IOException("calico-node is not ready: see " + state.resolve("node.log"));
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private static boolean isReady() {
    try {
      HttpURLConnection connection =
          (HttpURLConnection)
              URI.create("http://localhost:9099/readiness").toURL().openConnection();
      connection.setConnectTimeout(500);
      connection.setReadTimeout(500);
      return connection.getResponseCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  /** Kills the agent as SIGKILL does; etcd, bird and the dataplane go on. */
  public void killAgent() throws InterruptedException {
    Process running = agent;
    if (running != null) {
      running.destroyForcibly();
      running.waitFor();
    }
  }

  /** Makes an empty sandbox, as a runtime does before ADD. */
  public void addSandbox(String name) throws IOException, InterruptedException {
    Command.of("ip", "netns", "add", name).mustRun();
    namespaces.add(name);
    Command.of("ip", "-n", name, "link", "set", "lo", "up").mustRun();
  }

  /** Calls the installed plugin as rkt does: its environment, its configuration. */
  public Command.Outcome rkt(String command, String sandbox, String network)
      throws IOException, InterruptedException {
    return plugin(
        command,
        sandbox,
        Map.of("CNI_VERSION", "0.1.0", "CNI_ARGS", "IgnoreUnknown=1"),
        "{\"name\":\"" + network + "\",\"type\":\"calico\",\"ipam\":{\"type\":\"calico-ipam\"}}\n");
  }

  /** Calls the installed plugin as a Mesos agent's network/cni isolator does. */
  public Command.Outcome mesos(
      String command, String sandbox, String network, String labelKey, String labelValue)
      throws IOException, InterruptedException {
    return plugin(
        command,
        sandbox,
        Map.of(),
        "{\"args\":{\"org.apache.mesos\":{\"network_info\":{\"labels\":{\"labels\":[{\"key\":\""
            + labelKey
            + "\",\"value\":\""
            + labelValue
            + "\"}]},\"name\":\""
            + network
            + "\"}}},\"ipam\":{\"type\":\"calico-ipam\"},\"name\":\""
            + network
            + "\",\"type\":\"calico\"}");
  }

  /** Calls the installed plugin with CNI variables of its own and a configuration. */
  public Command.Outcome plugin(
      String command, String sandbox, Map<String, String> more, String configuration)
      throws IOException, InterruptedException {
    Map<String, String> environment = new TreeMap<>();
    environment.put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", "pod-" + sandbox);
    environment.put("CNI_NETNS", "/run/netns/" + sandbox);
    environment.put("CNI_IFNAME", "eth0");
    environment.put("CNI_PATH", distribution.resolve("bin").toString());
    environment.put("CALICO_PLUGIN_SOCKET", state.resolve("run").resolve("plugin.sock").toString());
    environment.putAll(more);
    return new Command(
            List.of(distribution.resolve("bin/calico").toString()), environment, configuration)
        .run();
  }

  /** Tells whether a ping from a sandbox to an address comes back. */
  public boolean canPing(String sandbox, String address) throws IOException, InterruptedException {
    return Command.of(
                "ip", "netns", "exec", sandbox, "busybox", "ping", "-c", "1", "-W", "1", address)
            .run()
            .exitCode()
        == 0;
  }

  /** Runs etcdctl against this host's etcd. */
  public String etcdctl(String... arguments) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("etcdctl"));
    all.addAll(List.of(arguments));
    Map<String, String> environment = new TreeMap<>(System.getenv());
    environment.put("ETCDCTL_API", "3");
    return new Command(all, environment, "").mustRun();
  }

  /** Returns the host ends of workloads that exist. */
  public List<String> workloadLinks() throws IOException, InterruptedException {
    return Command.of("ip", "-o", "link")
        .mustRun()
        .lines()
        .filter(l -> l.contains(" cali"))
        .toList();
  }

  /** Stops the agent and removes the sandboxes. */
  public void stop() throws IOException, InterruptedException {
    Process running = agent;
    if (running != null) {
      running.destroy();
      if (!running.waitFor(30, TimeUnit.SECONDS)) {
        running.destroyForcibly();
      }
    }
    for (String name : namespaces) {
      Command.of("ip", "netns", "del", name).run();
    }
  }
}
