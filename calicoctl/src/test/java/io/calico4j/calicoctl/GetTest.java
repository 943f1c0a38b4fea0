package io.calico4j.calicoctl;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The forms in which {@code get} shows resources. */
class GetTest extends CommandFixture {
  @BeforeEach
  void createPool() throws Exception {
    assertThat(run("create", "-f", file(POOL.formatted("one", "10.65.0.0/16")))).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ps | NAME   CIDR           NODESELECTOR | one    10.65.0.0/16   all()",
        "custom-columns=CIDR,name | CIDR           NAME | 10.65.0.0/16   one",
        "custom-columns=IPIPMODE | IPIPMODE | Never",
        "custom-columns=NAME,spec.blockSize | NAME   spec.blockSize | one    26",
      })
  void columnsAreChosen(String output, String header, String row) {
    assertThat(run("get", "ippool", "-o", output)).as(err.toString()).isZero();
    assertThat(out.toString().lines()).containsExactly(header, row);
  }

  @Test
  void unknownColumnsAndFormsAreNamed() {
    assertThat(run("get", "ippool", "-o", "custom-columns=COLOUR")).isEqualTo(2);
    assertThat(err.toString()).contains("column \"COLOUR\" is none of [NAME, CIDR");
    assertThat(run("get", "ippool", "-o", "colour")).isEqualTo(2);
    assertThat(err.toString()).contains("is none of table, ps, wide, yaml, json, custom-columns");
  }

  @Test
  void anExportedResourceCanBeCreatedElsewhere() throws Exception {
    assertThat(run("get", "ippool", "one", "-o", "yaml", "--export")).isZero();
    String exported = out.toString();
    assertThat(exported).doesNotContain("uid", "resourceVersion", "creationTimestamp");
    assertThat(run("delete", "ippool", "one")).isZero();
    assertThat(run("create", "-f", file(exported))).as(err.toString()).isZero();
    assertThat(run("get", "ippool", "-o", "yaml", "--export")).isZero();
    assertThat(out.toString()).as("all are shown as they are").contains("resourceVersion");
  }
}
