package io.calico4j.felix.config;

import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.PortMatch;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.net.IpFamily;
import io.calico4j.core.setting.Origin;
import io.calico4j.core.setting.Setting;
import io.calico4j.core.setting.Settings;
import io.calico4j.core.setting.ValueType;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
  private static final Logger log = LoggerFactory.getLogger(FelixConfig.class);

  private static final Origin ORIGIN =
      new Origin("environment with FELIX_, felix.cfg, FelixConfiguration", true);

  private static final Parameter<String> ACTION =
      Parameter.of(
          "DefaultEndpointToHostAction",
          "defaultEndpointToHostAction",
          ValueType.oneOf("DROP", "RETURN", "ACCEPT"),
          "DROP",
          "DROP; calico-node writes Return for its own node",
          "workload to its host");

  private static final Parameter<String> LOG_SEVERITY =
      Parameter.of(
          "LogSeverityScreen",
          "logSeverityScreen",
          ValueType.oneOf("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "FATAL"),
          "INFO",
          "INFO",
          "how severe something must be to be in calico-node's log; FATAL is as ERROR");

  private static final Parameter<String> LOG_PREFIX =
      Parameter.of(
          "LogPrefix",
          "logPrefix",
          ValueType.text("any text"),
          LogParameters.DEFAULTS.prefix(),
          "calico-packet",
          "prefix of Log rules in the kernel log");

  private static final Parameter<String> LOG_RATE =
      Parameter.of(
          "LogActionRateLimit",
          "logActionRateLimit",
          ValueType.matching(
              "a number of packets by second, minute, hour or day, such as 10/second",
              "[1-9][0-9]{0,3}/(second|minute|hour|day)"),
          "",
          "no limit",
          "how many lines each Log rule writes at most");

  private static final Parameter<Integer> LOG_BURST =
      Parameter.of(
          "LogActionRateLimitBurst",
          "logActionRateLimitBurst",
          ValueType.integer("1 to 9999", 1, 9999),
          LogParameters.DEFAULTS.burst(),
          "5",
          "how many lines beyond the rate");

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

  private static final Parameter<Duration> REPORTING =
      Parameter.of(
          "ReportingIntervalSecs",
          "reportingInterval",
          ValueType.duration(),
          StatusParameters.DEFAULTS.interval(),
          "30; calico-node writes 0s into FelixConfiguration default",
          "/calico/felix/v2/no-region/host/NODE/status (with a lease) and last_reported_status are"
              + " written; 0 never");

  private static final Parameter<Duration> TTL =
      Parameter.of(
          "ReportingTTLSecs",
          "reportingTTL",
          ValueType.duration(),
          StatusParameters.DEFAULTS.ttl(),
          "90",
          "the lease's seconds");

  private static final Parameter<Boolean> ENDPOINTS =
      Parameter.of(
          "EndpointReportingEnabled",
          "endpointReportingEnabled",
          ValueType.flag(),
          false,
          "false",
          "a key of each endpoint says up (its rules are in the kernel, its interface is up) or"
              + " down; of a HostEndpoint also error (no interface of the host is its own)");

  private static final Parameter<Duration> ENDPOINT_DELAY =
      Parameter.of(
          "EndpointReportingDelaySecs",
          "endpointReportingDelay",
          ValueType.duration(),
          StatusParameters.DEFAULTS.endpointDelay(),
          "1",
          "one such key is written at a time, with this time between them; 0 as many as there are");

  private static final Parameter<Optional<Path>> STATUS_FILES =
      Parameter.of(
          "EndpointStatusPathPrefix",
          "endpointStatusPathPrefix",
          ValueType.of("an absolute path, or none", FelixConfig::path),
          StatusParameters.DEFAULTS.files(),
          "/var/run/calico",
          "in endpoint-status below it is a file for each WorkloadEndpoint whose rules are in the"
              + " kernel; none: there are no such files");

  private static final Parameter<String> FORWARDING =
      Parameter.of(
          "IPForwarding",
          "ipForwarding",
          ValueType.oneOf("Enabled", "Disabled"),
          "Enabled",
          "Enabled",
          "the host is made to forward IPv4, and IPv6 once a pool or an endpoint has such"
              + " addresses; interfaces that listen to router advertisements go on doing so");

  private static final Parameter<String> NAT_PORTS =
      Parameter.of(
          "NATPortRange",
          "natPortRange",
          ValueType.of("a port such as 5000, or a range such as 32768:65535", FelixConfig::ports),
          "",
          "any port",
          "source ports of masqueraded TCP and UDP");

  private static final Parameter<String> NAT_ADDRESS =
      Parameter.of(
          "NATOutgoingAddress",
          "natOutgoingAddress",
          ValueType.of("an IPv4 address", FelixConfig::ipv4),
          "",
          "the address of the interface that the traffic leaves by",
          "source address of masqueraded IPv4 traffic");

  private static final Parameter<String> NAT_EXCLUSIONS =
      Parameter.of(
          "NATOutgoingExclusions",
          "natOutgoingExclusions",
          ValueType.oneOf("IPPoolsOnly", "IPPoolsAndHostIPs"),
          "IPPoolsOnly",
          "IPPoolsOnly",
          "what traffic of pools with natOutgoing is not masqueraded to: the pools, or also the"
              + " nodes' addresses");

  private static final Parameter<String> NAT_INTERFACE =
      Parameter.of(
          "IptablesNATOutgoingInterfaceFilter",
          "iptablesNATOutgoingInterfaceFilter",
          ValueType.matching(
              "an interface such as eth0 or eth+", "[a-zA-Z0-9:._-]{1,14}[a-zA-Z0-9:._+-]"),
          "",
          "all interfaces",
          "only traffic that leaves by this interface is masqueraded");

  private static final Parameter<Integer> VXLAN_PORT =
      Parameter.of(
          "VXLANPort",
          "vxlanPort",
          ValueType.integer("a port, 1 to 65535", 1, 65535),
          WorkloadChecks.DEFAULTS.vxlanPort(),
          "4789",
          "the UDP port of the tunnels between hosts, to which workloads may not send");

  private static final Parameter<Boolean> VXLAN =
      Parameter.of(
          "VXLANEnabled",
          "vxlanEnabled",
          ValueType.flag(),
          true,
          "as the pools ask",
          "false: no VXLAN device is made, and what its pools hold of other nodes is not reached");

  private static final Parameter<Integer> VXLAN_ID =
      Parameter.of(
          "VXLANVNI",
          "vxlanVNI",
          ValueType.integer("a network identifier, 1 to 16777215", 1, 16777215),
          TunnelParameters.DEFAULTS.vxlanId(),
          "4096",
          "the VNI of the VXLAN devices");

  private static final Parameter<Integer> VXLAN_MTU =
      mtu("VXLANMTU", "vxlanMTU", "vxlan.calico, 0 is the MTU of the interface below less 50");

  private static final Parameter<Integer> VXLAN_MTU_V6 =
      mtu(
          "VXLANMTUV6",
          "vxlanMTUV6",
          "vxlan-v6.calico, 0 is the MTU of the interface below less 70");

  private static final Parameter<Boolean> IPIP =
      Parameter.of(
          "IpInIpEnabled",
          "ipipEnabled",
          ValueType.flag(),
          true,
          "as the pools ask",
          "false: tunl0 is not used, and what its pools hold of other nodes is not reached");

  private static final Parameter<Integer> IPIP_MTU =
      mtu("IpInIpMtu", "ipipMTU", "tunl0, 0 is the MTU of the interface below less 20");

  private static final Parameter<Boolean> ALLOW_VXLAN =
      Parameter.of(
          "AllowVXLANPacketsFromWorkloads",
          "allowVXLANPacketsFromWorkloads",
          ValueType.flag(),
          false,
          "false",
          "workloads may send to the VXLAN port, as far as policy allows");

  private static final Parameter<Boolean> ALLOW_IPIP =
      Parameter.of(
          "AllowIPIPPacketsFromWorkloads",
          "allowIPIPPacketsFromWorkloads",
          ValueType.flag(),
          false,
          "false",
          "workloads may send IP in IP, as far as policy allows");

  private static final Parameter<Boolean> NO_INVALID_CHECK =
      Parameter.of(
          "DisableConntrackInvalidCheck",
          "disableConntrackInvalidCheck",
          ValueType.flag(),
          false,
          "false",
          "packets that conntrack calls invalid are left to policy instead of being dropped");

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

  private static final Parameter<String> FLOW_LOGS =
      Parameter.of(
          "FlowLogsLocalReporter",
          "flowLogsLocalReporter",
          ValueType.oneOf("Enabled", "Disabled"),
          "Disabled",
          "Disabled",
          "flows that policy denies are named in the agent's log; upstream writes to a socket");

  private static final Parameter<Duration> FLOW_LOGS_INTERVAL =
      Parameter.of(
          "FlowLogsFlushInterval",
          "flowLogsFlushInterval",
          ValueType.duration(),
          FlowLogParameters.DEFAULTS.interval(),
          "10; upstream's is 300",
          "a flow that goes on being denied is named again after this time, one second at least");

  private static final Parameter<Boolean> ROUTE_SYNC_DISABLED =
      Parameter.of(
          "RouteSyncDisabled",
          "routeSyncDisabled",
          ValueType.flag(),
          false,
          "false",
          "true: routes, tunnels and settings of interfaces are left as they are; a plugin still"
              + " makes those of its workload");

  private static final Parameter<Integer> ROUTE_PROTOCOL =
      Parameter.of(
          "DeviceRouteProtocol",
          "deviceRouteProtocol",
          ValueType.integer("1 to 255", 1, 255),
          RouteParameters.DEFAULTS.protocol(),
          "3 (boot)",
          "the protocol of routes to workloads");

  private static final Parameter<Boolean> REMOVE_EXTERNAL_ROUTES =
      Parameter.of(
          "RemoveExternalRoutes",
          "removeExternalRoutes",
          ValueType.flag(),
          true,
          "true",
          "routes to interfaces of workloads that no endpoint asks for go after a second; false:"
              + " only those with the protocol of DeviceRouteProtocol");

  private static final Parameter<Optional<IpAddress>> ROUTE_SOURCE =
      source("DeviceRouteSourceAddress", "deviceRouteSourceAddress", IpFamily.IPV4);

  private static final Parameter<Optional<IpAddress>> ROUTE_SOURCE_V6 =
      source("DeviceRouteSourceAddressIPv6", "deviceRouteSourceAddressIPv6", IpFamily.IPV6);

  private static final Parameter<List<Cidr>> EXTERNAL_NODES =
      Parameter.of(
          "ExternalNodesCIDRList",
          "externalNodesList",
          ValueType.of("networks with commas between them", FelixConfig::networks),
          List.of(),
          "none",
          "hosts outside the cluster that may send through tunnels and be sent to");

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
      List.of(
          ACTION,
          LOG_SEVERITY,
          LOG_PREFIX,
          LOG_RATE,
          LOG_BURST,
          RULES,
          ROUTES,
          REPORTING,
          TTL,
          ENDPOINTS,
          ENDPOINT_DELAY,
          STATUS_FILES,
          FORWARDING,
          NAT_PORTS,
          NAT_ADDRESS,
          NAT_EXCLUSIONS,
          NAT_INTERFACE,
          VXLAN_PORT,
          VXLAN,
          VXLAN_ID,
          VXLAN_MTU,
          VXLAN_MTU_V6,
          IPIP,
          IPIP_MTU,
          ALLOW_VXLAN,
          ALLOW_IPIP,
          NO_INVALID_CHECK,
          FAILSAFE_IN,
          FAILSAFE_OUT,
          FLOW_LOGS,
          FLOW_LOGS_INTERVAL,
          ROUTE_SYNC_DISABLED,
          ROUTE_PROTOCOL,
          REMOVE_EXTERNAL_ROUTES,
          ROUTE_SOURCE,
          ROUTE_SOURCE_V6,
          EXTERNAL_NODES,
          EXCLUDED_INTERFACES,
          WATCHDOG);

  private static Parameter<Integer> mtu(String name, String field, String device) {
    return Parameter.of(
        name,
        field,
        ValueType.integer("0 to 65535 bytes", 0, 65535),
        0,
        "0",
        "the MTU of " + device);
  }

  private static Parameter<Optional<IpAddress>> source(String name, String field, IpFamily family) {
    return Parameter.of(
        name,
        field,
        ValueType.of(
            (family == IpFamily.IPV4 ? "an IPv4" : "an IPv6") + " address of the host",
            text ->
                IpAddress.tryParse(text)
                    .filter(address -> address.family() == family)
                    .map(Optional::of)),
        Optional.empty(),
        "the kernel's choice",
        "the address by which the host itself sends to workloads");
  }

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
        new LogParameters(
            LogSeverity.valueOf(LOG_SEVERITY.find(sources)),
            LOG_PREFIX.find(sources),
            LOG_RATE.find(sources),
            LOG_BURST.find(sources)),
        RULES.find(sources),
        ROUTES.find(sources),
        new StatusParameters(
            REPORTING.find(sources),
            TTL.find(sources),
            ENDPOINTS.find(sources),
            ENDPOINT_DELAY.find(sources),
            STATUS_FILES.find(sources)),
        FORWARDING.find(sources).equals("Enabled"),
        new NatOutgoing(
            NAT_PORTS.find(sources),
            NAT_ADDRESS.find(sources),
            NAT_EXCLUSIONS.find(sources).equals("IPPoolsAndHostIPs"),
            NAT_INTERFACE.find(sources)),
        new WorkloadChecks(
            VXLAN_PORT.find(sources),
            ALLOW_VXLAN.find(sources),
            ALLOW_IPIP.find(sources),
            !NO_INVALID_CHECK.find(sources)),
        new TunnelParameters(
            VXLAN.find(sources),
            IPIP.find(sources),
            VXLAN_ID.find(sources),
            VXLAN_PORT.find(sources),
            VXLAN_MTU.find(sources),
            VXLAN_MTU_V6.find(sources),
            IPIP_MTU.find(sources),
            EXTERNAL_NODES.find(sources)),
        FAILSAFE_IN.find(sources),
        FAILSAFE_OUT.find(sources),
        new FlowLogParameters(
            FLOW_LOGS.find(sources).equals("Enabled"), FLOW_LOGS_INTERVAL.find(sources)),
        new RouteParameters(
            !ROUTE_SYNC_DISABLED.find(sources),
            ROUTE_PROTOCOL.find(sources),
            REMOVE_EXTERNAL_ROUTES.find(sources),
            ROUTE_SOURCE.find(sources).orElse(null),
            ROUTE_SOURCE_V6.find(sources).orElse(null)),
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

  /** Reads {@code 5000} or {@code 32768:65535}, and returns it as nftables has it. */
  private static Optional<String> ports(String text) {
    try {
      PortMatch ports = PortMatch.parse(text);
      return ports.name() != null
          ? Optional.empty()
          : Optional.of(
              ports.first() == ports.last()
                  ? String.valueOf(ports.first())
                  : ports.first() + "-" + ports.last());
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Reads a list of networks, and leaves out those that lie in another one. */
  private static Optional<List<Cidr>> networks(String text) {
    TreeSet<Cidr> networks = new TreeSet<>();
    for (String each : text.split(",", -1)) {
      Optional<Cidr> network = Cidr.tryParse(each.strip());
      if (network.isPresent()) {
        networks.add(network.get());
      } else if (!each.isBlank() && !each.strip().equalsIgnoreCase("none")) {
        return Optional.empty();
      }
    }
    return Optional.of(
        networks.stream()
            .filter(
                network ->
                    networks.stream()
                        .noneMatch(other -> !other.equals(network) && other.contains(network)))
            .toList());
  }

  private static Optional<Optional<Path>> path(String text) {
    if (text.equalsIgnoreCase("none")) {
      return Optional.of(Optional.empty());
    }
    try {
      return Optional.of(Path.of(text)).filter(Path::isAbsolute).map(Optional::of);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static Optional<String> ipv4(String text) {
    return IpAddress.tryParse(text).filter(IpAddress::isV4).map(IpAddress::toString);
  }

  /** Tells the field of FelixConfiguration by parameter. */
  static Map<String, String> fields() {
    return PARAMETERS.stream()
        .collect(Collectors.toMap(parameter -> parameter.setting().name(), Parameter::field));
  }

  private record Parameter<T>(Setting<T> setting, String field) {
    static <T> Parameter<T> of(
        String name,
        String field,
        ValueType<T> type,
        T absent,
        String absentWords,
        String description) {
      return new Parameter<>(
          Setting.of(name, type, absent, description).orElse(absentWords).from(ORIGIN).lenient(),
          field);
    }

    T find(List<FelixSource> sources) {
      for (FelixSource source : sources) {
        Optional<String> text = source.value(setting.name(), field);
        Optional<T> value = text.flatMap(setting.type()::parse);
        if (value.isPresent()) {
          return value.get();
        }
        text.ifPresent(
            bad ->
                log.error(
                    "{} \"{}\" must be {}: it is ignored until it is changed",
                    source.describe(
                        source.kind() == FelixSource.Kind.RESOURCE ? field : setting.name()),
                    bad,
                    setting.type().range()));
      }
      return setting.absent();
    }
  }
}
