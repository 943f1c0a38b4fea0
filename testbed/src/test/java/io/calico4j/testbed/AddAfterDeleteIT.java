package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** An interface that is detached and attached again at once, while the kernel deletes its pair. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AddAfterDeleteIT {
  private static final int ROUNDS = 300;
  private static final String CONFIGURATION =
      "{\"cniVersion\":\"0.4.0\",\"name\":\"net\",\"type\":\"calico\",\"ipam\":{\"type\":\"calico-ipam\"}}";

  private final Path state = Installed.freshState(getClass());
  private Testbed testbed;
  private TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("again", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  @Test
  void noAddFails() throws Exception {
    Namespace sandbox = Namespace.create("again-and-again");
    for (int round = 0; round < ROUNDS; round++) {
      for (String command : new String[] {"ADD", "DEL"}) {
        Command.Outcome outcome = host.cni(command, sandbox, Map.of(), CONFIGURATION);
        assertThat(outcome.exitCode()).as("%s %s: %s", command, round, outcome.output()).isZero();
      }
    }
    sandbox.delete();
    host.mustBeClean();
  }
}
