package io.calico4j.testbed;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A host: a network namespace with its own /run/calico, where an installed calico-node runs and
 * orchestrators call the installed plugins.
 */
public final class TestHost implements Closeable {
  private static final int READY_SECONDS = 60;
  private static final String OWN_RUN =
      "mkdir -p /run/calico && mount --bind \"$0\" /run/calico && exec \"$@\"";

  private final Namespace namespace;
  private final String address;
  private final String gateway;
  private final Path distribution;
  private final Path state;
  private final Map<String, String> settings;
  private final Map<String, Workload> workloads = new LinkedHashMap<>();
  private final List<Process> servers = new ArrayList<>();
  private @Nullable Process agent;
  private boolean apart;

  /** Makes a host in a namespace that has its addresses; no agent runs yet. */
  TestHost(
      Namespace namespace,
      String address,
      String gateway,
      Path distribution,
      Path state,
      Map<String, String> settings)
      throws IOException {
    this.namespace = namespace;
    this.address = address;
    this.gateway = gateway;
    this.distribution = distribution;
    this.state = state;
    this.settings = new TreeMap<>(settings);
    this.settings.put("NODENAME", name());
    this.settings.put("IP", address + "/24");
    this.settings.put("CALICO_LIB_DIR", state.resolve("lib").toString());
    this.settings.put("CALICO_RKT_DIR", state.resolve("rkt").toString());
    this.settings.put("CALICO_JANITOR_SECONDS", "1");
    Files.createDirectories(state.resolve("run"));
    Files.createDirectories(state.resolve("lib"));
  }

  /**
   * Makes a host of the namespace this process is in, with an etcd of its own: for measurements,
   * which must not enter a namespace for every call.
   */
  public static TestHost here(Path distribution, Path state) throws IOException {
    Namespace own = Namespace.own();
    own.ip("link", "add", "uplink", "type", "bridge");
    own.ip("address", "add", "192.0.2.11/24", "dev", "uplink");
    own.ip("link", "set", "uplink", "up");
    return new TestHost(
        own,
        "192.0.2.11",
        "192.0.2.1",
        distribution,
        state,
        Map.of("CALICO_IPV4POOL_CIDR", Testbed.POOL));
  }

  /** Returns the node's name. */
  public String name() {
    return namespace.name().isEmpty() ? "here" : namespace.name();
  }

  /** Returns the host's namespace. */
  public Namespace namespace() {
    return namespace;
  }

  /** Returns its own address. */
  public String address() {
    return address;
  }

  /** Returns the router of its segment. */
  public String gateway() {
    return gateway;
  }

  /** Returns where its agent writes: node.log, run/, lib/. */
  public Path state() {
    return state;
  }

  /** Returns where the plugins are installed. */
  public Path plugins() {
    return distribution.resolve("bin");
  }

  /** Sets a variable of the agent's environment, for its next start. */
  public void set(String variable, String value) {
    settings.put(variable, value);
  }

  /** Returns a page of the agent's health port; empty unless it answers 200. */
  public String page(String path) throws IOException {
    Command.Outcome fetched =
        namespace.command("busybox", "wget", "-q", "-O-", "http://localhost:9099" + path).run();
    return fetched.exitCode() == 0 ? fetched.standardOutput() : "";
  }

  /** Returns the command that runs a program on this host. */
  public List<String> enter(List<String> arguments) {
    List<String> all =
        new ArrayList<>(
            List.of("unshare", "--mount", "sh", "-c", OWN_RUN, state.resolve("run").toString()));
    all.addAll(arguments);
    return namespace.enter(all);
  }

  /** Makes a command that runs a program on this host with this process's environment. */
  public Command command(String... arguments) {
    return Command.of(enter(List.of(arguments)).toArray(String[]::new));
  }

  /** Starts the agent and waits until it is ready. */
  public void startAgent() throws IOException {
    beginAgent();
    awaitReady();
  }

  /** Starts the agent. */
  public void beginAgent() throws IOException {
    beginAgent(List.of(distribution.resolve("bin/calico-node").toString()));
  }

  /** Starts an agent that does to itself what a {@link Fault} says, and waits until it is ready. */
  public void startFaultyAgent() throws IOException {
    beginAgent(
        List.of(
            "java",
            "-cp",
            distribution.resolve("lib") + "/*:" + System.getProperty("java.class.path"),
            FaultyNode.class.getName()));
    awaitReady();
  }

  /**
   * Starts the agent in mount and PID namespaces of its own, where no sandbox has a path, and waits
   * until it is ready. It is the only child of {@link #agentPid}.
   */
  public void startAgentApart() throws IOException {
    apart = true;
    beginAgent(
        List.of(
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            "mount -t tmpfs tmpfs /run/netns && exec \"$0\"",
            distribution.resolve("bin/calico-node").toString()));
    awaitReady();
  }

