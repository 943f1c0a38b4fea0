/** Routes of the cluster and tunnels between its hosts: what ought to be there, and what is. */
@org.jspecify.annotations.NullMarked
package io.calico4j.felix.dataplane.route;
