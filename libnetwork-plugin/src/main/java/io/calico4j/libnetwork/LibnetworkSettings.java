package io.calico4j.libnetwork;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How Docker is served on this host.
 *
 * @param pluginDirectory where Docker looks for the sockets of plugins
 * @param dockerSocket where Docker's own API answers
 * @param createProfiles whether a network becomes a profile
 * @param labelEndpoints whether labels of containers become labels of endpoints
 * @param labelTimeout how long a container is looked for at once, after which it is looked for from
 *     time to time
 * @param interfacePrefix of interfaces inside containers; Docker adds a number
 * @param mtu of new interfaces, in bytes; 0 for the host's default
 * @param lookEvery how often endpoints are compared with Docker's; zero for never
 */
public record LibnetworkSettings(
    Path pluginDirectory,
    Path dockerSocket,
    boolean createProfiles,
    boolean labelEndpoints,
    Duration labelTimeout,
    String interfacePrefix,
    int mtu,
    Duration lookEvery) {}
