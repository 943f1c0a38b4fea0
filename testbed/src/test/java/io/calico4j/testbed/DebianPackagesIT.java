package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The Debian packages in a Debian that has nothing of ours, without a network. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DebianPackagesIT {
  private static final List<String> NAMES =
      List.of("calico-common", "calico-node", "calicoctl", "calico-cni");
  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"packaged\",\"type\":\"calico\",\"ipam\":{\"type\":\"calico-ipam\"}}";

  private final Path state = Installed.freshState(getClass());
  private final Path root = Path.of("/run/clean-debian");

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("debian", 11, "64512");
    Files.createDirectories(root);
    Command.of("mount", "-t", "tmpfs", "tmpfs", root.toString()).mustRun();
    Command.of(
            "tar",
            "-C",
            root.toString(),
            "--exclude=./dev/*",
            "-xf",
            Installed.packaged("clean-root.tar").toString())
        .mustRun();
    Command.of("mount", "--rbind", "/dev", root.resolve("dev").toString()).mustRun();
    Files.createDirectories(root.resolve("packages"));
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
    Command.of("umount", "--lazy", root.toString()).mustRun();
  }

  /** Makes a command that runs in the clean Debian, on the host and with its /run. */
  private List<String> inside(String... command) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "sh",
                "-c",
                "mount -t proc proc \"$0/proc\" && mount --rbind /sys \"$0/sys\""
                    + " && mount --rbind /run \"$0/run\" && exec chroot \"$0\" \"$@\"",
                root.toString()));
    all.addAll(List.of(command));
    return host.enter(all);
  }

  private Command.Outcome run(Map<String, String> environment, String input, String... command)
      throws IOException {
    return new Command(inside(command), environment, input).run();
  }

  private String must(String... command) throws IOException {
    Command.Outcome outcome =
        run(
            Map.of(
                "PATH", "/usr/sbin:/usr/bin:/sbin:/bin",
                "DEBIAN_FRONTEND", "noninteractive",
                "LC_ALL", "C"),
            "",
            command);
    assertThat(outcome.exitCode()).as("%s: %s", List.of(command), outcome.output()).isZero();
    return outcome.output();
  }

  /** Puts packages where dpkg finds them, with another version if one is given. */
  private List<String> provide(String version) throws IOException {
    List<String> files = new ArrayList<>();
    for (String name : NAMES) {
      Path built = Installed.packaged(name);
      String file = name + version + ".deb";
      Path provided = root.resolve("packages").resolve(file);
      if (version.isEmpty()) {
        Files.copy(built, provided);
      } else {
        String unpacked = state.resolve(name).toString();
        Command.of("dpkg-deb", "-R", built.toString(), unpacked).mustRun();
        Command.of(
                "sed",
                "-i",
                "-E",
                "s/(^Version: |\\(= )[^)]*/\\1" + version + "/",
                unpacked + "/DEBIAN/control")
            .mustRun();
        Command.of("dpkg-deb", "-Znone", "-b", unpacked, provided.toString()).mustRun();
      }
      files.add("/packages/" + file);
    }
    return files;
  }

  private void install(String version) throws IOException {
    List<String> command = new ArrayList<>(List.of("dpkg", "--force-confold", "-i"));
    command.addAll(provide(version));
    must(command.toArray(String[]::new));
  }

  @Test
  void theyAreInstalledUsedUpgradedRemovedAndPurged() throws Exception {
    install("");
    assertThat(root.resolve("usr/lib/calico4j/lib/calico-cni.jsa")).exists();
    assertThat(must("calicoctl", "version", "--client")).contains("Client Version");
    assertThat(
            must(
                "bash",
                "-c",
                "source /usr/share/bash-completion/completions/calicoctl && complete -p calicoctl"))
        .contains("_complete_calicoctl");
    assertThat(must("sh", "-c", "zcat /usr/share/man/man1/calicoctl-ipam-check.1.gz"))
        .contains("CALICOCTL\\-IPAM\\-CHECK");
    assertThat(must("calico-node", "--check")).contains("bird", "etcd").doesNotContain("missing");
    assertThat(must("sh", "-c", "dpkg --verify calico-common calico-node calicoctl calico-cni"))
        .isEmpty();

    Process agent = startAgent();
    try {
      Namespace sandbox = Namespace.create("packaged");
      assertThat(cni("ADD", sandbox)).contains("10.65.");
      assertThat(cni("DEL", sandbox)).isEmpty();
      sandbox.delete();
      host.mustBeClean();
    } finally {
      agent.destroy();
      Await.until("calico-node ends", 30, () -> !agent.isAlive());
    }

    Path settings = root.resolve("etc/calico/calico-node.env");
    Files.writeString(settings, "NODENAME=mine\n");
    Path archive = root.resolve("usr/lib/calico4j/lib/calico-cni.jsa");
    install("9.0");
    assertThat(must("dpkg-query", "-W", "-f", "${Version} ", "calico-node", "calico-cni"))
        .isEqualTo("9.0 9.0 ");
    assertThat(settings).as("the operator's settings stay").hasContent("NODENAME=mine");
    assertThat(archive).exists();

    Files.createDirectories(root.resolve("var/lib/calico/etcd/member"));
    Files.createDirectories(root.resolve("var/lib/calico/teardown"));
    must("dpkg", "-r", "calico-node", "calico-cni", "calicoctl", "calico-common");
    assertThat(settings).as("removal keeps settings").exists();
    assertThat(root.resolve("opt/cni/bin/calico")).doesNotExist();
    assertThat(must("dpkg", "-P", "calico-node", "calico-cni", "calicoctl", "calico-common"))
        .contains("the cluster's data in /var/lib/calico/etcd are kept");
    assertThat(root.resolve("etc/calico")).doesNotExist();
    assertThat(root.resolve("usr/lib/calico4j")).doesNotExist();
    assertThat(root.resolve("var/lib/calico/teardown")).doesNotExist();
    assertThat(root.resolve("var/lib/calico/etcd/member")).exists();
    Testbed.mustBeClean(etcd);
  }

  private Process startAgent() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(inside("calico-node"))
            .redirectErrorStream(true)
            .redirectOutput(state.resolve("node.log").toFile());
    builder
        .environment()
        .putAll(
            Map.of(
                "NODENAME",
                host.name(),
                "IP",
                host.address() + "/24",
                "CALICO_IPV4POOL_CIDR",
                Testbed.POOL,
                "ETCD_ENDPOINTS",
                etcd.url()));
    Process agent = builder.start();
    Await.until("the packaged calico-node is ready", 60, host::isReady);
    return agent;
  }

  private String cni(String command, Namespace sandbox) throws IOException {
    Command.Outcome called =
        run(
            Map.of(
                "PATH", "/usr/sbin:/usr/bin:/sbin:/bin",
                "CNI_COMMAND", command,
                "CNI_CONTAINERID", "packaged",
                "CNI_IFNAME", "eth0",
                "CNI_NETNS", sandbox.path(),
                "CNI_PATH", "/opt/cni/bin"),
            CONFIGURATION,
            "/opt/cni/bin/calico");
    assertThat(called.exitCode()).as(called.output()).isZero();
    return called.standardOutput();
  }
}