  private void beginAgent(List<String> program) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(enter(program))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(state.resolve("node.log").toFile()));
    builder.environment().putAll(settings);
    agent = builder.start();
  }

  /** Returns the fault that awaits a faulty agent of this host. */
  public Fault fault() {
    return new Fault(state.resolve("run"));
  }

  /** Waits until the agent is ready; fails early when it ends. */
  public void awaitReady() throws IOException {
    Await.until(
        "calico-node on " + name() + " is ready, see " + state.resolve("node.log"),
        READY_SECONDS,
        () -> {
          Process running = agent;
          if (running == null || !running.isAlive()) {
            throw new IOException("calico-node has ended: " + state.resolve("node.log"));
          }
          return isReady();
        });
  }

  /** Tells whether the agent answers that it is ready. */
  public boolean isReady() throws IOException {
    return namespace
            .command("busybox", "wget", "-q", "-O-", "http://localhost:9099/readiness")
            .run()
            .exitCode()
        == 0;
  }

  /** Returns the agent's process id, as this process sees it. */
  public long agentPid() {
    Process running = agent;
    if (running == null) {
      throw new IllegalStateException("no agent runs on " + name());
    }
    return running.pid();
  }

  /** Returns how many descriptors the agent has open. */
  public int agentDescriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/" + agentPid() + "/fd"))) {
      return (int) open.count();
    }
  }

  /** Kills the agent with SIGKILL; etcd, bird and the dataplane go on. */
  public void killAgent() throws IOException {
    Process running = agent;
    if (running != null) {
      Await.killed(running);
    }
  }

  /** Stops the agent with SIGTERM and returns its exit status. */
  public int stopAgent() throws IOException {
    Process running = agent;
    if (running == null) {
      return 0;
    }
    running.destroy();
    awaitAgentEnd(30);
    return running.exitValue();
  }

  /** Waits until the agent has ended by itself. */
  public void awaitAgentEnd(int seconds) throws IOException {
    Process running = agent;
    if (running != null) {
      Await.until("calico-node on " + name() + " ends", seconds, () -> !running.isAlive());
    }
  }

  /** Runs etcdctl, which must succeed, on the etcd that this host's agent runs. */
  public String etcdctl(String... arguments) throws IOException {
    Path certificates = state.resolve("lib/etcd-pki");
    List<String> all =
        new ArrayList<>(
            List.of(
                "env",
                "ETCDCTL_API=3",
                "etcdctl",
                "--endpoints=https://127.0.0.1:2379",
                "--cacert=" + certificates.resolve("ca.pem"),
                "--cert=" + certificates.resolve("client.pem"),
                "--key=" + certificates.resolve("client.key")));
    all.addAll(List.of(arguments));
    return command(all.toArray(String[]::new)).mustRun();
  }

  /** Runs the installed calicoctl on this host. */
  public Command.Outcome calicoctl(String input, String... arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of(distribution.resolve("bin/calicoctl").toString()));
    all.addAll(List.of(arguments));
    return withSettings(input, all).run();
  }

  /** Makes a command that runs a program on this host with the agent's environment. */
  Command withSettings(String input, List<String> arguments) {
    Map<String, String> environment = new TreeMap<>(System.getenv());
    environment.putAll(settings);
    return new Command(enter(arguments), environment, input);
  }

  /** Starts a workload as its orchestrator does; it serves a page on {@link PacketProbe#PORT}. */
  public Workload start(
      String name, Orchestrator orchestrator, String network, Map<String, String> labels)
      throws IOException {
    Namespace sandbox = Namespace.create(name);
    Workload planned = new Workload(name, orchestrator, network, labels, sandbox, "");
    workloads.put(name, planned);
    Command.Outcome added = call("ADD", planned);
    if (added.exitCode() != 0) {
      throw new IOException("ADD of " + name + " failed: " + added.output());
    }
    Workload started =
        new Workload(name, orchestrator, network, labels, sandbox, address(added.standardOutput()));
    workloads.put(name, started);
    servers.add(PageServer.start(sandbox.enter(List.of()), state));
    return started;
  }

  /** Returns the IPv4 address of a result, whichever version it has. */
  public static String address(String result) {
    JsonObject json = JsonParser.parseString(result).getAsJsonObject();
    String cidr =
        json.has("ip4")
            ? json.getAsJsonObject("ip4").get("ip").getAsString()
            : json.getAsJsonArray("ips").get(0).getAsJsonObject().get("address").getAsString();
    return cidr.substring(0, cidr.indexOf('/'));
  }

  /** Calls the plugin for a workload again, as its orchestrator does. */
  public Command.Outcome call(String command, Workload workload) throws IOException {
    Orchestrator orchestrator = workload.orchestrator();
    Map<String, String> environment = new TreeMap<>(orchestrator.environment());
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", orchestrator.containerId(workload.name()));
    environment.put("CNI_NETNS", workload.sandbox().path());
    environment.put("CNI_IFNAME", "eth0");
    environment.putIfAbsent("CNI_PATH", distribution.resolve("bin").toString());
    return plugin(
        "calico", environment, orchestrator.configuration(workload.network(), workload.labels()));
  }

  /** Calls an installed plugin program with exactly this environment. */
  public Command.Outcome plugin(
      String program, Map<String, String> environment, String configuration) throws IOException {
    return new Command(
            enter(List.of(distribution.resolve("bin").resolve(program).toString())),
            environment,
            configuration)
        .run();
  }

  /** Calls the calico plugin with the usual variables of a container, some of them changed. */
  public Command.Outcome cni(
      String command, Namespace sandbox, Map<String, String> changed, String configuration)
      throws IOException {
    Map<String, String> environment = cniEnvironment(command, sandbox);
    environment.putAll(changed);
    return plugin("calico", environment, configuration);
  }

  private Map<String, String> cniEnvironment(String command, Namespace sandbox) {
    Map<String, String> environment = new TreeMap<>();
    environment.put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    environment.put("CALICO_LIB_DIR", state.resolve("lib").toString());
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", "pod-" + sandbox.name());
    environment.put("CNI_NETNS", sandbox.path());
    environment.put("CNI_IFNAME", "eth0");
    environment.put("CNI_PATH", distribution.resolve("bin").toString());
    return environment;
  }

  /** Starts such a call; the process is the launcher itself. */
  public Process startCni(String command, Namespace sandbox, String configuration)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(enter(List.of(distribution.resolve("bin/calico").toString())));
    builder.environment().clear();
    builder.environment().putAll(cniEnvironment(command, sandbox));
    Process process = builder.start();
    try (OutputStream input = process.getOutputStream()) {
      input.write(configuration.getBytes(StandardCharsets.UTF_8));
    }
    return process;
  }

  /** Deletes a workload: DEL, then its sandbox. */
  public void delete(Workload workload) throws IOException {
    Command.Outcome deleted = call("DEL", workload);
    if (deleted.exitCode() != 0) {
      throw new IOException("DEL of " + workload.name() + " failed: " + deleted.output());
    }
    workload.sandbox().delete();
    workloads.remove(workload.name());
  }

  /** Returns the host ends of workloads that exist. */
  public List<String> workloadLinks() throws IOException {
    return namespace.ip("-o", "link").lines().filter(l -> l.contains(" cali")).toList();
  }

  /** Returns the routes to workloads of this host. */
  public List<String> workloadRoutes() throws IOException {
    return namespace.ip("route").lines().filter(l -> l.contains(" dev cali")).toList();
  }

  /** Returns the table as nft prints it; empty when there is none. */
  public String rules() throws IOException {
    Command.Outcome listed = namespace.command("nft", "list", "table", "inet", "calico").run();
    return listed.exitCode() == 0 ? listed.standardOutput() : "";
  }

  /** Fails unless no interface, route and rule of a workload is left within ten seconds. */
  public void mustBeClean() throws IOException {
    Await.until("no workload interface on " + name(), 10, () -> workloadLinks().isEmpty());
    Await.until("no workload route on " + name(), 10, () -> workloadRoutes().isEmpty());
    Await.until(
        "no packet goes to a workload's rules on " + name(),
        10,
        () -> !rules().contains(" : goto filter-cali-"));
  }

  /** Waits until Felix has removed what nothing in its table leads to. */
  public void awaitNoUnusedRules() throws IOException {
    Await.until("no endpoint's chain is unused on " + name(), 15, () -> hasNoUnused(rules()));
  }

  private static boolean hasNoUnused(String rules) {
    return Pattern.compile("chain (filter-cali-[ft]w-\\S+)")
        .matcher(rules)
        .results()
        .allMatch(chain -> rules.contains(" : goto " + chain.group(1)));
  }

  /** Kills what runs on the host and removes its namespaces. */
  @Override
  public void close() throws IOException {
    killAgent();
    servers.forEach(Process::destroyForcibly);
    if (!apart) { // else bird has ended with the PID namespace in which its number is valid
      PidFile.kill(state.resolve("run/bird.pid"));
    }
    for (Workload workload : workloads.values()) {
      workload.sandbox().delete();
    }
    for (ProcessHandle child : ProcessHandle.allProcesses().toList()) {
      if (child.info().command().orElse("").endsWith("/etcd")
          && child
              .info()
              .commandLine()
              .orElse("")
              .contains("--data-dir=" + state.resolve("lib/etcd"))) {
        child.destroyForcibly();
      }
    }
    namespace.delete();
  }
}
