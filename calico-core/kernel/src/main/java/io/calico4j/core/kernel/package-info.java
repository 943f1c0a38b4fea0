/**
 * What this project needs of the Linux kernel, as interfaces and records: rtnetlink, network
 * namespaces, sysctls. The native side is in {@code kernel.linux}.
 */
@org.jspecify.annotations.NullMarked
package io.calico4j.core.kernel;
