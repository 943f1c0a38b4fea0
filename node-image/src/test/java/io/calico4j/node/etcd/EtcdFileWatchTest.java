package io.calico4j.node.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.datastore.etcd.EtcdMaintenance.Size;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When etcd's file is written anew. */
class EtcdFileWatchTest {
  private static final long MEGABYTE = 1 << 20;

  @ParameterizedTest
  @CsvSource({
    "10, 1, false",
    "63, 1, false",
    "64, 32, true",
    "64, 33, false",
    "1000, 400, true",
    "1000, 600, false",
    "1700, 1500, true",
    "1700, 1600, false",
    "2000, 1900, false",
  })
  void whenHolesAreWorthIt(long megabytes, long used, boolean expected) {
    assertThat(
            EtcdFileWatch.isWorthIt(
                new Size(megabytes * MEGABYTE, used * MEGABYTE), 2048 * MEGABYTE))
        .isEqualTo(expected);
  }
}
