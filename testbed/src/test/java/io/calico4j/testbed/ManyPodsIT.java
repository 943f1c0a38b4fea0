package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Five hundred pods on one host, up and down by sixteen callers at once. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ManyPodsIT {
  private static final int CALLERS = 16;
  private static final int FEW = 100;
  private static final int MANY = 500;

  /** What buffers of the network library come and go by; a leak of 5 KB a pod exceeds it. */
  private static final int HEAP_SLACK_KB = 2500;

  private static final Pattern USED = Pattern.compile("generation .*used (\\d+)K");
  private static final String CONFIGURATION =
      "{\"cniVersion\":\"1.0.0\",\"name\":\"many\",\"type\":\"calico\"}";

  private final Path state = Installed.freshState(getClass());
  private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("many", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    callers.shutdownNow();
    testbed.close();
  }

  private <T> List<T> all(List<Callable<T>> tasks) throws Exception {
    List<T> results = new ArrayList<>();
    for (Future<T> done : callers.invokeAll(tasks, 240, TimeUnit.SECONDS)) {
      results.add(done.get());
    }
    return results;
  }

  private String call(String command, Namespace sandbox) throws IOException {
    Command.Outcome outcome = host.cni(command, sandbox, Map.of(), CONFIGURATION);
    assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    return outcome.standardOutput();
  }

  /** Brings pods up, looks at them, and takes them down. */
  private void upAndDown(int pods) throws Exception {
    List<Callable<Namespace>> creations = new ArrayList<>();
    for (int i = 0; i < pods; i++) {
      String name = "pod-" + i;
      creations.add(() -> Namespace.create(name));
    }
    List<Namespace> sandboxes = all(creations);
    List<Callable<String>> additions = new ArrayList<>();
    sandboxes.forEach(pod -> additions.add(() -> TestHost.address(call("ADD", pod))));
    Set<String> addresses = new HashSet<>(all(additions));
    assertThat(addresses).as("an address each").hasSize(pods);
    assertThat(host.workloadLinks()).hasSize(pods);
    assertThat(host.workloadRoutes()).hasSize(pods);
    assertThat(etcd.keys("/calico/ipam/v2/handle/")).hasSize(pods);
    assertThat(PacketProbe.ping(sandboxes.get(0), addresses.iterator().next())).isTrue();

    List<Callable<String>> deletions = new ArrayList<>();
    sandboxes.forEach(
        pod ->
            deletions.add(
                () -> {
                  String output = call("DEL", pod);
                  pod.delete();
                  return output;
                }));
    assertThat(all(deletions)).containsOnly("");
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  private List<String> rules() throws IOException {
    return host.rules().lines().map(String::strip).sorted().toList();
  }

  private List<String> otherKeys() throws IOException {
    return etcd.keys("/calico/").stream()
        .filter(key -> !key.startsWith("/calico/ipam/v2/assignment/"))
        .filter(key -> !key.startsWith("/calico/ipam/v2/host/"))
        .toList();
  }

  /** Returns what the agent's heap holds after a collection, in KB. */
  private long heap() throws IOException {
    String pid = Long.toString(host.agentPid());
    Command.of("jcmd", pid, "GC.run").mustRun();
    String info = Command.of("jcmd", pid, "GC.heap_info").mustRun();
    List<MatchResult> parts = USED.matcher(info).results().toList();
    assertThat(parts).as(info).hasSize(2);
    return parts.stream().mapToLong(part -> Long.parseLong(part.group(1))).sum();
  }

  private int threads() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + host.agentPid() + "/status")).stream()
        .filter(line -> line.startsWith("Threads:"))
        .mapToInt(line -> Integer.parseInt(line.replaceAll("\\D", "")))
        .sum();
  }

  @Test
  void nothingIsLeftOfFiveHundredPodsAndMemoryIsFlat() throws Exception {
    upAndDown(FEW);
    host.awaitNoUnusedRules();
    List<String> rules = rules();
    List<String> keys = otherKeys();
    long heap = heap();
    int descriptors = host.agentDescriptors();
    int threads = threads();

    upAndDown(MANY);
    Await.until("the rules are those of before", 10, () -> rules().equals(rules));
    assertThat(otherKeys()).isEqualTo(keys);
    long after = heap();
    System.out.printf(
        "heap %d KB, then %d KB; descriptors %d, then %d; threads %d, then %d%n",
        heap, after, descriptors, host.agentDescriptors(), threads, threads());
    assertThat(after).isLessThan(heap + HEAP_SLACK_KB);
    assertThat(host.agentDescriptors()).isLessThanOrEqualTo(descriptors + 2);
    assertThat(threads()).isLessThanOrEqualTo(threads + CALLERS);
  }
}
