package io.calico4j.felix.flowlog;

import io.calico4j.core.concurrent.Daemons;
import io.calico4j.core.kernel.Kernel;
import io.calico4j.core.kernel.KernelException;
import io.calico4j.core.kernel.PacketLog;
import io.calico4j.felix.config.FelixConfig;
import io.calico4j.felix.rules.DenialNames;
import io.calico4j.felix.rules.DropRenderer;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a line to the log for each flow that policy denies, while FelixConfiguration asks for it.
 * Packets come on the thread of the packet log, lines that wait on a timer's. Safe for use by many
 * threads.
 */
public final class FlowLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FlowLog.class);

  private final Kernel kernel;
  private final DenialNames names;
  private FlowTable table = new FlowTable(System.nanoTime());
  private @Nullable PacketLog packets;
  private @Nullable ScheduledExecutorService timer;
  private boolean lost;
  private String failure = "";

  /** Makes one that listens to nothing yet. */
  public FlowLog(Kernel kernel, DenialNames names) {
    this.kernel = kernel;
    this.names = names;
  }

  /**
   * Begins or ends to listen, as the parameters say. Where the kernel has no packet log, or another
   * program listens, the log says so once.
   *
   * @return the parameters for the rules: these log only while the agent is bound to the group
   */
  public synchronized FelixConfig configure(FelixConfig config) {
    if (!config.flowLogs().enabled()) {
      close();
      failure = "";
      return config;
    }
    if (packets == null && !open()) {
      return config.withoutFlowLogs();
    }
    table.setInterval(config.flowLogs().interval().toNanos());
    return config;
  }

  private boolean open() {
    try {
      packets = kernel.packetLog(DropRenderer.GROUP, DropRenderer.BYTES, new Packets());
    } catch (KernelException e) {
      String text = String.valueOf(e.getMessage());
      if (!text.equals(failure)) {
        failure = text;
        log.warn(
            "denied flows are not named: this kernel has no nfnetlink_log, or another program"
                + " listens to group {}: {}",
            DropRenderer.GROUP,
            text);
      }
      return false;
    }
    failure = "";
    lost = false;
    table = new FlowTable(System.nanoTime());
    ScheduledExecutorService ticking = Daemons.timer("felix-flow-log");
    var unused = ticking.scheduleWithFixedDelay(this::tick, 1, 1, TimeUnit.SECONDS);
    timer = ticking;
    log.info("denied flows are named in this log");
    return true;
  }

  private final class Packets implements PacketLog.Listener {
    @Override
    public void packet(PacketLog.Logged packet) {
      if (names.find(packet.prefix()).isEmpty()) {
        return;
      }
      PacketHeader.parse(packet.start())
          .ifPresent(
              header ->
                  add(new FlowTable.Denied(packet.prefix(), header, packet.in(), packet.out())));
    }

    @Override
    public void lost() {
      synchronized (FlowLog.this) {
        lost = true;
      }
    }
  }

  private synchronized void add(FlowTable.Denied packet) {
    table.add(packet, System.nanoTime()).ifPresent(this::write);
  }

  private synchronized void tick() {
    if (packets == null) {
      return;
    }
    table.due(System.nanoTime()).forEach(this::write);
    table
        .takeLeftOut()
        .ifPresent(
            leftOut ->
                log.warn(
                    "denied: {} lines are left out, more than {} in a second, packets={}",
                    leftOut.lines(),
                    FlowTable.MAX_LINES,
                    leftOut.packets()));
    if (lost) {
      lost = false;
      log.warn("denied: packets came faster than they were read, some are not counted");
    }
  }

  private void write(FlowTable.Line line) {
    text(names, line).ifPresent(text -> log.info("{}", text));
  }

  /** Returns a line's text; empty when the packet was logged by no rule of this agent. */
  static Optional<String> text(DenialNames names, FlowTable.Line line) {
    FlowTable.Denied packet = line.last();
    return names
        .find(packet.prefix())
        .map(
            place ->
                "denied "
                    + packet.header()
                    + " direction="
                    + (place.ingress() ? "ingress" : "egress")
                    + " policy="
                    + place.policy()
                    + " rule="
                    + place.rule()
                    + " endpoint="
                    + names.endpoint(place.ingress(), packet.in(), packet.out())
                    + " in="
                    + known(packet.in())
                    + " out="
                    + known(packet.out())
                    + " packets="
                    + line.packets());
  }

  private static String known(String interfaceName) {
    return interfaceName.isEmpty() ? "-" : interfaceName;
  }

  /** Ends to listen; what waits to be told is not told any more. */
  @Override
  public synchronized void close() {
    if (packets != null) {
      packets.close();
      packets = null;
      log.info("denied flows are not named any more");
    }
    if (timer != null) {
      timer.shutdownNow();
      timer = null;
    }
  }
}
