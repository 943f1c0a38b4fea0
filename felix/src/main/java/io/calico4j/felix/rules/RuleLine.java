package io.calico4j.felix.rules;

import io.calico4j.core.model.Rule;

/**
 * A line of nftables that a rule was rendered to.
 *
 * @param text the line
 * @param rule the number of the rule in its list, the first is 1
 * @param action what the rule does
 * @param counted whether the line counts the rule's packets
 */
record RuleLine(String text, int rule, Rule.Action action, boolean counted) {}
