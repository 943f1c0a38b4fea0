package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.testing.MemoryDatastore;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code node run} tells a container engine. */
class NodeRunTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final Map<String, String> environment = new TreeMap<>();

  @TempDir private Path directory;

  private int run(String... options) {
    CommandLine line = CalicoctlMain.commandLine(MemoryDatastore::new, environment);
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    List<String> arguments = new ArrayList<>(List.of("node", "run"));
    arguments.addAll(List.of(options));
    return line.execute(arguments.toArray(String[]::new));
  }

  @Test
  void settingsComeFromOptionsTheEnvironmentAndTheConnection() {
    environment.put("ETCD_ENDPOINTS", "http://192.0.2.2:2379");
    environment.put("FELIX_LOGSEVERITYSCREEN", "Info");
    environment.put("CALICO_RUN_DIR", "/run/other");
    environment.put("HOME", "/root");
    assertThat(
            run(
                "--dryrun",
                "--name=h1",
                "--ip=192.0.2.11/24",
                "--as=64513",
                "--backend=none",
                "--no-default-ippools",
                "--node-image=calico/node:x",
                "--mount=" + directory))
        .as(err.toString())
        .isZero();
    assertThat(out.toString().lines())
        .contains(
            "export AS=64513",
            "export CALICO_NETWORKING_BACKEND=none",
            "export ETCD_ENDPOINTS=http://192.0.2.2:2379",
            "export FELIX_LOGSEVERITYSCREEN=Info",
            "export IP=192.0.2.11/24",
            "export NODENAME=h1",
            "export NO_DEFAULT_POOLS=true")
        .noneMatch(line -> line.contains("HOME"));
    assertThat(out.toString().lines().filter(line -> line.startsWith("docker run")))
        .singleElement()
        .asString()
        .contains(
            "--net host --pid host --detach --restart always --cap-drop ALL --cap-add NET_ADMIN",
            "--security-opt systempaths=unconfined",
            "--env ETCD_ENDPOINTS",
            "--volume /run/other:/run/other",
            "--volume " + directory + ":" + directory)
        .endsWith(" calico/node:x")
        .doesNotContain("privileged", "192.0.2.2");
  }

  @Test
  void filesAreReadableInTheSamePlaceAndPasswordsAreNotShown() throws Exception {
    Path authority = Files.writeString(directory.resolve("ca.pem"), "x");
    Path felix = Files.writeString(directory.resolve("felix.cfg"), "x");
    environment.put("ETCD_CA_CERT_FILE", authority.toString());
    environment.put("ETCD_PASSWORD", "hidden-one");
    assertThat(run("--dryrun", "--engine=podman", "--init-system", "--felix-config=" + felix))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .contains(
            "podman run",
            " --rm ",
            "--security-opt unmask=/proc/sys",
            "--volume " + authority + ":" + authority + ":ro",
            "--volume " + felix + ":/etc/calico/felix.cfg:ro",
            "--env ETCD_PASSWORD")
        .doesNotContain("hidden-one", "--detach");
  }

  @Test
  void dockersDriversGetDockersSocket() throws Exception {
    Path socket = Files.writeString(directory.resolve("docker.sock"), "");
    environment.put("CALICO_LIBNETWORK_DOCKER_SOCKET", socket.toString());
    assertThat(run("--dryrun")).isZero();
    assertThat(out.toString()).doesNotContain("--volume " + socket, "/run/docker/plugins");
    environment.put("CALICO_LIBNETWORK_ENABLED", "true");
    assertThat(run("--dryrun")).isZero();
    assertThat(out.toString())
        .contains("--volume " + socket + ":" + socket, "--volume /run/docker/plugins:");
    environment.put("CALICO_LIBNETWORK_PLUGIN_DIR", "/run/plugins");
    assertThat(run("--dryrun")).isZero();
    assertThat(out.toString()).contains("--volume /run/plugins:/run/plugins");
    environment.put("CALICO_LIBNETWORK_DOCKER_SOCKET", "/nowhere/docker.sock");
    assertThat(run("--dryrun")).isEqualTo(1);
    assertThat(err.toString()).contains("CALICO_LIBNETWORK_DOCKER_SOCKET /nowhere/docker.sock");
  }

  @Test
  void whatCannotBeIsRefused() {
    environment.put("ETCD_CERT_FILE", "/nowhere/cert.pem");
    assertThat(run("--dryrun")).isEqualTo(1);
    environment.remove("ETCD_CERT_FILE");
    assertThat(run("--dryrun", "--log-dir=/var/log/calico")).isEqualTo(1);
    assertThat(run("--dryrun", "--engine=rkt")).isEqualTo(2);
    assertThat(run("--dryrun", "--mount=/nowhere")).isEqualTo(1);
    assertThat(err.toString())
        .contains(
            "ETCD_CERT_FILE /nowhere/cert.pem cannot be read",
            "--log-dir has no effect",
            "--mount /nowhere cannot be read",
            "expected one of [docker, podman]");
  }
}
