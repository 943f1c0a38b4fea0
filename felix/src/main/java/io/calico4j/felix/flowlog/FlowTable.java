package io.calico4j.felix.flowlog;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Denied flows, and when a line about each is due: at once, then once in an interval while more is
 * denied. A line too many for its second is left out, and its packets are counted. Memory is
 * bounded. Not safe for use by many threads.
 */
final class FlowTable {
  /** Lines in a second. */
  static final int MAX_LINES = 10;

  /** Flows that are known at a time. */
  static final int MAX_FLOWS = 4096;

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final Map<Key, Flow> flows = new HashMap<>();
  private long intervalNanos = SECOND;
  private long second;
  private int lines;
  private long leftOutLines;
  private long leftOutPackets;

  /**
   * A denied packet.
   *
   * @param prefix where it was dropped, as the rule says
   * @param in the interface that it came by; may be empty
   * @param out the interface that it would leave by, so
   */
  record Denied(String prefix, PacketHeader header, String in, String out) {}

  /**
   * A line to write.
   *
   * @param last the flow's last packet
   * @param packets how many since the last line
   */
  record Line(Denied last, long packets) {}

  /**
   * What was left out.
   *
   * @param lines how many lines
   * @param packets how many packets these would have told of
   */
  record LeftOut(long lines, long packets) {}

  private record Key(String prefix, PacketHeader flow) {}

  private static final class Flow {
    Denied last;
    long packets;
    long lineAt;

    Flow(Denied last) {
      this.last = last;
    }
  }

  /**
   * Makes an empty table.
   *
   * @param now the time in nanoseconds, on any clock that only goes forward; so everywhere
   */
  FlowTable(long now) {
    second = now;
  }

  /** Sets the time between lines of a flow, in nanoseconds; less than a second counts as one. */
  void setInterval(long nanos) {
    intervalNanos = Math.max(SECOND, nanos);
  }

  /** Takes a packet; returns the line that it is told by at once, if it is. */
  Optional<Line> add(Denied packet, long now) {
    Key key = new Key(packet.prefix(), packet.header().flow());
    Flow known = flows.get(key);
    if (known != null) {
      known.last = packet;
      known.packets++;
      return Optional.empty();
    }
    if (flows.size() >= MAX_FLOWS || !takeLine(now)) {
      leaveOut(1);
      return Optional.empty();
    }
    Flow flow = new Flow(packet);
    flow.lineAt = now;
    flows.put(key, flow);
    return Optional.of(new Line(packet, 1));
  }

  /** Returns the lines that are due, and forgets flows of which nothing is denied any more. */
  List<Line> due(long now) {
    List<Line> due = new ArrayList<>();
    Iterator<Flow> each = flows.values().iterator();
    while (each.hasNext()) {
      Flow flow = each.next();
      if (now - flow.lineAt < intervalNanos) {
        continue;
      }
      if (flow.packets > 0 && takeLine(now)) {
        due.add(new Line(flow.last, flow.packets));
        flow.packets = 0;
        flow.lineAt = now;
        continue;
      }
      if (flow.packets > 0) {
        leaveOut(flow.packets);
      }
      each.remove();
    }
    return due;
  }

  /** Returns what was left out since the last call; empty when nothing was. */
  Optional<LeftOut> takeLeftOut() {
    if (leftOutLines == 0) {
      return Optional.empty();
    }
    LeftOut leftOut = new LeftOut(leftOutLines, leftOutPackets);
    leftOutLines = 0;
    leftOutPackets = 0;
    return Optional.of(leftOut);
  }

  private boolean takeLine(long now) {
    if (now - second >= SECOND) {
      second = now;
      lines = 0;
    }
    return lines++ < MAX_LINES;
  }

  private void leaveOut(long packets) {
    leftOutLines++;
    leftOutPackets += packets;
  }
}
