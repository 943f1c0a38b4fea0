package io.calico4j.core.model;

import org.jspecify.annotations.Nullable;

/**
 * Spec of a FelixConfiguration: {@code default} for the cluster, {@code node.NAME} for one node.
 * Only what this Felix acts on; every other field is kept as it is.
 *
 * @param logSeverityScreen Trace, Debug, Info, Warning, Error or Fatal
 * @param defaultEndpointToHostAction Drop, Return or Accept: workload to its host
 * @param interfacePrefix comma-separated prefixes of workload interfaces; default cali
 * @param reportingInterval how often Felix writes its status; 0s is never
 * @param reportingTTL how long that status lasts
 * @param endpointReportingEnabled whether Felix writes a status of each endpoint
 * @param nftablesRefreshInterval how often rules are compared with the kernel; default 180s
 * @param routeRefreshInterval how often routes are compared with the kernel; default 90s
 * @param logPrefix the prefix of Log rules; default calico-packet
 */
public record FelixConfigurationSpec(
    @Nullable String logSeverityScreen,
    @Nullable String defaultEndpointToHostAction,
    @Nullable String interfacePrefix,
    @Nullable String reportingInterval,
    @Nullable String reportingTTL,
    @Nullable Boolean endpointReportingEnabled,
    @Nullable String nftablesRefreshInterval,
    @Nullable String routeRefreshInterval,
    @Nullable String logPrefix) {}
