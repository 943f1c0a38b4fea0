package io.calico4j.testbed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The judge of histories sees each fault it is there for. */
class IpamHistoryTest {
  private static final String BLOCK = "/calico/ipam/v2/assignment/ipv4/block/10.0.0.4-31";
  private static final String HANDLE = "/calico/ipam/v2/handle/w.a";

  private static String block(String allocations, String unallocated) {
    return "{'cidr':'10.0.0.4/31','allocations':%s,'unallocated':%s,'attributes':[{'handle_id':'w.a'}]}"
        .formatted(allocations, unallocated)
        .replace('\'', '"');
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 assigned w.a 10.0.0.5 | [null,0] | [0] | 1 | ''",
        "1 assigned w.a 10.0.0.4 | [null,0] | [0] | 1 | w.a was given 10.0.0.4",
        "1 assigning w.a | [null,0] | [0] | 1 | ''",
        "1 assigned w.a 10.0.0.5; 2 releasing w.a; 3 released w.a | [null,0] | [0] | 1 | was released",
        "1 assigned w.a 10.0.0.5; 2 releasing w.a | [null,0] | [0] | 1 | ''",
        "1 assigned w.a 10.0.0.5; 2 assigned w.b 10.0.0.5; 3 releasing w.b | [null,0] | [0] | 1 | while w.a held it",
        "1 assigned w.b 10.0.0.5; 2 releasing w.b; 3 assigned w.a 10.0.0.5 | [null,0] | [0] | 1 | ''",
        "1 refused w.b | [null,0] | [0] | 1 | nobody asked for",
        "1 assigned w.a 10.0.0.5 | [null,0] | [0] | 2 | its handle says 2",
        "1 assigned w.a 10.0.0.5 | [null,0] | [0,1] | 1 | neither or both",
        "1 assigned w.a 10.0.0.5 | [null,0] | [] | 1 | neither or both",
        "1 assigned w.a 10.0.0.5 | [null,0] | [0,0] | 1 | free twice"
      })
  void aFaultIsSeenAndNothingElse(
      String lines, String allocations, String unallocated, int count, String problem) {
    IpamHistory history = new IpamHistory();
    for (String line : lines.replace(';', '\n').lines().toList()) {
      history.add(line.strip());
    }
    List<String> problems =
        history.problems(
            Map.of(
                BLOCK,
                block(allocations, unallocated),
                HANDLE,
                "{\"block\":{\"10.0.0.4/31\":" + count + "}}"));
    if (problem.isEmpty()) {
      assertThat(problems).isEmpty();
    } else {
      assertThat(problems).anyMatch(p -> p.contains(problem));
    }
  }
}
