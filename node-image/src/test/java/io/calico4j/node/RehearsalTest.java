package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.memory.MemoryDatastore;
import io.calico4j.core.kernel.Netlink;
import org.junit.jupiter.api.Test;

class RehearsalTest {
  @Test
  void takesTheWholeWayAndWritesNothing() throws Exception {
    RehearsalKernel kernel = new RehearsalKernel();
    try (MemoryDatastore real = new MemoryDatastore();
        Netlink host = kernel.netlink();
        Rehearsal rehearsal = new Rehearsal(real, kernel, 3)) {
      assertThat(rehearsal.rehearse()).isEqualTo(3);
      assertThat(real.list("/").entries()).isEmpty();
      assertThat(host.links()).isEmpty();
    }
  }
}
