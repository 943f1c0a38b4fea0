package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.ValueType;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Felix's parameters, as far as this Felix acts on them. Descending precedence, as upstream's:
 * environment, felix.cfg, FelixConfiguration {@code node.NAME}, FelixConfiguration {@code default},
 * built-in.
 *
 * @param endpointToHostAction DROP, RETURN or ACCEPT: workload to its host
 * @param logs what is logged, and how Log rules write
 * @param rulesRefreshInterval how often rules are written anew whatever is there; zero is never
 * @param routeRefreshInterval how often missing routes are put back; zero is never
 * @param status what Felix reports of itself and its endpoints
 * @param ipForwarding whether the host is made to forward packets
 * @param natOutgoing how outgoing traffic is masqueraded
 * @param checks what is done to packets of workloads before policy is asked
 * @param tunnels how the tunnels between hosts are made
 * @param failsafeInbound ports of the host that host endpoints leave open
 * @param failsafeOutbound ports of others that they leave open to the host
 * @param flowLogs what is told of denied packets
 * @param routes how routes are kept
 * @param excludedInterfaces interfaces whose addresses find no host endpoint
 * @param watchdogTimeout how long the rules' thread may work before it counts as dead; zero is for
 *     ever
 * @param ruleCounters whether the rules of policies and profiles count
 */
