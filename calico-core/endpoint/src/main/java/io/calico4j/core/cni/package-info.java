/**
 * The Container Network Interface as data: requests, configurations, results and errors of the spec
 * versions 0.1.0 to 1.1.0 (containernetworking/cni, SPEC.md).
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.cni;
