package io.calico4j.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A real etcd in a namespace, which tests may pause, kill and start again on the same data. */
public final class EtcdProcess implements Closeable {
  private static final int START_SECONDS = 30;
  private static final List<String> ALONE =
      List.of("--name=testbed", "--listen-peer-urls=http://127.0.0.1:2380");

  private final Namespace namespace;
  private final Path state;
  private final String url;
  private final List<String> serverOptions;
  private final List<String> clientOptions;
  private @Nullable Process process;

  /** Prepares an etcd that listens on an address of the namespace, port 2379. */
  EtcdProcess(Namespace namespace, Path state, String address) {
    this(namespace, state, "http://" + address + ":2379", ALONE, List.of());
  }

  private EtcdProcess(
      Namespace namespace,
      Path state,
      String url,
      List<String> serverOptions,
      List<String> clientOptions) {
    this.namespace = namespace;
    this.state = state;
    this.url = url;
    this.serverOptions = serverOptions;
    this.clientOptions = clientOptions;
  }

  /**
   * Prepares one on this process's loopback that speaks https and asks for client certificates.
   *
   * @param state its directory
   * @param certificates a directory with {@code ca.pem}, {@code server.pem}, {@code server.key},
   *     {@code client.pem} and {@code client.key}
   */
  static EtcdProcess secured(Path state, Path certificates) {
    List<String> options = new ArrayList<>(ALONE);
    options.addAll(
        List.of(
            "--client-cert-auth",
            "--trusted-ca-file=" + certificates.resolve("ca.pem"),
            "--cert-file=" + certificates.resolve("server.pem"),
            "--key-file=" + certificates.resolve("server.key")));
    return new EtcdProcess(
        Namespace.own(),
        state,
        "https://127.0.0.1:2379",
        options,
        List.of(
            "--cacert=" + certificates.resolve("ca.pem"),
            "--cert=" + certificates.resolve("client.pem"),
            "--key=" + certificates.resolve("client.key")));
  }

  /**
   * Prepares a member of a cluster.
   *
   * @param namespace where it runs
   * @param state its directory
   * @param name its name in the cluster
   * @param address its address, where it serves clients on port 2379
   * @param peers the peer URLs of all members by their names
   */
  static EtcdProcess member(
      Namespace namespace, Path state, String name, String address, Map<String, String> peers) {
    String cluster =
        String.join(
            ",", peers.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList());
    return new EtcdProcess(
        namespace,
        state,
        "http://" + address + ":2379",
        List.of(
            "--name=" + name,
            "--listen-peer-urls=" + peers.get(name),
            "--initial-advertise-peer-urls=" + peers.get(name),
            "--initial-cluster=" + cluster),
        List.of());
  }

  /** Starts one on this process's loopback, with its data below a directory. */
  public static EtcdProcess local(Path state) throws IOException {
    EtcdProcess etcd = new EtcdProcess(Namespace.own(), state, "127.0.0.1");
    etcd.start();
    return etcd;
  }

  /** Returns the namespace that it runs in. */
  Namespace namespace() {
    return namespace;
  }

  /** Returns where its data are. */
  Path dataDirectory() {
    return state.resolve("etcd");
  }

  /** Returns the options by which it was made, with its name and its cluster's members. */
  List<String> serverOptions() {
    return serverOptions;
  }

  /** Returns its client URL. */
  public String url() {
    return url;
  }

  /** Starts it, and waits until it answers. */
  public void start() throws IOException {
    begin();
    awaitAnswer();
  }

  /** Starts it. */
  void begin() throws IOException {
    List<String> command =
        new ArrayList<>(
            namespace.enter(
                List.of(
                    "etcd",
                    "--data-dir=" + dataDirectory(),
                    "--listen-client-urls=" + url,
                    "--advertise-client-urls=" + url)));
    command.addAll(serverOptions);
    process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(state.resolve("etcd.log").toFile()))
            .start();
  }

  /** Waits until it answers; a member of a cluster does when most of them run. */
  void awaitAnswer() throws IOException {
    Await.until(
        "etcd answers, see " + state.resolve("etcd.log"),
        START_SECONDS,
        () -> command("endpoint", "health").run().exitCode() == 0);
  }

  /** Runs etcdctl and returns its output. */
  public String ctl(String... arguments) throws IOException {
    return command(arguments).mustRun();
  }

  private Command command(String... arguments) {
    List<String> all = new ArrayList<>(List.of("etcdctl", "--endpoints=" + url));
    all.addAll(clientOptions);
    all.addAll(List.of(arguments));
    Map<String, String> environment = new TreeMap<>(System.getenv());
    environment.put("ETCDCTL_API", "3");
    return new Command(namespace.enter(all), environment, "");
  }

  /** Returns the keys below a prefix, ascending. */
  public List<String> keys(String prefix) throws IOException {
    return ctl("get", "--prefix", "--keys-only", prefix).lines().filter(l -> !l.isBlank()).toList();
  }

  /** Stops it from answering, without closing connections (SIGSTOP). */
  public void pause() throws IOException {
    signal("STOP");
  }

  /** Lets it answer again. */
  public void resume() throws IOException {
    signal("CONT");
  }

  private void signal(String name) throws IOException {
    Process running = process;
    if (running != null) {
      Command.of("kill", "-" + name, Long.toString(running.pid())).mustRun();
    }
  }

  /** Kills it; its data stay. */
  public void kill() throws IOException {
    Process running = process;
    if (running != null) {
      Await.killed(running);
    }
  }

  @Override
  public void close() throws IOException {
    kill();
  }
}