public record FelixConfig(
    String endpointToHostAction,
    LogParameters logs,
    Duration rulesRefreshInterval,
    Duration routeRefreshInterval,
    StatusParameters status,
    boolean ipForwarding,
    NatOutgoing natOutgoing,
    WorkloadChecks checks,
    TunnelParameters tunnels,
    List<FailsafePort> failsafeInbound,
    List<FailsafePort> failsafeOutbound,
    FlowLogParameters flowLogs,
    RouteParameters routes,
    InterfaceNames excludedInterfaces,
    Duration watchdogTimeout,
    boolean ruleCounters) {
  private static final Parameter<String> ACTION =
      Parameter.of(
          "DefaultEndpointToHostAction",
          "defaultEndpointToHostAction",
          ValueType.oneOf("DROP", "RETURN", "ACCEPT"),
          "DROP",
          "DROP; calico-node writes Return for its own node",
          "workload to its host");

  private static final Parameter<Duration> RULES =
      Parameter.of(
          "NftablesRefreshInterval",
          "nftablesRefreshInterval",
          ValueType.duration(),
          Duration.ofSeconds(180),
          "180",
          "the whole table is written anew; 0 never");

  private static final Parameter<Duration> ROUTES =
      Parameter.of(
          "RouteRefreshInterval",
          "routeRefreshInterval",
          ValueType.duration(),
          Duration.ofSeconds(90),
          "90",
          "missing workload routes are put back, those of addresses an endpoint has no more are"
              + " taken away, interfaces set up; 0 never. After an endpoint's change this is done"
              + " within a second");

  private static final Parameter<String> FORWARDING =
      Parameter.of(
          "IPForwarding",
          "ipForwarding",
          ValueType.oneOf("Enabled", "Disabled"),
          "Enabled",
          "Enabled",
          "the host is made to forward IPv4, and IPv6 once a pool or an endpoint has such"
              + " addresses; interfaces that listen to router advertisements go on doing so");

  private static final Parameter<List<FailsafePort>> FAILSAFE_IN =
      failsafe(
          "FailsafeInboundHostPorts",
          "failsafeInboundHostPorts",
          "tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667",
          "ports of the host that host endpoints leave open");

  private static final Parameter<List<FailsafePort>> FAILSAFE_OUT =
      failsafe(
          "FailsafeOutboundHostPorts",
          "failsafeOutboundHostPorts",
          "udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667",
          "ports of others that host endpoints leave open to the host");

  private static final Parameter<InterfaceNames> EXCLUDED_INTERFACES =
      Parameter.of(
          "InterfaceExclude",
          "interfaceExclude",
          InterfaceNames.type(),
          InterfaceNames.of("kube-ipvs0"),
          "kube-ipvs0",
          "interfaces whose addresses find no host endpoint");

  private static final Parameter<Duration> WATCHDOG =
      Parameter.of(
          "DataplaneWatchdogTimeout",
          "dataplaneWatchdogTimeout",
          ValueType.duration(),
          Duration.ofSeconds(90),
          "90",
          "how long the thread of the rules may work before /liveness says that it hangs; 0 for"
              + " ever");

  private static final List<Parameter<?>> PARAMETERS =
      Stream.of(
              List.of(ACTION),
              LogParameters.PARAMETERS,
              List.of(RULES, ROUTES),
              StatusParameters.PARAMETERS,
              List.of(FORWARDING),
              NatOutgoing.PARAMETERS,
              TunnelParameters.PARAMETERS,
              WorkloadChecks.PARAMETERS,
              List.of(FAILSAFE_IN, FAILSAFE_OUT),
              FlowLogParameters.PARAMETERS,
              RouteParameters.PARAMETERS,
              List.of(EXCLUDED_INTERFACES, WATCHDOG))
          .<Parameter<?>>flatMap(List::stream)
          .toList();

  private static Parameter<List<FailsafePort>> failsafe(
      String name, String field, String absent, String description) {
    return Parameter.of(
        name,
        field,
        FailsafePort.list(),
        FailsafePort.list().parse(absent).orElseThrow(),
        absent,
        description);
  }

  /** What this Felix acts upon. */
  static final Settings TABLE =
      new Settings("parameter", PARAMETERS.stream().<Setting<?>>map(Parameter::setting).toList());

  /** What holds where nothing is configured. */
  public static final FelixConfig DEFAULTS = resolve(List.of());

  /**
   * Resolves the parameters. A value that makes no sense is logged and counts as not set there, so
   * that the next weaker source decides.
   *
   * @param sources where parameters are set, the strongest first
   */
  public static FelixConfig resolve(List<FelixSource> sources) {
    return new FelixConfig(
        ACTION.find(sources),
        LogParameters.resolve(sources),
        RULES.find(sources),
        ROUTES.find(sources),
        StatusParameters.resolve(sources),
        FORWARDING.find(sources).equals("Enabled"),
        NatOutgoing.resolve(sources),
        WorkloadChecks.resolve(sources),
        TunnelParameters.resolve(sources),
        FAILSAFE_IN.find(sources),
        FAILSAFE_OUT.find(sources),
        FlowLogParameters.resolve(sources),
        RouteParameters.resolve(sources),
        EXCLUDED_INTERFACES.find(sources),
        WATCHDOG.find(sources),
        false);
  }

  /** Returns the same parameters, and whether rules count. */
  public FelixConfig withRuleCounters(boolean counts) {
    return new FelixConfig(
        endpointToHostAction,
        logs,
        rulesRefreshInterval,
        routeRefreshInterval,
        status,
        ipForwarding,
        natOutgoing,
        checks,
        tunnels,
        failsafeInbound,
        failsafeOutbound,
        flowLogs,
        routes,
        excludedInterfaces,
        watchdogTimeout,
        counts);
  }

  /** Returns the same parameters, but that nothing is told of denied packets. */
  public FelixConfig withoutFlowLogs() {
    return !flowLogs.enabled()
        ? this
        : new FelixConfig(
            endpointToHostAction,
            logs,
            rulesRefreshInterval,
            routeRefreshInterval,
            status,
            ipForwarding,
            natOutgoing,
            checks,
            tunnels,
            failsafeInbound,
            failsafeOutbound,
            flowLogs.off(),
            routes,
            excludedInterfaces,
            watchdogTimeout,
            ruleCounters);
  }

  /** Tells the field of FelixConfiguration by parameter. */
  static Map<String, String> fields() {
    return PARAMETERS.stream()
        .collect(Collectors.toMap(parameter -> parameter.setting().name(), Parameter::field));
  }
}
