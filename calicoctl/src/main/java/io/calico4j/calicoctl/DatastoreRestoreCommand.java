package io.calico4j.calicoctl;

import io.calico4j.core.datastore.DatastoreException;
import io.calico4j.core.datastore.etcd.EtcdSnapshot;
import io.calico4j.core.datastore.etcd.LocalEtcd;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code datastore restore}: makes the data directory of the etcd that calico-node runs itself of a
 * snapshot. calico-node must be stopped, and cannot start meanwhile: it waits for the lock that is
 * held here.
 */
@Command(
    description =
        "Makes the data of the etcd that calico-node of this host runs itself of a snapshot, while"
            + " calico-node and that etcd are stopped.",
    mixinStandardHelpOptions = true)
final class DatastoreRestoreCommand implements Callable<Integer> {
  private static final Path KERNEL_NAME = Path.of("/proc/sys/kernel/hostname");

  private final Map<String, String> environment;

  @Parameters(paramLabel = "FILE", description = "what datastore backup or etcdctl has written")
  private Path file = Path.of("");

  @Option(
      names = "--force",
      description = "where there are data, moves them aside instead of refusing")
  private boolean force;

  @Spec private CommandSpec spec = CommandSpec.create();

  DatastoreRestoreCommand(Map<String, String> environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException, DatastoreException {
    Path lib = LocalEtcd.libDirectory(environment);
    Path run = Path.of(variable("CALICO_RUN_DIR", "/run/calico"));
    EtcdSnapshot.verify(file);
    Files.createDirectories(run);
    Files.createDirectories(lib);
    try (FileChannel agent =
            FileChannel.open(
                run.resolve("agent.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = agent.tryLock()) {
      if (lock == null) {
        throw new IOException(
            "calico-node runs on this host ("
                + run.resolve("agent.lock")
                + " is held): stop it first");
      }
      restore(new EtcdDataDirectory(lib.resolve("etcd"), Clock.systemUTC()), run, lib);
    }
    return 0;
  }

  private void restore(EtcdDataDirectory data, Path run, Path lib) throws IOException {
    if (data.isInUse()) {
      throw new IOException(
          "an etcd runs on "
              + data
              + ": end it first, with kill $(cat "
              + run.resolve("etcd.pid")
              + ")");
    }
    if (!data.isEmpty() && !force) {
      throw new IOException(
          data + " has data: with --force they are moved aside, and nothing is lost");
    }
    Optional<Path> aside =
        data.restore(
            file,
            nodeName(lib),
            "https://127.0.0.1:" + variable("CALICO_ETCD_PEER_PORT", "2380"),
            environment.getOrDefault("PATH", ""));
    PrintWriter out = spec.commandLine().getOut();
    aside.ifPresent(former -> out.println("what was there is in " + former));
    out.println(data + ": restored of " + file + ", start calico-node");
    out.flush();
  }

  /** As calico-node finds it, and as it has left it. */
  private String nodeName(Path lib) throws IOException {
    String given = variable("NODENAME", "");
    if (!given.isEmpty()) {
      return given;
    }
    Path left = lib.resolve("nodename");
    return Files.readString(Files.exists(left) ? left : KERNEL_NAME)
        .strip()
        .toLowerCase(Locale.ROOT);
  }

  private String variable(String name, String otherwise) {
    String value = environment.getOrDefault(name, "");
    return value.isEmpty() ? otherwise : value;
  }
}
