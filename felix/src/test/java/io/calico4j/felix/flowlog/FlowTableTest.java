package io.calico4j.felix.flowlog;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.flowlog.FlowTable.Denied;
import io.calico4j.felix.flowlog.FlowTable.LeftOut;
import io.calico4j.felix.flowlog.FlowTable.Line;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a denied flow is told of, on a clock of the test's own. */
class FlowTableTest {
  /** Not zero, and near the end of what a clock can show. */
  private long now = Long.MAX_VALUE - TimeUnit.SECONDS.toNanos(5);

  private final FlowTable table = new FlowTable(now);

  @BeforeEach
  void everyTenSeconds() {
    table.setInterval(TimeUnit.SECONDS.toNanos(10));
  }

  private static Denied packet(String prefix, int sport, int dport) {
    return new Denied(
        prefix,
        new PacketHeader(
            IpAddress.parse("10.0.0.1"),
            IpAddress.parse("10.0.0.2"),
            PacketHeader.TCP,
            sport,
            dport),
        "cali1",
        "cali2");
  }

  private void pass(long millis) {
    now += TimeUnit.MILLISECONDS.toNanos(millis);
  }

  private List<Long> due() {
    return table.due(now).stream().map(Line::packets).toList();
  }

  @Test
  void theFirstPacketAtOnceThenOnceInAnInterval() {
    assertThat(table.add(packet("r", 1, 80), now)).contains(new Line(packet("r", 1, 80), 1));
    assertThat(table.add(packet("r", 1, 80), now)).isEmpty();
    pass(5_000);
    assertThat(table.add(packet("r", 2, 80), now)).as("from another source port").isEmpty();
    pass(4_999);
    assertThat(due()).isEmpty();
    pass(1);
    assertThat(table.due(now)).containsExactly(new Line(packet("r", 2, 80), 2));
    assertThat(table.add(packet("r", 3, 80), now)).isEmpty();
    pass(10_000);
    assertThat(due()).containsExactly(1L);
    pass(10_000);
    assertThat(due()).isEmpty();
    assertThat(table.add(packet("r", 3, 80), now)).as("it was forgotten").isPresent();
    assertThat(table.takeLeftOut()).isEmpty();
  }

  @Test
  void portsRulesAndTypesOfIcmpAreFlowsOfTheirOwn() {
    assertThat(table.add(packet("r", 1, 80), now)).isPresent();
    assertThat(table.add(packet("r", 1, 81), now)).isPresent();
    assertThat(table.add(packet("s", 1, 80), now)).isPresent();
    IpAddress address = IpAddress.parse("fd00::1");
    for (int type = 128; type < 130; type++) {
      PacketHeader ping = new PacketHeader(address, address, PacketHeader.ICMPV6, type, 0);
      assertThat(table.add(new Denied("r", ping, "", ""), now)).isPresent();
      assertThat(table.add(new Denied("r", ping, "", ""), now)).isEmpty();
    }
  }

  @Test
  void aFloodIsCountedAndNotTold() {
    long told = 0;
    for (int port = 0; port < 1000; port++) {
      told += table.add(packet("r", 1, port), now).isPresent() ? 1 : 0;
      pass(1);
    }
    assertThat(told).isEqualTo(FlowTable.MAX_LINES);
    assertThat(table.takeLeftOut()).contains(new LeftOut(990, 990));
    assertThat(table.takeLeftOut()).isEmpty();
    assertThat(table.add(packet("r", 1, 2000), now)).as("the next second").isPresent();
  }

  @Test
  void linesThatAreDueAtOnceAreLimitedToo() {
    for (int port = 0; port < 3 * FlowTable.MAX_LINES; port++) {
      pass(100);
      assertThat(table.add(packet("r", 1, port), now)).isPresent();
      assertThat(table.add(packet("r", 1, port), now)).isEmpty();
      assertThat(table.add(packet("r", 1, port), now)).isEmpty();
    }
    pass(20_000);
    assertThat(due()).hasSize(FlowTable.MAX_LINES).containsOnly(2L);
    assertThat(table.takeLeftOut())
        .contains(new LeftOut(2L * FlowTable.MAX_LINES, 4L * FlowTable.MAX_LINES));
    pass(10_000);
    assertThat(due()).isEmpty();
  }

  @Test
  void memoryIsBounded() {
    table.setInterval(TimeUnit.HOURS.toNanos(10));
    for (int flow = 0; flow < FlowTable.MAX_FLOWS; flow++) {
      pass(100);
      assertThat(table.add(packet("r", 1, flow), now)).isPresent();
    }
    pass(1_000);
    assertThat(table.add(packet("s", 1, 1), now)).isEmpty();
    assertThat(table.takeLeftOut()).contains(new LeftOut(1, 1));
  }

  @Test
  void anIntervalOfZeroIsASecond() {
    table.setInterval(0);
    assertThat(table.add(packet("r", 1, 80), now)).isPresent();
    assertThat(table.add(packet("r", 1, 80), now)).isEmpty();
    pass(999);
    assertThat(due()).isEmpty();
    pass(1);
    assertThat(due()).containsExactly(1L);
  }
}
