/**
 * The CNI plugins {@code calico} and {@code calico-ipam}, for rkt and every CNI runtime, over the
 * endpoint service and IPAM of core.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.rkt;
