package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The script of the demo machines starts, uses and stops workloads. */
class DemoScriptIT extends OneHost {
  @Test
  void theDemoMachinesScriptStartsAndStopsWorkloads() throws Exception {
    Path script = Path.of("../vagrant/provision/workload.sh").toAbsolutePath().normalize();
    String story =
        """
        set -e
        export CALICO_HOME="$1"
        "$0" start web
        address=$("$0" start client | sed -n 's,.*"address":"\\([0-9.]*\\)/32".*,\\1,p')
        "$0" exec web busybox ping -c 1 -W 2 "$address"
        ! "$0" start client
        "$0" stop web
        "$0" stop client
        """;
    String output =
        host.command("sh", "-c", story, script.toString(), Installed.distribution().toString())
            .mustRun();
    assertThat(output).contains("1 packets received");
    assertNothingLeft();
  }
}
