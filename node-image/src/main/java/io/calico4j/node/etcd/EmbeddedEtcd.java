package io.calico4j.node.etcd;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.name.NodeName;
import io.calico4j.node.child.ChildLog;
import io.calico4j.node.child.RestartPause;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The etcd of a host that has no other. It listens on the loopback address only, and talks only to
 * who shows a certificate of {@link EtcdCertificates}. It outlives the agent, however that ends;
 * the next agent adopts it, unless it runs with other arguments, another authority or a program
 * file that has been replaced: then it is ended and started anew on the same data. One that ends by
 * itself is started again, with growing pauses.
 *
 * <p>Its process id stands in {@code etcd.pid} and what it prints in {@code etcd.log} of the run
 * directory, as a {@link ChildLog}.
 */
public final class EmbeddedEtcd implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EmbeddedEtcd.class);
  private static final int LOOK_MILLIS = 500;
  private static final long RENEW_HOURS = 24;

  /** One that has run for so long after it was started is not one that cannot start. */
  private static final long STEADY_NANOS = TimeUnit.SECONDS.toNanos(2);

  /**
   * How long etcd keeps former values: a watch that breaks begins where it was within this time.
   */
  private static final String HISTORY = "10m";

  private final Path runDirectory;
  private final ChildLog printed;
  private final RestartPause starts = new RestartPause(100, 10_000);
  private final Path dataDirectory;
  private final String clientUrl;
  private final List<String> command;
  private final EtcdCertificates certificates;
  private final Thread supervisor = Daemons.thread("etcd-supervisor", this::supervise);
  private volatile boolean closed;
  private volatile String problem = "";
  private @Nullable ProcessHandle process;

  /**
   * Describes it; nothing is started before {@link #start}.
   *
   * @param node the node's name, which is the member's
   * @param libDirectory where data ({@code etcd}) and certificates ({@code etcd-pki}) are
   * @param runDirectory where process id and log are
   * @param clientPort the port for clients
   * @param peerPort the port for other members, of which there are none
   * @param quotaMegabytes at which size of its file etcd refuses writes
   */
  public EmbeddedEtcd(
      NodeName node,
      Path libDirectory,
      Path runDirectory,
      int clientPort,
      int peerPort,
      int quotaMegabytes) {
    this.runDirectory = runDirectory;
    printed = new ChildLog(runDirectory.resolve("etcd.log"));
    dataDirectory = libDirectory.resolve("etcd");
    certificates =
        new EtcdCertificates(libDirectory.resolve("etcd-pki").toAbsolutePath(), Clock.systemUTC());
    clientUrl = "https://127.0.0.1:" + clientPort;
    String peerUrl = "https://127.0.0.1:" + peerPort;
    command =
        List.of(
            "etcd",
            "--name=" + node,
            RunningEtcd.dataArgument(dataDirectory),
            "--listen-client-urls=" + clientUrl,
            "--advertise-client-urls=" + clientUrl,
            "--listen-peer-urls=" + peerUrl,
            "--initial-advertise-peer-urls=" + peerUrl,
            "--initial-cluster=" + node + "=" + peerUrl,
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=" + HISTORY,
            "--quota-backend-bytes=" + ((long) quotaMegabytes << 20),
            "--client-cert-auth",
            "--trusted-ca-file=" + certificates.file("ca.pem"),
            "--cert-file=" + certificates.file("server.pem"),
            "--key-file=" + certificates.file("server.key"),
            "--peer-client-cert-auth",
            "--peer-trusted-ca-file=" + certificates.file("ca.pem"),
            "--peer-cert-file=" + certificates.file("server.pem"),
            "--peer-key-file=" + certificates.file("server.key"));
  }

  /**
   * Makes the certificates that are missing, adopts an etcd that fits or starts one, and watches
   * it.
   *
   * @throws IOException when the certificates cannot be made or etcd cannot be run
   */
  public void start() throws IOException, InterruptedException {
    if (Files.exists(dataDirectory)) {
      Files.setPosixFilePermissions(dataDirectory, PosixFilePermissions.fromString("rwx------"));
    }
    run();
    supervisor.start();
  }

  /** Returns the variables with which clients reach it, in place of all ETCD_* that are given. */
  public Map<String, String> variables(Map<String, String> environment) {
    Map<String, String> changed = new TreeMap<>(environment);
    changed.keySet().removeIf(name -> name.startsWith("ETCD_"));
    changed.putAll(certificates.clientVariables());
    changed.put("ETCD_ENDPOINTS", clientUrl);
    return changed;
  }

  /** Says what is wrong with it; empty when it runs. */
  public Optional<String> problem() {
    String now = problem;
    return now.isEmpty() ? Optional.empty() : Optional.of(now);
  }

  /** Adopts the one that runs, if it fits, else starts one. */
  private void run() throws IOException, InterruptedException {
    certificates.ensure();
    String authority = certificates.authorityDigest();
    Optional<RunningEtcd> found = RunningEtcd.on(dataDirectory);
    if (found.isPresent()) {
      RunningEtcd running = found.get();
      if (running.arguments().equals(command)
          && running.authority().equals(authority)
          && !running.replaced()) {
        process = running.process();
        writePid(running.process());
        log.info("etcd pid={} goes on, it was started by an earlier agent", process.pid());
        return;
      }
      log.info(
          "etcd pid={} was started otherwise than it is now, it is ended and started again",
          running.process().pid());
      running.stop();
    }
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(printed.redirect())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.startsWith("ETCD_") || name.startsWith("CALICO_"));
    builder.environment().put(RunningEtcd.AUTHORITY_VARIABLE, authority);
    starts.started(System.nanoTime());
    Process started = builder.start();
    process = started.toHandle();
    writePid(started.toHandle());
    if (problem.isEmpty()) {
      log.info("etcd started pid={}", started.pid());
    }
  }

  private void writePid(ProcessHandle of) throws IOException {
    Path fresh = runDirectory.resolve("etcd.pid.new");
    Files.writeString(fresh, of.pid() + "\n");
    Files.move(
        fresh,
        runDirectory.resolve("etcd.pid"),
        java.nio.file.StandardCopyOption.ATOMIC_MOVE,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  private void supervise() {
    long renewed = System.nanoTime();
    while (!closed) {
      try {
        TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
        long now = System.nanoTime();
        ProcessHandle current = process;
        if (current == null || !RunningEtcd.isAlive(current)) {
          String last = printed.lastLine();
          String reason = last.isEmpty() ? "" : " (" + last + ")";
          trouble("etcd has ended" + reason + ": it is started again, see " + printed);
          TimeUnit.NANOSECONDS.sleep(starts.left(now));
          run();
        } else if (now - renewed > TimeUnit.HOURS.toNanos(RENEW_HOURS)) {
          renewed = now;
          run();
        } else if (starts.hasRunFor(STEADY_NANOS, now)) {
          problem = "";
        }
        printed.bound();
      } catch (IOException e) {
        trouble("etcd cannot be run: " + e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** Notes what is wrong now; readiness logs its begin and its end. */
  private void trouble(String text) {
    problem = text;
    log.debug("{}", text);
  }

  /** Ends the watch; etcd itself goes on. */
  @Override
  public void close() {
    closed = true;
    supervisor.interrupt();
  }
}
