package io.calico4j.core.model;

import org.jspecify.annotations.Nullable;

/**
 * Spec of a Tier.
 *
 * @param order ascending evaluation order; null means after all others
 * @param defaultAction Deny (default) or Pass: what happens at the end of the tier
 */
public record TierSpec(@Nullable Double order, @Nullable String defaultAction) {}
