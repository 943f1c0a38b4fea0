package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An agent ends and starts again while thirty containers are attached and detached at once: every
 * request is answered with success, whether it met the old agent, none, or the new one.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RestartUnderLoadIT {
  private static final int CONTAINERS = 30;
  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"burst\",\"type\":\"calico\","
          + "\"ipam\":{\"type\":\"calico-ipam\"}}";

  private final CniHost host = new CniHost(getClass());

  @BeforeAll
  void start() throws Exception {
    host.start();
  }

  @AfterAll
  void stop() throws Exception {
    host.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"TERM", "KILL"})
  void noRequestOfABurstFailsWhileTheAgentIsRestarted(String signal) throws Exception {
    List<Namespace> sandboxes = new ArrayList<>();
    for (int i = 0; i < CONTAINERS; i++) {
      sandboxes.add(host.sandbox("burst-" + signal.toLowerCase(Locale.ROOT) + "-" + i));
    }
    for (String command : List.of("ADD", "DEL")) {
      List<Process> calls = new ArrayList<>();
      for (int i = 0; i < CONTAINERS; i++) {
        if (i == CONTAINERS / 3) {
          restart(signal, calls);
        }
        calls.add(host.test().startCni(command, sandboxes.get(i), CONFIGURATION));
      }
      host.test().awaitReady();
      for (Process call : calls) {
        assertSucceeds(command, call);
      }
    }
    for (Namespace sandbox : sandboxes) {
      sandbox.delete();
    }
    host.mustBeEmpty();
  }

  /** Ends the agent while some of the calls are with it, and starts another as supervisors do. */
  private void restart(String signal, List<Process> calls) throws Exception {
    if (signal.equals("TERM")) {
      assertThat(
              Command.of("kill", "-TERM", Long.toString(host.test().agentPid())).run().exitCode())
          .isZero();
      host.test().awaitAgentEnd(60);
    } else {
      host.test().killAgent();
    }
    assertThat(calls).isNotEmpty();
    host.test().beginAgent();
  }

  private static void assertSucceeds(String command, Process call)
      throws IOException, InterruptedException {
    String output = new String(call.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = call.waitFor();
    assertThat(status).as("%s: %s", command, output).isZero();
    if (command.equals("ADD")) {
      assertThat(TestHost.address(output)).isNotEmpty();
    }
  }

  @Test
  void whereNoAgentComesBackAPluginWorksAlone() throws Exception {
    host.test().killAgent();
    Map<String, String> own =
        Map.of(
            "CALICO_LIB_DIR", host.test().state().resolve("lib").toString(),
            "CALICO_RUN_DIR", host.test().state().resolve("run").toString());
    Namespace sandbox = host.sandbox("alone");
    assertThat(host.add(sandbox, own, CONFIGURATION).address(0)).isNotEmpty();
    host.delete(sandbox, own, CONFIGURATION);
    host.test().startAgent();
    host.mustBeEmpty();
  }
}
