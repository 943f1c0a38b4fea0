/** The nftables driver: differences as one transaction, through libnftables in this process. */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.dataplane.nft;
