/** Docker's remote network driver and IPAM driver, served over HTTP on unix sockets. */
@org.jspecify.annotations.NullMarked
package io.calico4j.libnetwork;
