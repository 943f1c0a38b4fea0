/**
 * IPAM's data in upstream's etcd format, and what may be done with it: pure, blocks in, blocks out.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.ipam.decision;
