package io.calico4j.core.model;

import org.jspecify.annotations.Nullable;

/**
 * Spec of a BGPConfiguration: {@code default} for the cluster, {@code node.NAME} for one node.
 *
 * @param logSeverityScreen BIRD's log level: debug, info, none and upstream's other names
 * @param nodeToNodeMeshEnabled whether every node peers with every other; default true
 * @param asNumber the default AS number; 64512 when null
 * @param listenPort BGP's TCP port; 179 when null
 */
public record BgpConfigurationSpec(
    @Nullable String logSeverityScreen,
    @Nullable Boolean nodeToNodeMeshEnabled,
    @Nullable AsNumber asNumber,
    @Nullable Integer listenPort) {}
