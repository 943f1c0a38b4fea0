package io.calico4j.felix.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.calico4j.core.felix.FelixParameter;
import io.calico4j.core.felix.FelixParameters;
import io.calico4j.core.felix.FelixSource;
import io.calico4j.core.model.FelixConfigurationSpec;
import io.calico4j.core.model.Metadata;
import io.calico4j.core.model.Resource;
import io.calico4j.core.model.ResourceKind;
import io.calico4j.core.net.Cidr;
import io.calico4j.core.net.IpAddress;
import io.calico4j.core.testing.GeneratedSection;
import io.calico4j.core.testing.SettingExample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who decides a parameter, and what its text means. */
class FelixConfigTest {
  private static Resource<FelixConfigurationSpec> resource(
      String name, @Nullable String action, @Nullable String interval) {
    return Resource.create(
        ResourceKind.FELIX_CONFIGURATION,
        Metadata.named(null, name),
        new FelixConfigurationSpec(null, action, null, null, null, null, interval, null, null));
  }

  private static FelixSource environment(String name, String value) {
    return FelixSource.environment(Map.of(name, value));
  }

  @Test
  void everyParameterHasItsDefaultTakesAValueAndNamesABadOne() {
    SettingExample.check(
        FelixConfig.TABLE,
        List.of(
            new SettingExample(
                "DefaultEndpointToHostAction", "DROP", "Accept", "ACCEPT", "Explode"),
            new SettingExample("LogSeverityScreen", "INFO", "Debug", "DEBUG", "Loud"),
            new SettingExample("LogPrefix", "calico-packet", "x", "x", null),
            new SettingExample("LogActionRateLimit", "", "10/second", "10/second", "10/week"),
            new SettingExample("LogActionRateLimitBurst", 5, "9", 9, "0"),
            new SettingExample("RouteSyncDisabled", false, "true", true, "on"),
            new SettingExample("DeviceRouteProtocol", 3, "80", 80, "256"),
            new SettingExample("RemoveExternalRoutes", true, "false", false, "off"),
            new SettingExample(
                "DeviceRouteSourceAddress",
                Optional.empty(),
                "192.0.2.1",
                Optional.of(IpAddress.parse("192.0.2.1")),
                "fd00::1"),
            new SettingExample(
                "DeviceRouteSourceAddressIPv6",
                Optional.empty(),
                "fd00::1",
                Optional.of(IpAddress.parse("fd00::1")),
                "192.0.2.1"),
            new SettingExample(
                "ExternalNodesCIDRList",
                List.of(),
                "10.1.0.0/16, 10.0.0.0/8,192.0.2.1",
                List.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("192.0.2.1/32")),
                "10.0.0.0/33"),
            new SettingExample(
                "InterfaceExclude",
                InterfaceNames.of("kube-ipvs0"),
                "/^veth/,eth9",
                InterfaceNames.of("/^veth/,eth9"),
                "/(/"),
            seconds("DataplaneWatchdogTimeout", 90),
            seconds("NftablesRefreshInterval", 180),
            seconds("RouteRefreshInterval", 90),
            seconds("ReportingIntervalSecs", 30),
            seconds("ReportingTTLSecs", 90),
            new SettingExample("EndpointReportingEnabled", false, "yes", true, "on"),
            seconds("EndpointReportingDelaySecs", 1),
            new SettingExample(
                "EndpointStatusPathPrefix",
                Optional.of(Path.of("/var/run/calico")),
                "/run/other",
                Optional.of(Path.of("/run/other")),
                "run/other"),
            new SettingExample("IPForwarding", "Enabled", "disabled", "Disabled", "off"),
            new SettingExample("NATPortRange", "", "1024:2048", "1024-2048", "2048:1024"),
            new SettingExample("NATOutgoingAddress", "", "192.0.2.1", "192.0.2.1", "fd00::1"),
            new SettingExample(
                "NATOutgoingExclusions",
                "IPPoolsOnly",
                "ippoolsandhostips",
                "IPPoolsAndHostIPs",
                "none"),
            new SettingExample(
                "IptablesNATOutgoingInterfaceFilter", "", "eth+", "eth+", "eth0; drop"),
            new SettingExample("VXLANPort", 4789, "8472", 8472, "0"),
            new SettingExample("AllowVXLANPacketsFromWorkloads", false, "1", true, "on"),
            new SettingExample("AllowIPIPPacketsFromWorkloads", false, "1", true, "on"),
            new SettingExample("DisableConntrackInvalidCheck", false, "1", true, "on"),
            new SettingExample(
                "FailsafeInboundHostPorts",
                FelixConfig.DEFAULTS.failsafeInbound(),
                "22, UDP:10.0.0.0/8:68,tcp:[fd00::/8]:9,tcp:fd00::/8:9",
                List.of(
                    new FailsafePort("tcp", null, 22),
                    new FailsafePort("udp", Cidr.parse("10.0.0.0/8"), 68),
                    new FailsafePort("tcp", Cidr.parse("fd00::/8"), 9),
                    new FailsafePort("tcp", Cidr.parse("fd00::/8"), 9)),
                "icmp:8"),
            new SettingExample("FlowLogsLocalReporter", "Disabled", "enabled", "Enabled", "on"),
            seconds("FlowLogsFlushInterval", 10),
            new SettingExample("VXLANEnabled", true, "false", false, "perhaps"),
            new SettingExample("VXLANVNI", 4096, "4097", 4097, "16777216"),
            new SettingExample("VXLANMTU", 0, "1400", 1400, "-1"),
            new SettingExample("VXLANMTUV6", 0, "1380", 1380, "70000"),
            new SettingExample("IpInIpEnabled", true, "false", false, "perhaps"),
            new SettingExample("IpInIpMtu", 0, "1440", 1440, "big"),
            new SettingExample(
                "FailsafeOutboundHostPorts",
                FelixConfig.DEFAULTS.failsafeOutbound(),
                "none",
                List.of(),
                "tcp:99999")));
  }

  @Test
  void statusFilesCanBeSwitchedOff() {
    assertThat(
            FelixConfig.resolve(List.of(environment("FELIX_ENDPOINTSTATUSPATHPREFIX", "None")))
                .status()
                .files())
        .isEmpty();
  }

  @Test
  void interfacesAreExcludedByNameAndByRegularExpression() {
    InterfaceNames names = InterfaceNames.of("eth9, /^veth/,/br./");
    assertThat(names)
        .accepts("eth9", "veth0", "my-br0")
        .rejects("eth99", "aveth", "br", "/^veth/", "");
  }

  private static SettingExample seconds(String name, long absent) {
    return new SettingExample(
        name, Duration.ofSeconds(absent), "1m30.5s", Duration.ofMillis(90_500), "10 s");
  }

  @Test
  void theTableOfAllParametersSaysTheSame() {
    Map<String, String> acted = new TreeMap<>();
    FelixParameters.all().stream()
        .filter(parameter -> parameter.status() == FelixParameter.Status.ACTED)
        .forEach(parameter -> acted.put(parameter.name(), parameter.field()));
    assertThat(FelixConfig.fields()).isEqualTo(acted);
  }

  @Test
  void theReadmeListsThem() throws Exception {
    GeneratedSection.check(Path.of("README.md"), "parameters", FelixConfig.TABLE.markdown());
  }

  @Test
  void environmentBeatsFileBeatsNodeBeatsCluster(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("felix.cfg");
    Files.writeString(file, "[global]\nDefaultEndpointToHostAction = Drop\n");
    var node = resource("node.h1", "Return", null);
    var cluster = resource("default", "Accept", "30s");
    FelixSource none = FelixSource.environment(Map.of());
    assertThat(FelixSources.of(none).resolve(List.of())).isEqualTo(FelixConfig.DEFAULTS);
    assertThat(FelixSources.of(none).resolve(List.of(node, cluster)))
        .isEqualTo(
            new FelixConfig(
                "RETURN",
                LogParameters.DEFAULTS,
                Duration.ofSeconds(30),
                Duration.ofSeconds(90),
                StatusParameters.DEFAULTS,
                true,
                NatOutgoing.DEFAULTS,
                WorkloadChecks.DEFAULTS,
                TunnelParameters.DEFAULTS,
                FelixConfig.DEFAULTS.failsafeInbound(),
                FelixConfig.DEFAULTS.failsafeOutbound(),
                FlowLogParameters.DEFAULTS,
                RouteParameters.DEFAULTS,
                InterfaceNames.of("kube-ipvs0"),
                Duration.ofSeconds(90),
                false));
    FelixSource inFile = FelixSource.file(file, report -> {});
    assertThat(FelixSources.of(none, inFile).resolve(List.of(node)).endpointToHostAction())
        .isEqualTo("DROP");
    assertThat(
            FelixSources.of(environment("felix_DEFAULTENDPOINTTOHOSTACTION", "accept"), inFile)
                .resolve(List.of(node))
                .endpointToHostAction())
        .isEqualTo("ACCEPT");
  }

  private static Resource<FelixConfigurationSpec> counting(String name, String value) {
    Metadata metadata = Metadata.named(null, name);
    return Resource.create(
        ResourceKind.FELIX_CONFIGURATION,
        metadata.withAnnotations(Map.of("io.calico4j/rule-counters", value)),
        new FelixConfigurationSpec(null, null, null, null, null, null, null, null, null));
  }

  @Test
  void anAnnotationSwitchesCountersOfRules() {
    FelixSources sources = FelixSources.of(FelixSource.environment(Map.of()));
    assertThat(sources.resolve(List.of()).ruleCounters()).isFalse();
    assertThat(sources.resolve(List.of(counting("default", "enabled"))).ruleCounters()).isTrue();
    assertThat(
            sources
                .resolve(List.of(counting("node.h1", "Disabled"), counting("default", "Enabled")))
                .ruleCounters())
        .isFalse();
    assertThat(
            sources
                .resolve(List.of(counting("node.h1", "perhaps"), counting("default", "Enabled")))
                .ruleCounters())
        .isTrue();
  }

  @Test
  void aBadValueLeavesTheDecisionToTheNextSource() {
    assertThat(
            FelixSources.of(environment("FELIX_NftablesRefreshInterval", "-3s"))
                .resolve(
                    List.of(
                        resource("node.h1", "Explode", null), resource("default", "Accept", "5"))))
        .satisfies(
            config -> {
              assertThat(config.endpointToHostAction()).isEqualTo("ACCEPT");
              assertThat(config.rulesRefreshInterval()).hasSeconds(5);
            });
  }

  @Test
  void whatHasNoEffectIsNamedOnceUntilItIsSetAgain() {
    FelixSources sources = FelixSources.of(environment("FELIX_WIREGUARDENABLED", "true"));
    assertThat(sources.news(List.of()))
        .containsExactly(
            "FelixConfiguration WireguardEnabled is not supported here, because WireGuard is not"
                + " yet implemented: FELIX_WireguardEnabled \"true\" has no effect");
    var tap = new FelixConfigurationSpec(null, null, "tap", null, null, null, null, null, null);
    var changed =
        List.of(
            Resource.create(
                ResourceKind.FELIX_CONFIGURATION, Metadata.named(null, "default"), tap));
    assertThat(sources.news(changed)).hasSize(1).allMatch(line -> line.contains("InterfacePrefix"));
    assertThat(sources.news(changed)).isEmpty();
    assertThat(sources.news(List.of())).isEmpty();
    assertThat(sources.news(changed)).hasSize(1);
  }
}
