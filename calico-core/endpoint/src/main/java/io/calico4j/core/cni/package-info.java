/**
 * The Container Network Interface: requests, configurations, results and errors of the spec
 * versions 0.1.0 to 1.1.0 (containernetworking/cni, SPEC.md), and the plugins {@code calico} and
 * {@code calico-ipam}, which serve every runtime over the endpoint service and IPAM.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.cni;
