package io.calico4j.felix.explain;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.felix.calculation.Calculation;
import io.calico4j.felix.calculation.DataplaneUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.HostEndpointUpdate;
import io.calico4j.felix.config.FelixConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Follows the first packet of a connection through a node: host endpoints and workloads, in the
 * order in which the table asks them. Parameters are those of FelixConfiguration; what a node's
 * environment or felix.cfg says is not known here.
 */
public final class NodeTrace {
  private static final String ANY = "*";

  private final PolicyTrace policies;
  private final FelixConfig config;

  /** The host endpoints that are in force, by key. */
  private final TreeMap<String, HostEndpointUpdate> hosts = new TreeMap<>();

  /** That of all interfaces without one of their own. */
  private @Nullable HostEndpointUpdate any;

  /**
   * What happens to a packet.
   *
   * @param arrives whether it passes
   * @param answered whether its answer passes too
   * @param steps what was asked, in order; the last one is the one that denied it, if any did
   */
  public record Trace(boolean arrives, boolean answered, List<Step> steps) {
    /** Tells whether both pass. */
    public boolean allowed() {
      return arrives && answered;
    }
  }

  /** Makes one of a calculation that has not been flushed yet, and flushes it. */
  public NodeTrace(Calculation calculation) {
    this(
        calculation.flush(),
        FelixConfig.resolve(
            calculation.configurations().stream().map(FelixSource::resource).toList()));
  }

  /** Takes what a calculation says in its first flush, and the parameters. */
  public NodeTrace(List<DataplaneUpdate> updates, FelixConfig config) {
    policies = new PolicyTrace(updates);
    this.config = config;
    for (DataplaneUpdate update : updates) {
      if (update instanceof HostEndpointUpdate host) {
        hosts.put(host.key(), host);
        if (host.interfaces().contains(ANY)) {
          any = host;
        }
      }
    }
  }

  /** Returns the keys of host endpoints in force that have interfaces of their own. */
  public SortedSet<String> hostEndpoints() {
    SortedSet<String> named = new TreeSet<>(hosts.keySet());
    if (any != null) {
      named.remove(any.key());
    }
    return named;
  }

  /** Tells whether a host endpoint is in force. */
  public boolean isInForce(String key) {
    return hosts.containsKey(key);
  }

  /** Follows a packet; empty when the node has no such workload. */
  public Optional<Trace> follow(PacketEnd from, PacketEnd to, Packet packet) {
    List<Step> steps = new ArrayList<>();
    Walk walk =
        new Walk(
            policies,
            config,
            new Walk.End(from, hostOf(from)),
            new Walk.End(to, hostOf(to)),
            packet,
            steps);
    if (!walk.isKnown()) {
      return Optional.empty();
    }
    boolean arrives = walk.passes();
    boolean answered = arrives && walk.answerPasses();
    return Optional.of(new Trace(arrives, answered, List.copyOf(steps)));
  }

  /** Returns the host endpoint that the interface of an end has; null for none. */
  private @Nullable HostEndpointUpdate hostOf(PacketEnd end) {
    if (end instanceof PacketEnd.Node) {
      return null;
    }
    String key = end instanceof PacketEnd.Outside outside ? outside.hostEndpoint() : null;
    HostEndpointUpdate own = key == null ? null : hosts.get(key);
    return own == null ? any : own;
  }
}
