package io.calico4j.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.memory.MemoryDatastore;
import io.calico4j.core.kernel.Netlink;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RehearsalTest {
  @TempDir private Path directory;

  @Test
  void takesTheWholeWayAndWritesNothing() throws Exception {
    RehearsalKernel kernel = new RehearsalKernel();
    try (MemoryDatastore real = new MemoryDatastore();
        Netlink host = kernel.netlink();
        Rehearsal rehearsal =
            new Rehearsal(real, kernel, directory.resolve("run/rehearsal.sock"), 3)) {
      assertThat(rehearsal.rehearse()).isEqualTo(3);
      assertThat(real.list("/").entries()).isEmpty();
      assertThat(host.links()).isEmpty();
      assertThat(directory.resolve("run")).isEmptyDirectory();
    }
  }
}
