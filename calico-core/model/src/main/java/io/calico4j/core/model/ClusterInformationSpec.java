package io.calico4j.core.model;

import org.jspecify.annotations.Nullable;

/**
 * Spec of ClusterInformation {@code default}.
 *
 * @param clusterGUID 32 hex digits
 * @param clusterType comma-separated set
 * @param calicoVersion the version that wrote it last
 * @param datastoreReady false while the datastore is locked: plugins refuse, Felix pauses
 */
public record ClusterInformationSpec(
    @Nullable String clusterGUID,
    @Nullable String clusterType,
    @Nullable String calicoVersion,
    @Nullable Boolean datastoreReady) {}
