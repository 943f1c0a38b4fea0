package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import io.calico4j.core.ipam.decision.Block;
import io.calico4j.core.net.IpAddress;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Damaged requests and configurations, a fixed number from a fixed seed: every one is answered in
 * the caller's protocol or not at all, and nothing of it stays. {@code CALICO_SEED=N} takes another
 * course.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PluginFuzzIT {
  private static final long SEED =
      Long.parseLong(System.getenv().getOrDefault("CALICO_SEED", "20261124"));
  private static final int CALLERS = 8;
  private static final int REQUESTS = 4000;

  private static final String CONFIGURATION =
      """
      {"cniVersion": "1.1.0", "name": "fuzz", "type": "calico", "mtu": 1400, "log_level": "info",
       "ipam": {"type": "calico-ipam", "assign_ipv4": "true", "assign_ipv6": "false",
                "ipv4_pools": ["10.65.0.0/16"], "routes": [{"dst": "0.0.0.0/0"}]},
       "policy": {"type": "k8s"}, "container_settings": {"allow_ip_forwarding": false},
       "args": {"org.apache.mesos": {"network_info": {"name": "fuzz",
                "labels": {"labels": [{"key": "a", "value": "b"}]}}}},
       "runtimeConfig": {"ips": ["10.65.0.9/32"], "mac": "02:00:00:00:00:09",
                         "portMappings": [{"hostPort": 8080, "containerPort": 80}]},
       "cni.dev/valid-attachments": [{"containerID": "pod-1", "ifname": "eth0"}],
       "prevResult": {"cniVersion": "1.1.0", "interfaces": [{"name": "eth0"}],
                      "ips": [{"address": "10.65.0.9/32", "interface": 0}]}}
      """;
  private static final List<String> COMMANDS =
      List.of("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "", "add");
  private static final List<String> PROGRAMS =
      List.of("calico", "calico", "calico-ipam", "calico-mesos", "nobody");
  private static final List<String> WORDS =
      List.of(
          "null",
          "-1",
          "1e999",
          "9223372036854775808",
          "true",
          "[]",
          "{}",
          "\"\"",
          "\"../../x\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "\"x\": ",
          ",",
          "}",
          "]",
          "[".repeat(5000),
          "\"" + "y".repeat(5000) + "\"",
          "\"::/0\"",
          "\"10.65.0.0/33\"");

  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;
  private EtcdProcess etcd;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    etcd = testbed.startEtcd();
    host = testbed.addHost("fuzz", 11, "64512");
    host.startAgent();
    assertServing();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  private void assertServing() throws IOException {
    Namespace sandbox = Namespace.create("honest");
    String configuration = "{\"cniVersion\":\"1.0.0\",\"name\":\"honest\",\"type\":\"calico\"}";
    for (String command : List.of("ADD", "DEL")) {
      Command.Outcome outcome = host.cni(command, sandbox, Map.of(), configuration);
      assertThat(outcome.exitCode()).as(outcome.output()).isZero();
    }
    sandbox.delete();
    host.mustBeClean();
    Testbed.mustBeClean(etcd);
  }

  /**
   * Releases what an undamaged enough ADD of calico-ipam got and no later DEL or GC gave back: that
   * plugin makes no endpoint, so nobody else will.
   */
  private void releaseWhatIpamGave() throws IOException {
    String blocks = "/calico/ipam/v2/assignment/";
    for (String json : etcd.ctl("get", "--prefix", "--print-value-only", blocks).lines().toList()) {
      if (json.isBlank()) {
        continue;
      }
      Block block = Block.parse(json);
      for (IpAddress address : block.addresses(owner -> true)) {
        Command.Outcome released = host.calicoctl("", "ipam", "release", "--ip=" + address);
        assertThat(released.exitCode()).as(released.output()).isZero();
      }
    }
  }

  private static byte[] damaged(byte[] request, SplittableRandom random) {
    byte[] bytes = request.clone();
    for (int i = random.nextInt(4); i >= 0; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes = Arrays.copyOf(bytes, 1 + at);
        case 3 -> bytes = Arrays.copyOf(bytes, bytes.length + random.nextInt(3000));
        default -> Arrays.fill(bytes, at, Math.min(bytes.length, at + 4), (byte) 0xff);
      }
    }
    return bytes;
  }

  private static String damaged(String text, SplittableRandom random) {
    StringBuilder changed = new StringBuilder(text);
    for (int i = random.nextInt(3); i >= 0 && !changed.isEmpty(); i--) {
      int at = random.nextInt(changed.length());
      int end = Math.min(changed.length(), at + 1 + random.nextInt(20));
      switch (random.nextInt(5)) {
        case 0 -> changed.setCharAt(at, (char) (32 + random.nextInt(95)));
        case 1 -> changed.delete(at, end);
        case 2 -> changed.insert(at, changed.substring(at, end));
        case 3 -> changed.insert(at, WORDS.get(random.nextInt(WORDS.size())));
        default -> {
          int value = changed.indexOf(": ", at);
          int stop = value < 0 ? -1 : changed.indexOf(",", value);
          if (stop > 0) {
            changed.replace(value + 2, stop, WORDS.get(random.nextInt(WORDS.size())));
          }
        }
      }
    }
    return changed.isEmpty() ? " " : changed.toString();
  }

  private static byte[] request(String configuration, SplittableRandom random) {
    String argument = damaged("IgnoreUnknown=1;IP=10.65.0.9;K8S_POD_NAME=a", random);
    return RawCaller.request(
        PROGRAMS.get(random.nextInt(PROGRAMS.size())),
        List.of(
            "CNI_COMMAND=" + COMMANDS.get(random.nextInt(COMMANDS.size())),
            "CNI_CONTAINERID=" + (random.nextInt(10) == 0 ? damaged("pod-1", random) : "pod-1"),
            "CNI_IFNAME=" + (random.nextInt(10) == 0 ? damaged("eth0", random) : "eth0"),
            "CNI_NETNS=/run/netns/nowhere",
            "CNI_PATH=/opt/cni/bin",
            "CNI_ARGS=" + (random.nextInt(3) == 0 ? argument : "")),
        configuration);
  }

  /** Calls from several threads at once, each with random numbers of its own. */
  private static void inParallel(Attack attack) throws Exception {
    System.out.println("CALICO_SEED=" + SEED);
    ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      SplittableRandom random = new SplittableRandom(SEED + i);
      running.add(
          CompletableFuture.runAsync(
              () -> {
                for (int n = 0; n < REQUESTS / CALLERS; n++) {
                  try {
                    attack.once(random);
                  } catch (IOException e) {
                    throw new IllegalStateException(e);
                  }
                }
              },
              callers));
    }
    try {
      CompletableFuture.allOf(running.toArray(CompletableFuture[]::new)).get(90, TimeUnit.SECONDS);
    } finally {
      callers.shutdownNow();
    }
  }

  private interface Attack {
    void once(SplittableRandom random) throws IOException;
  }

  private static void assertProper(Optional<RawCaller.Answer> given, byte[] request) {
    given.ifPresent(
        answer -> {
          String what = answer + " to " + new String(request, StandardCharsets.UTF_8);
          assertThat(answer.exitCode()).as(what).isBetween(0, 1);
          assertThat(answer.standardOutput()).as(what).doesNotContain("calico-node failed");
          if (!answer.standardOutput().isEmpty()) {
            assertThat(JsonParser.parseString(answer.standardOutput()).isJsonObject())
                .as(what)
                .isTrue();
          }
        });
  }

  private void assertUnharmed(int descriptors) throws IOException {
    releaseWhatIpamGave();
    assertServing();
    Await.until(
        "the agent has no more than the " + descriptors + " descriptors it had",
        15,
        () -> host.agentDescriptors() <= descriptors);
  }

  @Test
  void damagedFramesInPiecesFromCallersThatMayNotWait() throws Exception {
    int descriptors = host.agentDescriptors();
    RawCaller caller = RawCaller.of(host);
    inParallel(
        random -> {
          byte[] request = damaged(request(CONFIGURATION, random), random);
          if (random.nextInt(8) == 0) {
            try (SocketChannel gone = caller.connect()) {
              int unused = gone.write(ByteBuffer.wrap(request));
            }
            return;
          }
          int piece = random.nextBoolean() ? request.length : 1 + random.nextInt(300);
          assertProper(caller.exchange(request, piece, random), request);
        });
    assertUnharmed(descriptors);
  }

  @Test
  void damagedConfigurations() throws Exception {
    int descriptors = host.agentDescriptors();
    RawCaller caller = RawCaller.of(host);
    inParallel(
        random -> {
          byte[] request = request(damaged(CONFIGURATION, random), random);
          Optional<RawCaller.Answer> answer = caller.exchange(request);
          assertThat(answer).as(new String(request, StandardCharsets.UTF_8)).isPresent();
          assertProper(answer, request);
        });
    assertUnharmed(descriptors);
  }
}
