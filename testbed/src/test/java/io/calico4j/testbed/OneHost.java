package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * A test of one host with an etcd of its own, the installed programs, packets that flow or do not.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class OneHost {
  private final Path state = Installed.freshState(getClass());

  private Testbed testbed;

  /** The host, whose agent runs. */
  TestHost host;

  @BeforeAll
  void start() throws Exception {
    testbed = new Testbed(Installed.distribution(), state);
    host = testbed.addHost("host-a", 11, "64512");
    host.startAgent();
  }

  @AfterAll
  void stop() throws Exception {
    testbed.close();
  }

  String etcdctl(String... arguments) throws IOException {
    return host.etcdctl(arguments);
  }

  /** Asserts that neither the host nor the datastore keeps anything of a workload. */
  void assertNothingLeft() throws Exception {
    host.mustBeClean();
    for (String prefix :
        new String[] {
          "/calico/ipam/v2/handle/", "/calico/resources/v3/projectcalico.org/workloadendpoints/"
        }) {
      assertThat(etcdctl("get", "--prefix", "--keys-only", prefix).strip()).isEmpty();
    }
    assertThat(etcdctl("get", "--prefix", "--print-value-only", "/calico/ipam/v2/assignment/"))
        .doesNotContain("handle_id");
  }

  static boolean pings(Workload from, Workload to) throws IOException {
    return PacketProbe.ping(from.sandbox(), to.address());
  }

  void apply(String yaml) throws IOException {
    Command.Outcome applied = host.calicoctl(yaml, "apply", "-f", "-");
    assertThat(applied.exitCode()).as(applied.output()).isZero();
  }

  void configureFelix(String spec) throws IOException {
    apply(
        """
        apiVersion: projectcalico.org/v3
        kind: FelixConfiguration
        metadata: {name: default}
        spec: %s
        """
            .formatted(spec));
  }
}
