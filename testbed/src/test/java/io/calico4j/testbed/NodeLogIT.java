package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What calico-node logs: as much as is configured, and of a trouble its begin and its end. */
class NodeLogIT extends OneHost {
  private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"front\",\"type\":\"calico\","
          + "\"ipam\":{\"type\":\"calico-ipam\"}}";

  private Path log() {
    return host.state().resolve("node.log");
  }

  private long length() throws IOException {
    return Files.size(log());
  }

  private List<String> linesSince(long length) throws IOException {
    byte[] all = Files.readAllBytes(log());
    return new String(all, (int) length, all.length - (int) length, StandardCharsets.UTF_8)
        .lines()
        .toList();
  }

  /** Attaches and detaches a container, each of which is a line of level INFO. */
  private List<String> linesOfAnAdd() throws IOException {
    long before = length();
    Namespace sandbox = Namespace.create("logged");
    for (String command : List.of("ADD", "DEL")) {
      Command.Outcome outcome = host.cni(command, sandbox, Map.of(), CONFIGURATION);
      assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    }
    sandbox.delete();
    return linesSince(before);
  }

  @Test
  void theSeverityOfFelixConfigurationCountsAtOnce() throws Exception {
    assertThat(linesOfAnAdd())
        .anyMatch(line -> line.matches(".* INFO CalicoPlugin - ADD container=pod-logged .*"));
    configureFelix("{logSeverityScreen: Debug}");
    Await.until(
        "more is logged",
        20,
        () ->
            linesOfAnAdd().stream()
                .anyMatch(
                    line -> line.matches(".* DEBUG KeyspaceSyncer - /calico/.* has changed")));
    configureFelix("{logSeverityScreen: Error}");
    Await.until("less is logged", 20, () -> linesOfAnAdd().isEmpty());
    configureFelix("{logSeverityScreen: Info}");
    Await.until(
        "as much as before is logged",
        20,
        () -> linesOfAnAdd().stream().anyMatch(line -> line.contains(" INFO CalicoPlugin - ADD")));
  }

  @Test
  void ofAnEtcdThatIsSilentTheBeginAndTheEndAreLogged() throws Exception {
    String pid = Files.readString(host.state().resolve("run/etcd.pid")).strip();
    long before = length();
    Command.of("kill", "-STOP", pid).mustRun();
    long start = System.nanoTime();
    try {
      // That lines do not repeat can be seen only while time passes.
      Await.until("20 s are over", 30, () -> System.nanoTime() - start > SILENCE_NANOS);
    } finally {
      Command.of("kill", "-CONT", pid).mustRun();
    }
    Await.until(
        "the end is logged",
        20,
        () -> linesSince(before).stream().anyMatch(line -> line.contains("answers again, after")));
    List<String> lines =
        linesSince(before).stream().filter(line -> !line.contains(" DEBUG ")).toList();
    assertThat(lines).filteredOn(line -> line.contains("WARN Members - etcd is away")).hasSize(1);
    assertThat(lines).as("the begin and the end").hasSize(2);
  }
}
