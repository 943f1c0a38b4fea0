/**
 * Address assignment: one round of reads, a pure decision, one compare-and-swap transaction, and
 * again on conflict. Blocks, affinities and handles are upstream's.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.ipam;
