package io.calico4j.felix.rules;

import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.felix.calculation.AddressSetId;
import io.calico4j.felix.calculation.DataplaneUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.AddressSetRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.AddressSetUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.EndpointRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.EndpointUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.HostAddressesUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.HostEndpointRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.HostEndpointUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.LocalTunnelUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.PoolsUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.RulesRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.RulesUpdate;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepRemoved;
import io.calico4j.felix.calculation.DataplaneUpdate.VtepUpdate;
import io.calico4j.felix.config.FelixConfig;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** From what a node must enforce to the sets, chains and verdicts of its table. No I/O. */
public final class RulesetManager {
  private final DenialNames denials = new DenialNames();
  private final RuleCounters counters = new RuleCounters();
  private final AddressSetManager addressSets;
  private final PolicyManager policies;
  private final EndpointManager endpoints;
  private final HostManager host;
  private final HostEndpointManager hostEndpoints;
  private final MasqueradeManager masquerade;
  private final TunnelManager tunnels;
  private RuleRenderer renderer;
  private FelixConfig config = FelixConfig.DEFAULTS;

  /** Makes one that writes what is always there. */
  public RulesetManager(TableWriter table) {
    addressSets = new AddressSetManager(table);
    policies = new PolicyManager(table, denials, counters);
    DropRenderer drops = new DropRenderer(config.flowLogs().enabled(), denials);
    endpoints = new EndpointManager(table, denials, drops);
    host = new HostManager(table);
    hostEndpoints = new HostEndpointManager(table, denials, drops);
    hostEndpoints.putFailsafePorts(config.failsafeInbound(), config.failsafeOutbound());
    hostEndpoints.putInvalidCheck(config.checks().dropInvalid());
    masquerade = new MasqueradeManager(table);
    tunnels = new TunnelManager(table);
    renderer = new RuleRenderer(addressSets, config.logs(), drops, config.ruleCounters());
    host.putEndpointToHostAction(config.endpointToHostAction());
    host.putChecks(config.checks());
  }

  /** Takes over the parameters. */
  public void configure(FelixConfig changed) {
    if (!changed.endpointToHostAction().equals(config.endpointToHostAction())) {
      host.putEndpointToHostAction(changed.endpointToHostAction());
    }
    if (!changed.checks().equals(config.checks())) {
      host.putChecks(changed.checks());
      hostEndpoints.putInvalidCheck(changed.checks().dropInvalid());
    }
    if (!changed.natOutgoing().equals(config.natOutgoing())) {
      masquerade.configure(changed.natOutgoing());
    }
    if (!changed.tunnels().equals(config.tunnels())) {
      tunnels.configure(changed.tunnels());
    }
    if (!changed.failsafeInbound().equals(config.failsafeInbound())
        || !changed.failsafeOutbound().equals(config.failsafeOutbound())) {
      hostEndpoints.putFailsafePorts(changed.failsafeInbound(), changed.failsafeOutbound());
    }
    boolean isLogActionNew = !changed.logs().equals(config.logs());
    boolean isLoggingNew = changed.flowLogs().enabled() != config.flowLogs().enabled();
    boolean isCountingNew = changed.ruleCounters() != config.ruleCounters();
    config = changed;
    DropRenderer drops = new DropRenderer(config.flowLogs().enabled(), denials);
    if (isCountingNew) {
      counters.clear();
    }
    if (isLogActionNew || isLoggingNew || isCountingNew) {
      renderer = new RuleRenderer(addressSets, config.logs(), drops, config.ruleCounters());
      policies.renderAll(renderer);
    }
    if (isLoggingNew) {
      endpoints.renderAll(drops);
      hostEndpoints.renderAll(drops);
    }
  }

  /** Returns what rules have counted, where they count. */
  public RuleCounters counters() {
    return counters;
  }

  /** Returns what logged packets are told by; it may be asked on any thread. */
  public DenialNames denials() {
    return denials;
  }

  /**
   * Takes over the addresses of the host's loopback interface.
   *
   * @param loopback its addresses and networks
   * @param own the node's own addresses: these are the host's, not the loopback's
   */
  public void putLoopback(Set<Cidr> loopback, Set<IpAddress> own) {
    host.putLoopback(loopback, own);
  }

  /** Takes over what the calculation says. */
  public void accept(List<DataplaneUpdate> updates) {
    Set<AddressSetId> others = new HashSet<>();
    for (DataplaneUpdate update : updates) {
      if (update instanceof AddressSetUpdate set && addressSets.update(set)) {
        others.add(set.id());
      }
    }
    if (!others.isEmpty()) {
      policies.renderAsking(others, renderer);
    }
    for (DataplaneUpdate update : updates) {
      if (update instanceof RulesUpdate rules) {
        policies.update(rules, renderer);
      } else if (update instanceof EndpointUpdate endpoint) {
        endpoints.update(endpoint);
      } else if (update instanceof EndpointRemoved endpoint) {
        endpoints.remove(endpoint.key());
      } else if (update instanceof HostEndpointUpdate endpoint) {
        hostEndpoints.update(endpoint);
      } else if (update instanceof HostEndpointRemoved endpoint) {
        hostEndpoints.remove(endpoint.key());
      } else if (update instanceof RulesRemoved rules) {
        policies.remove(rules.key());
      } else if (update instanceof AddressSetRemoved set) {
        addressSets.remove(set.id());
      } else if (update instanceof PoolsUpdate pools) {
        masquerade.update(pools);
      } else if (update instanceof HostAddressesUpdate hosts) {
        masquerade.update(hosts);
      } else if (update instanceof LocalTunnelUpdate end) {
        tunnels.update(end);
      } else if (update instanceof LocalTunnelRemoved end) {
        tunnels.remove(end.tunnel());
      } else if (update instanceof VtepUpdate vtep) {
        tunnels.update(vtep);
      } else if (update instanceof VtepRemoved vtep) {
        tunnels.remove(vtep);
      }
    }
    endpoints.flushed();
  }

  /** Returns whose rules are in a chain: a policy or a profile; else the chain. */
  public String ownerOf(String chain) {
    return policies.ownerOf(chain);
  }
}
