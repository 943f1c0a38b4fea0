package io.calico4j.core.model;

/**
 * A key as it stands in the datastore.
 *
 * @param key the full key, beginning with {@code /calico/}
 * @param value the value as text (JSON, for everything Calico writes)
 * @param revision the modification revision, at least 1; compare with it to write
 */
public record Entry(String key, String value, long revision) {}
