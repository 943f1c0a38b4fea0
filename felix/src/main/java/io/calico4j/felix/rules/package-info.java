/** Policy as nftables text: chains, sets and verdict maps as values. Pure. */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.rules;
