/** Value types of networking: addresses, CIDRs, MAC addresses. Pure; both families. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.net;
