package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The installed calicoctl as a process: what a script sees of it, however its process ends. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CalicoctlIT {
  private static final int SETS = 2000;

  private EtcdProcess etcd;

  @BeforeAll
  void start() throws Exception {
    etcd = EtcdProcess.local(Installed.freshState(getClass()));
  }

  @AfterAll
  void stop() throws Exception {
    etcd.close();
  }

  private Command.Outcome calicoctl(String options, String input, String... arguments)
      throws IOException {
    Map<String, String> environment = new TreeMap<>(System.getenv());
    environment.put("ETCD_ENDPOINTS", etcd.url());
    environment.put("JAVA_TOOL_OPTIONS", options);
    List<String> all = new ArrayList<>(List.of("sh", "-c", "cd /proc && exec \"$0\" \"$@\""));
    all.add(Installed.distribution().resolve("bin/calicoctl").toString());
    all.addAll(List.of(arguments));
    return new Command(all, environment, input).run();
  }

  /**
   * With the native library, and where it cannot be unpacked: jffi tries java.io.tmpdir, which it
   * makes when it can, then the current directory, which is /proc here.
   */
  @ParameterizedTest
  @ValueSource(strings = {"-Dusual=true", "-Djava.io.tmpdir=/dev/null/none"})
  void statusAndOutputAreWholeWhenTheProcessEnds(String options) throws Exception {
    StringBuilder sets = new StringBuilder();
    for (int i = 0; i < SETS; i++) {
      sets.append("apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata:\n  name: s")
          .append(i)
          .append("\n---\n");
    }
    Command.Outcome applied = calicoctl(options, sets.toString(), "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.standardError()).isZero();
    Command.Outcome listed = calicoctl(options, "", "get", "globalnetworksets");
    assertThat(listed.exitCode()).isZero();
    assertThat(listed.standardOutput().lines().filter(line -> line.startsWith("s"))).hasSize(SETS);

    Command.Outcome missing = calicoctl(options, "", "get", "globalnetworksets", "missing");
    assertThat(missing.exitCode()).isEqualTo(1);
    assertThat(missing.standardError()).contains("calicoctl:").contains("missing");
    Command.Outcome wrong = calicoctl(options, "", "nonsense");
    assertThat(wrong.exitCode()).isEqualTo(2);
    assertThat(wrong.standardError()).contains("nonsense");
  }

  /** What cannot be reached is said at once, wherever the file with the connection is named. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "http://127.0.0.1:1 | refuses the connection",
        "127.0.0.1:1,http://no.such.host.invalid:2379 | cannot be resolved",
        "https://127.0.0.1:ETCD | write http://",
      })
  void anUnreachableEtcdIsNamedWithTheReason(
      String endpoints, String reason, @TempDir Path directory) throws Exception {
    Path config = directory.resolve("calicoctl.cfg");
    String port = etcd.url().substring(etcd.url().lastIndexOf(':') + 1);
    Files.writeString(
        config,
        "{apiVersion: projectcalico.org/v3, kind: CalicoAPIConfig, spec: {etcdEndpoints: '"
            + endpoints.replace("ETCD", port)
            + "'}}");
    long start = System.nanoTime();
    Command.Outcome outcome =
        calicoctl("-Dusual=true", "", "get", "nodes", "--config", config.toString());
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.standardError()).contains("etcd cannot be reached").contains(reason);
    Command.Outcome before =
        calicoctl("-Dusual=true", "", "-c", config.toString(), "ipam", "check");
    assertThat(before.standardError()).contains(reason);
  }

  @Test
  void checksystemShowsWhatCalicoNodeOfTheSameInstallationDoes() throws Exception {
    Command.Outcome node =
        Command.of(Installed.distribution().resolve("bin/calico-node").toString(), "--check").run();
    Command.Outcome check = calicoctl("-Dusual=true", "", "node", "checksystem");
    assertThat(check.exitCode()).as(check.output()).isEqualTo(node.exitCode());
    List<String> rows = node.standardOutput().lines().map(CalicoctlIT::firstWord).toList();
    assertThat(rows).contains("bird", "nftables,");
    assertThat(check.standardOutput().lines().map(CalicoctlIT::firstWord)).containsAll(rows);
  }

  private static String firstWord(String line) {
    return line.strip().replaceAll("\\s.*", "");
  }
}
