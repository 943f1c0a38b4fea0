/**
 * Both roads into a Mesos agent: what the {@code network/cni} isolator sends becomes an attach
 * request, and the net-modules command protocol is served.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.mesos;
