package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What rkt sends, replayed with its environment, working directory, program name and input: {@code
 * rkt-run-and-gc.json} is a recording, the others are written after rkt's sources. Network
 * namespaces are where rkt mounts them.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RktTranscriptIT {
  private static final String REPLAY =
      "mount -t tmpfs tmpfs /var/lib && mkdir -p \"$1/stage1/rootfs/usr/lib/rkt/plugins\""
          + " && cd \"$1\" && ln -s /usr/lib/cni stage1/rootfs/usr/lib/rkt/plugins/net"
          + " && exec -a \"$2\" \"$3\"";

  private final CniHost host = new CniHost(getClass());

  @BeforeAll
  void start() throws Exception {
    host.start();
  }

  @AfterAll
  void stop() throws Exception {
    host.close();
  }

  /** The calls of a transcript, done one after the other. */
  private final class Replay {
    private final List<JsonObject> calls = new ArrayList<>();
    private int next;

    Replay(String name) throws IOException {
      try (InputStream file = RktTranscriptIT.class.getResourceAsStream("/" + name)) {
        String text = new String(file.readAllBytes(), StandardCharsets.UTF_8);
        JsonParser.parseString(text)
            .getAsJsonObject()
            .getAsJsonArray("calls")
            .forEach(call -> calls.add(call.getAsJsonObject()));
      }
    }

    Namespace namespace(int call) throws IOException {
      String path = environment(calls.get(call)).get("CNI_NETNS");
      return host.sandbox(path.substring(path.lastIndexOf('/') + 1));
    }

    private Map<String, String> environment(JsonObject call) {
      Map<String, String> environment = new TreeMap<>();
      for (Map.Entry<String, JsonElement> variable :
          call.getAsJsonObject("environment").entrySet()) {
        environment.put(variable.getKey(), variable.getValue().getAsString());
      }
      return environment;
    }

    /** Does the next call, checks what it must answer, and returns its IPv4 address if any. */
    String step() throws IOException {
      JsonObject call = calls.get(next++);
      String argv0 = call.get("argv0").getAsString();
      String type = argv0.substring(argv0.lastIndexOf('/') + 1);
      Path own = Installed.distribution().resolve("bin").resolve(type);
      String program = Files.exists(own) ? own.toString() : "/usr/lib/cni/" + type;
      Map<String, String> environment = environment(call);
      environment.put("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
      Command.Outcome outcome =
          new Command(
                  host.test()
                      .enter(
                          List.of(
                              "bash",
                              "-c",
                              REPLAY,
                              "replay",
                              call.get("workingDirectory").getAsString(),
                              argv0,
                              program)),
                  environment,
                  call.get("stdin").getAsString())
              .run();
      JsonObject expect = call.getAsJsonObject("expect");
      assertThat(outcome.exitCode())
          .as("call %s: %s", next, outcome.output())
          .isEqualTo(expect.get("exit").getAsInt());
      if (expect.get("stdout").getAsString().equals("empty")) {
        assertThat(outcome.standardOutput()).isEmpty();
        return "";
      }
      JsonObject answer = JsonParser.parseString(outcome.standardOutput()).getAsJsonObject();
      if (outcome.exitCode() != 0) {
        assertThat(answer.keySet()).contains("msg", "code");
        return "";
      }
      String cidr = answer.getAsJsonObject("ip4").get("ip").getAsString();
      assertThat(cidr).matches("[0-9.]+/[0-9]+");
      assertThat(answer.has("ips")).isFalse();
      return cidr.substring(0, cidr.indexOf('/'));
    }

    void mustBeDone() {
      assertThat(next).isEqualTo(calls.size());
    }
  }

  @Test
  void runAndGarbageCollection() throws Exception {
    Replay replay = new Replay("rkt-run-and-gc.json");
    Namespace pod = replay.namespace(0);
    String address = replay.step();
    assertThat(PacketProbe.ping(host.test().namespace(), address)).isTrue();
    assertThat(endpoint()).contains("\"io.calico4j/runtime\":\"rkt\"");
    pod.delete();
    assertThat(replay.step()).isEmpty();
    replay.mustBeDone();
    host.mustBeEmpty();
  }

  @Test
  void severalNetworksOneOfThemRestricted() throws Exception {
    Replay replay = new Replay("rkt-several-networks.json");
    Namespace pod = replay.namespace(0);
    Workload front = host.test().start("front", Orchestrator.RKT, "frontend", Map.of());
    Workload back = host.test().start("back", Orchestrator.RKT, "backend", Map.of());
    String inBackend = replay.step();
    String inFrontend = replay.step();
    String restricted = replay.step();
    assertThat(inFrontend).isEqualTo("10.65.77.7");
    assertThat(restricted).startsWith("172.31.");

    assertThat(PacketProbe.ping(front.sandbox(), inFrontend)).isTrue();
    assertThat(PacketProbe.ping(back.sandbox(), inBackend)).isTrue();
    assertThat(PacketProbe.ping(back.sandbox(), inFrontend)).isFalse();
    assertThat(PacketProbe.ping(front.sandbox(), inBackend)).isFalse();
    assertThat(PacketProbe.pingFrom(pod, inFrontend, front.address())).isTrue();
    assertThat(PacketProbe.pingFrom(pod, inBackend, back.address())).isTrue();
    assertThat(PacketProbe.ping(host.test().namespace(), restricted)).isTrue();

    assertThat(replay.step() + replay.step() + replay.step()).isEmpty();
    replay.mustBeDone();
    pod.delete();
    host.test().delete(front);
    host.test().delete(back);
    host.mustBeEmpty();
  }

  @Test
  void aNetworkThatFailsHasLeftNothing() throws Exception {
    Replay replay = new Replay("rkt-failing-network.json");
    Namespace pod = replay.namespace(0);
    assertThat(replay.step()).isNotEmpty();
    assertThat(replay.step()).isEmpty();
    assertThat(pod.ip("-o", "link")).contains("eth0").doesNotContain("eth1");
    assertThat(replay.step()).isEmpty();
    replay.mustBeDone();
    pod.delete();
    host.mustBeEmpty();
  }

  @Test
  void garbageCollectionAfterTheMachineStartedAgain() throws Exception {
    Replay replay = new Replay("rkt-gc-after-reboot.json");
    Namespace pod = replay.namespace(0);
    assertThat(replay.step()).isNotEmpty();
    assertThat(replay.step()).isNotEmpty();
    host.test().killAgent();
    pod.delete();
    host.test().startAgent();
    assertThat(replay.step() + replay.step()).isEmpty();
    replay.mustBeDone();
    host.mustBeEmpty();
  }

  private String endpoint() throws IOException {
    return host.etcd("/calico/resources/v3/projectcalico.org/workloadendpoints/");
  }
}
