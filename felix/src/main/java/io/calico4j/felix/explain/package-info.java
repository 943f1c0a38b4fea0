/**
 * Follows a packet through the rules that a node enforces, to tell why it passes or not. Pure: it
 * takes what the calculation says, as the dataplane does.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.explain;
