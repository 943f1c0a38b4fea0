package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A real calico-node in mount and PID namespaces of its own, where no sandbox has a path: it gets
 * the sandbox as a descriptor from the launcher, which is checked once more in each of its builds.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NodeApartIT {
  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"apart\",\"type\":\"calico\"}";

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("apart", 11, "64512");
    host.startAgentApart();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  @ParameterizedTest
  @EnumSource(LauncherBuild.class)
  void itNeedsNoPathOfTheSandbox(LauncherBuild build) throws Exception {
    build.compile(state, Duration.ofSeconds(120));
    Namespace sandbox = Namespace.create("apart-" + build.ordinal());
    Process inside = sandboxProcess(sandbox);
    assertServes(build, sandbox, sandbox.path());
    assertServes(build, sandbox, "/proc/" + inside.pid() + "/ns/net");
    Await.killed(inside);
    sandbox.delete();
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  private static Process sandboxProcess(Namespace sandbox) throws IOException {
    Process process = new ProcessBuilder(sandbox.enter(List.of("cat"))).start();
    String net = Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString();
    Await.until(
        "the process is in its sandbox",
        10,
        () ->
            !Files.readSymbolicLink(Path.of("/proc/" + process.pid() + "/ns/net"))
                .toString()
                .equals(net));
    return process;
  }

  private void assertServes(LauncherBuild build, Namespace sandbox, String path)
      throws IOException {
    long node =
        ProcessHandle.of(host.agentPid()).orElseThrow().children().findFirst().orElseThrow().pid();
    assertThat(
            Command.of("nsenter", "--target=" + node, "--mount", "--pid", "test", "-e", path)
                .run()
                .exitCode())
        .as("%s as calico-node sees it", path)
        .isEqualTo(1);
    Command.Outcome added = call(build, "ADD", path, CONFIGURATION);
    assertThat(added.exitCode()).as(added.output()).isZero();
    String address = TestHost.address(added.standardOutput());
    assertThat(sandbox.ip("-o", "address", "show", "dev", "eth0")).contains(address + "/32");
    assertThat(PacketProbe.ping(host.namespace(), address)).isTrue();
    String checked =
        CONFIGURATION.replace("}", ",\"prevResult\":" + added.standardOutput().strip() + "}");
    Command.Outcome check = call(build, "CHECK", path, checked);
    assertThat(check.exitCode()).as(check.output()).isZero();
    Command.Outcome deleted = call(build, "DEL", path, CONFIGURATION);
    assertThat(deleted.exitCode()).as(deleted.output()).isZero();
  }

  private Command.Outcome call(
      LauncherBuild build, String command, String path, String configuration) throws IOException {
    Map<String, String> environment =
        Map.of(
            "PATH",
            "/usr/bin:/bin",
            "CNI_COMMAND",
            command,
            "CNI_CONTAINERID",
            "apart",
            "CNI_NETNS",
            path,
            "CNI_IFNAME",
            "eth0",
            "CNI_PATH",
            "/opt/cni/bin");
    return new Command(host.enter(build.command(state)), environment, configuration).run();
  }
}
