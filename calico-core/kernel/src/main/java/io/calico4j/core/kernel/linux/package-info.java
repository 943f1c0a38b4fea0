/** The Linux kernel through jnr-ffi: netlink sockets, namespaces, descriptors. Nothing forks. */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.kernel.linux;
