package io.calico4j.core.selector;

import org.jspecify.annotations.Nullable;

/**
 * What selectors and labels meet at.
 *
 * @param label the label's name
 * @param value its value; null for any
 */
record LabelKey(String label, @Nullable String value) {}
